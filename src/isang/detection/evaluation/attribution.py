"""Whether the reasons point at the line that was planted, and whether undoing what they point at turns the verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from isang.artifact import Model
from isang.detection.detectors.contract import Reason
from isang.detection.evaluation.edited_sessions import Changeable, judge_changed
from isang.detection.evaluation.metrics import share
from isang.detection.explain import explain
from isang.detection.threshold.decisions import Judged
from isang.logs.store import Dataset


@dataclass(frozen=True)
class Suspect:
    """A session before and after something was planted into it."""

    original: Changeable
    changed: Changeable
    culprits: tuple[int, ...]
    """Places of the planted lines among the events of `changed`."""


def blamed(
    model: Model, dataset: Dataset, judged: Judged, suspects: Sequence[Suspect], found: Sequence[int]
) -> dict[str, Any]:
    """Shares over the sessions `found` of `judged`, which are anomalous; `suspects` are all sessions of `judged`.

    `culprit_first`: the first line that the reasons name is a planted one. `turned`: the session is no longer anomalous
    once what is named first is undone: a planted line by undoing the plant, another line by taking it out; a session
    whose reasons name no line does not turn.
    """
    firsts = [_first_line(model, judged, index, suspects[index].changed) for index in found]
    right = [first in suspects[index].culprits for first, index in zip(firsts, found, strict=True)]
    undone = [
        suspects[index].original if is_right else suspects[index].changed.without(first)
        for first, is_right, index in zip(firsts, right, found, strict=True)
        if first is not None and (is_right or len(suspects[index].changed.events) > 1)
    ]
    verdicts = judge_changed(model, dataset, undone).decisions if undone else []
    turned = sum(not decision.anomalous for decision in verdicts)
    return {"culprit_first": share(sum(right), len(found)), "turned": share(turned, len(found))}


def _first_line(model: Model, judged: Judged, index: int, session: Changeable) -> int | None:
    """Place of the first line that the reasons for a session name."""
    reasons = explain(model, judged, index, session.events.tolist(), model.config.detection.reasons)
    return next((place for reason in reasons for place in _lines(reason)), None)


def _lines(reason: Reason) -> Iterator[int]:
    if reason.position is not None and not reason.after:
        yield reason.position
    for item in reason.detail.get("extra", ()):
        yield item["position"]

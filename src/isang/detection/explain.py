"""Why a session is anomalous: the lines, what was expected instead, what is missing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest

import numpy as np

from isang.artifact import Model
from isang.detection.detectors import detectors_of
from isang.detection.detectors.contract import Case, Evidence, Reason
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.detection.threshold.calibration import ScoreTail
from isang.detection.threshold.decisions import Judged, judge_sessions, speaking_limits_at, tails


def explain(model: Model, judged: Judged, index: int, events: Sequence[int], most: int) -> list[Reason]:
    """The reasons for session `index` of `judged`, at most `most`; `events` are its event ids in the dataset.

    A detector speaks where its own p-value is within its share of the alert budget. They take turns, so that each has
    its strongest reason heard, and a line that one has named is not named again by the next.
    """
    alone = Evidence(model, judged.timed.only(index))
    case = Case(alone, judged.beside, index, set(), partial(_is_anomalous, model))
    given: list[list[Reason]] = []
    for number in speaking(model, judged, index):
        detector, tail = detectors_of(model)[number], tails(model)[number]
        score, p_value = float(judged.scores_DS[number, index]), float(judged.p_values_DS[number, index])
        reasons = [reason for reason in detector.reasons(case) if reason.after or reason.position not in case.named]
        given.append(
            [_signed(reason, detector.name, tail, score, p_value) for reason in _one_per_event(reasons, events)]
        )
        case.named.update(reason.position for reason in reasons if reason.position is not None and not reason.after)
    in_turn = [reason for turn in zip_longest(*given) for reason in turn if reason is not None]
    return in_turn[:most]


def speaking(model: Model, judged: Judged, index: int) -> list[int]:
    """The numbers of the detectors whose own p-value for a session is within their share of the alert budget.

    Those that are not needed to decide explain too.
    """
    limits_D = speaking_limits_at(model, model.config.detection.alerts_per_thousand)
    return np.flatnonzero(judged.p_values_DS[:, index] <= limits_D).tolist()


def _signed(reason: Reason, detector: str, tail: ScoreTail, score: float, p_value: float) -> Reason:
    """The reason with who gives it, and how many held-out normal sessions would have given it as much cause."""
    as_high = len(tail.ordered) - int(np.searchsorted(tail.ordered, score, side="left"))
    return replace(reason, detector=detector, p_value=p_value, as_high=as_high, held_out=len(tail.ordered))


def _is_anomalous(model: Model, session: TimedSessions) -> bool:
    return judge_sessions(model, session)[2][0].anomalous


def _one_per_event(reasons: list[Reason], events: Sequence[int]) -> list[Reason]:
    """Lines of one template that a detector objects to are one reason, at the first of them, with their number."""
    first: dict[int | None, Reason] = {}
    times: Counter[int | None] = Counter()
    for reason in reasons:
        event = None if reason.position is None else events[reason.position]
        first.setdefault(event, reason)
        times[event] += 1
    return [
        reason if times[event] == 1 else replace(reason, detail={**reason.detail, "times": times[event]})
        for event, reason in first.items()
    ]

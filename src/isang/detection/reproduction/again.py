"""An alert judged again from what was kept of it, and whether it comes out as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isang import __version__
from isang.artifact import Model
from isang.config import Config, from_dict, to_dict
from isang.detection.anomalies import records
from isang.detection.detectors.contract import Evidence
from isang.detection.detectors.open_ends import leave_open
from isang.detection.detectors.timed_sessions import NOTHING_EARLIER, EarlierSessions, timed_sessions
from isang.detection.reproduction.kept import identity
from isang.detection.threshold.decisions import Judged, judge_evidence
from isang.errors import InputError
from isang.logs.input.sources import Source
from isang.logs.store import SESSIONS_SCHEMA, TEMPLATES_SCHEMA, Dataset, Rows
from isang.model.vocabulary import BEGIN

CLOSE = 1e-3
"""Scores and p-values may differ by this share: sums of other batches are rounded otherwise."""
UNSEEN_LINES = "unseen_event"


@dataclass(frozen=True)
class Reproduced:
    """An alert then and now."""

    then: Mapping[str, Any]
    """The anomaly record as reported."""
    now: Mapping[str, Any] | None
    """The record when judged again; None if it is no longer an anomaly."""
    score: float
    threshold: float
    differences: tuple[str, ...]
    """What differs, a sentence each; empty: it was reproduced."""
    about: tuple[str, ...]
    """What may explain a difference: another model, other settings, another version."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "session_id": self.then["session_id"], "start": self.then["start"], "reproduced": not self.differences,
            "score": {"then": self.then["score"], "now": self.score},
            "threshold": {"then": self.then["threshold"], "now": self.threshold},
            "differences": list(self.differences), "about": list(self.about),
            "reasons": {"then": said(self.then), "now": [] if self.now is None else said(self.now)},
        }  # fmt: skip


@dataclass(frozen=True)
class _Alone:
    """One session without its raw lines."""

    dataset: Dataset
    sources: list[Source]

    def places(self, rows: Rows) -> pl.DataFrame:
        """Nothing is known of where its lines stood."""
        none = [[0] * self.dataset.sizes[int(row)] for row in rows]
        return pl.DataFrame({"source_index": none, "line": none})

    def raw(self, wanted: Any) -> dict[tuple[int, int], str]:
        """Raw lines are not kept; those that were reported are in the record."""
        return {}


def reproduce(model: Model, kept: Mapping[str, Any], then: Mapping[str, Any]) -> Reproduced:
    """Judge a kept session again with a model and the settings of then, and compare it with its record.

    Raises InputError for what cannot be used.
    """
    about = _about(model, kept)
    try:
        used = _as_then(model, kept)
        dataset = _dataset(kept)
    except (ValueError, IndexError, pl.exceptions.PolarsError) as error:
        raise InputError(f"what was kept of {kept['session_id']!r} cannot be used: {error}") from error
    judged = _judged(used, dataset, kept)
    found = records(used, _Alone(dataset, [Source(0, str(then["source"]), Path("-"), named=True)]), judged)
    now = found[0] if found else None
    if now is not None and then.get("ended") == "goes on":  # reported before its end, for its new lines only
        now = now | {"reasons": [one for one in now["reasons"] if one["detector"] == UNSEEN_LINES]}
    (decision,) = judged.decisions
    differences = _differences(then, now, decision.score, decision.threshold)
    about += [] if differences else _rewording(then, now)
    return Reproduced(then, now, decision.score, decision.threshold, tuple(differences), tuple(about))


def said(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The reasons of a record, those that answers cover too: who gives each, how strange, and what it says."""
    reasons = [*one["reasons"], *one.get("silenced_reasons", ())]
    return [
        {
            "detector": reason["detector"], "p_value": reason["p_value"], "says": reason["says"],
            "template": reason["line"] and reason["line"]["template"],
        }
        for reason in reasons
    ]  # fmt: skip


def _about(model: Model, kept: Mapping[str, Any]) -> list[str]:
    found = []
    if identity(model) != kept["model"]:
        found.append(f"the model is another one: {identity(model)} now, {kept['model']} then")
    if __version__ != kept["isang"]:
        found.append(f"isang is {__version__} now, and was {kept['isang']} then")
    own = to_dict(model.config.detection)
    other = [name for name in sorted({*own, *kept["settings"]}) if own.get(name) != kept["settings"].get(name)]
    if other:
        shown = ", ".join(
            f"{name} {kept['settings'].get(name)!r} (the model's own: {own.get(name)!r})" for name in other
        )
        found.append(f"judged by the settings of then: {shown}")
    return found


def _as_then(model: Model, kept: Mapping[str, Any]) -> Model:
    """The model with the settings of then, which takes new templates for those that they were taken for then."""
    known = set(Config().detection.__dataclass_fields__)
    settings = {name: value for name, value in kept["settings"].items() if name in known}
    detection = from_dict({"detection": settings}).detection
    strange = {one["template"]: None for one in kept["templates"]}
    vocabulary = replace(model.vocabulary, reworded={**strange, **kept["taken_for"]}, by_words=False)
    vocabulary = replace(vocabulary, reworded=_for_unknown(vocabulary.reworded, vocabulary.templates))
    return replace(model, vocabulary=vocabulary, config=replace(model.config, detection=detection))


def _for_unknown(taken_for: Mapping[str, str | None], templates: Sequence[str]) -> dict[str, str | None]:
    known = set(templates)
    return {template: other for template, other in taken_for.items() if template not in known}


def _dataset(kept: Mapping[str, Any]) -> Dataset:
    start, end = (None if kept[name] is None else datetime.fromisoformat(kept[name]) for name in ("start", "end"))
    size = len(kept["templates"])
    if any(event >= size for event in kept["events"]):
        raise ValueError(f"events must be below {size}, the number of its templates")
    if kept["gaps_ms"] is not None and len(kept["gaps_ms"]) != len(kept["events"]):
        raise ValueError(f"gaps_ms has {len(kept['gaps_ms'])} values for {len(kept['events'])} events")
    session = {
        "session_id": kept["session_id"], "source": "", "start": start, "end": end, "events": kept["events"],
        "gaps_ms": kept["gaps_ms"], "label": None, "kind": None,
    }  # fmt: skip
    rows = [(event, one["template"], one["level"], 1) for event, one in enumerate(kept["templates"])]
    templates = pl.DataFrame(rows, schema=TEMPLATES_SCHEMA, orient="row")
    return Dataset(pl.DataFrame([session], schema=SESSIONS_SCHEMA), templates, {})


def _judged(model: Model, dataset: Dataset, kept: Mapping[str, Any]) -> Judged:
    rows, unfinished_S = np.zeros(1, dtype=np.int64), np.array([kept["may_go_on"]])
    timed = timed_sessions(dataset, model.vocabulary, rows)
    if kept["may_go_on"]:
        timed.gaps_T[-1] = np.nan if kept["silence_ms"] is None else kept["silence_ms"]
    timed = replace(timed, tokens=leave_open(timed.tokens, unfinished_S))
    timed = replace(timed, earlier=_beside(model, kept["beside"], float(timed.ends_ms_S[0])))
    evidence = Evidence(model, timed)
    return Judged(rows, timed, evidence, unfinished_S, *judge_evidence(evidence))


def _beside(model: Model, beside: Mapping[str, Any] | None, own_ms: float) -> EarlierSessions:
    if beside is None:
        return NOTHING_EARLIER
    token = int(model.vocabulary.tokens_of([beside["template"]])[0])
    ends_ms = np.array([*beside["ends_ms"], *beside["all_ends_ms"]], dtype=np.float64)
    tokens = np.repeat([token, BEGIN], [len(beside["ends_ms"]), len(beside["all_ends_ms"])])
    return EarlierSessions(tokens.astype(np.int64), ends_ms + own_ms)


def _differences(then: Mapping[str, Any], now: Mapping[str, Any] | None, score: float, threshold: float) -> list[str]:
    found = []
    if not _close(score, then["score"]):
        found.append(f"its score is {score:.4g}, and was {then['score']:.4g}")
    if not _close(threshold, then["threshold"]):
        found.append(f"the threshold is {threshold:.4g}, and was {then['threshold']:.4g}")
    if now is None:
        return [*found, "it is no anomaly now"]
    before, after = (sorted(said(one), key=_order) for one in (then, now))
    gone = [one for one in before if not any(_same(one, other) for other in after)]
    come = [one for one in after if not any(_same(one, other) for other in before)]
    found += [f"a reason of then is not there: {one['detector']}: {one['says']}" for one in gone]
    return found + [f"a reason of now was not there: {one['detector']}: {one['says']}" for one in come]


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    alike = all(one[name] == other[name] for name in ("detector", "template"))
    return alike and _close(one["p_value"], other["p_value"])


def _rewording(then: Mapping[str, Any], now: Mapping[str, Any] | None) -> list[str]:
    """A note where the same reasons say it in other words: another version of isang."""
    if now is None or {one["says"] for one in said(then)} == {one["says"] for one in said(now)}:
        return []
    return ["its reasons are worded otherwise now"]


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * max(1e-12, abs(one), abs(other))


def _order(one: Mapping[str, Any]) -> tuple[str, str]:
    return str(one["detector"]), str(one["says"])

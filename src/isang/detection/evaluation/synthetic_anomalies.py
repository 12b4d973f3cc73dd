"""Anomalies planted into normal sessions, to measure sensitivity without labels.

They are planted into the held-out sessions of the training period, to divide the alert budget among the detectors, and
into later sessions, to measure what is found. These figures are never mixed with those on real anomalies.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.detectors import detectors_of
from isang.detection.detectors.contract import Evidence
from isang.detection.detectors.scoring import score_all
from isang.detection.detectors.timed_sessions import timed_sessions
from isang.detection.evaluation.attribution import Suspect, blamed
from isang.detection.evaluation.edited_sessions import Changeable, changeable, judge_changed, with_changed
from isang.detection.evaluation.metrics import Flags, share
from isang.detection.threshold.decisions import Judged, fitted_without
from isang.logs.store import TEMPLATES_SCHEMA, Dataset
from isang.model.batches import Rows

MOST_SESSIONS = 300
"""Number of sessions, drawn at random, that get each kind of anomaly..."""
MOST_EVENTS, LEAST_SESSIONS = 15_000, 50
"""... or as many as have this many events, but at least LEAST_SESSIONS: scoring cost grows with the events."""
MOST_EXPLAINED = 100
"""Maximum number of found anomalies whose reasons are checked."""
REPEATS = 5
SLOW_TIMES = 10
"""A slow gap is this many times the longest gap before a line of that template in the sessions used for planting."""
LEAST_SLOW_MS = 1_000
PLANTED_TEMPLATE = "quixotic zephyr <*> befuddled the ombudsman"
"""The text of an event that no log has."""


@dataclass(frozen=True)
class Planted:
    """A session with one planted anomaly."""

    session: Changeable
    culprits: tuple[int, ...] = ()
    """Places of the lines that make it one; none where a line is missing."""


@dataclass(frozen=True)
class PlantingContext:
    """What a kind of anomaly needs to know beside the session."""

    unseen: int
    """An event whose template no log has."""
    longest_ms: Mapping[int, int]
    """For each event the longest time before it in the sessions that are planted into."""


Plant = Callable[[Changeable, PlantingContext, np.random.Generator], Planted | None]


def unseen_event(session: Changeable, around: PlantingContext, generator: np.random.Generator) -> Planted | None:
    """One more event, of a template that was never seen."""
    place = int(generator.integers(1, len(session.events) + 1))
    return Planted(session.inserted(place, around.unseen), (place,))


def missing_event(session: Changeable, around: PlantingContext, generator: np.random.Generator) -> Planted | None:
    """One event left out."""
    if len(session.events) < 2:
        return None
    return Planted(session.without(int(generator.integers(len(session.events)))))


def early_end(session: Changeable, around: PlantingContext, generator: np.random.Generator) -> Planted | None:
    """The session ends after a third to two thirds of its events."""
    events, gaps_ms = session.events, session.gaps_ms
    if len(events) < 3:
        return None
    kept = max(1, round(len(events) * generator.uniform(1 / 3, 2 / 3)))
    return Planted(replace(session, events=events[:kept], gaps_ms=None if gaps_ms is None else gaps_ms[:kept]))


def swapped_order(session: Changeable, around: PlantingContext, generator: np.random.Generator) -> Planted | None:
    """Two different events that followed each other change places; the times stay."""
    places = np.nonzero(session.events[:-1] != session.events[1:])[0]
    if not len(places):
        return None
    place = int(generator.choice(places))
    events = session.events.copy()
    events[[place, place + 1]] = session.events[[place + 1, place]]
    return Planted(replace(session, events=events), (place, place + 1))


def repetition(session: Changeable, around: PlantingContext, generator: np.random.Generator) -> Planted | None:
    """One event is repeated several more times right after itself; equal neighbouring lines count as copies too."""
    place = int(generator.integers(len(session.events)))
    event = int(session.events[place])
    repeated = session.inserted(place + 1, event, REPEATS)
    others = np.flatnonzero(repeated.events != event)
    first, behind = others[others < place].max(initial=-1) + 1, others[others > place].min(initial=len(repeated.events))
    return Planted(repeated, tuple(range(first, behind)))


def slow_gap(session: Changeable, around: PlantingContext, generator: np.random.Generator) -> Planted | None:
    """One event comes much later after the one before it than it ever does; None without a clock."""
    if session.gaps_ms is None or len(session.events) < 2:
        return None
    place = int(generator.integers(1, len(session.events)))
    gaps_ms = session.gaps_ms.copy()
    gaps_ms[place] = max(LEAST_SLOW_MS, SLOW_TIMES * around.longest_ms[int(session.events[place])])
    return Planted(replace(session, gaps_ms=gaps_ms), (place,))


KINDS: tuple[Plant, ...] = (unseen_event, missing_event, early_end, swapped_order, repetition, slow_gap)


def plant_held_out(model: Model, dataset: Dataset, training: Rows, held_out: Rows, seed: int = 0) -> pl.DataFrame:
    """Scores of sessions `held_out` from training, with each kind of anomaly planted into them.

    Columns `kind` and one per detector; the detectors that need no trained model are refitted without these sessions.
    """
    generator = np.random.default_rng(seed)
    originals = changeable(dataset, _drawn(dataset, held_out, generator))
    fitted, _ = fitted_without(model, dataset, held_out, training)
    field, around = _surroundings(dataset, originals)
    detectors = detectors_of(model)
    schema = {"kind": pl.String} | {detector.name: pl.Float64 for detector in detectors}
    parts = [pl.DataFrame(schema=schema)]
    for kind in KINDS:
        planted = [made.session for original in originals if (made := kind(original, around, generator))]
        if planted:
            changed = with_changed(field, planted)
            rows = np.arange(len(planted), dtype=np.int64)
            timed = timed_sessions(changed, model.vocabulary, rows)
            scores_DS = score_all(detectors, Evidence(fitted, timed.apart()))  # nothing is planted beside them
            scores = dict(zip((detector.name for detector in detectors), scores_DS, strict=True))
            parts.append(pl.DataFrame({"kind": [kind.__name__] * len(planted), **scores}, schema=schema))
    return pl.concat(parts)


def plant(model: Model, dataset: Dataset, judged: Judged, innocent: Flags, seed: int = 0) -> list[dict[str, Any]]:
    """For each kind: how many sessions got it and what share of them is then flagged, with a 95 % interval.

    Only sessions that are not flagged as they are, and that no label calls anomalous (`innocent`), are used. Where a
    line can be the culprit, see `culprits.blamed` for `culprit_first` and `turned`; elsewhere they are null.
    """
    generator = np.random.default_rng(seed)
    quiet = np.array([not decision.anomalous for decision in judged.decisions], dtype=bool)
    originals = changeable(dataset, _drawn(dataset, judged.rows[quiet & innocent], generator))
    field, around = _surroundings(dataset, originals)
    return [_one_kind(model, field, originals, around, kind, generator) for kind in KINDS]


def found_by_kind(model: Model, dataset: Dataset, rows: Rows, seed: int = 0) -> dict[str, tuple[int, int]]:
    """For each kind: how many of the sessions with it are flagged, and of how many; the same ones for each model."""
    generator = np.random.default_rng(seed)
    originals = changeable(dataset, _drawn(dataset, rows, generator))
    field, around = _surroundings(dataset, originals)
    counts = {}
    for kind in KINDS:
        made = [planted.session for original in originals if (planted := kind(original, around, generator))]
        found = 0
        if made:
            found = sum(decision.anomalous for decision in judge_changed(model, field, made).decisions)
        counts[kind.__name__] = found, len(made)
    return counts


def _drawn(dataset: Dataset, rows: Rows, generator: np.random.Generator) -> Rows:
    """A random sample of these sessions: MOST_SESSIONS, or fewer with MOST_EVENTS in all if they are long."""
    drawn = generator.permutation(rows)[:MOST_SESSIONS]
    affordable = int(np.searchsorted(np.cumsum(dataset.sizes[drawn]), MOST_EVENTS, side="right"))
    return drawn[: max(affordable, LEAST_SESSIONS)]


def _one_kind(
    model: Model,
    dataset: Dataset,
    originals: Sequence[Changeable],
    around: PlantingContext,
    kind: Plant,
    generator: np.random.Generator,
) -> dict[str, Any]:
    made = [(original, kind(original, around, generator)) for original in originals]
    suspects = [Suspect(original, planted.session, planted.culprits) for original, planted in made if planted]
    result = {
        "kind": kind.__name__,
        "planted": len(suspects),
        "found": share(0, 0),
        "culprit_first": None,
        "turned": None,
    }
    if not suspects:
        return result
    judged = judge_changed(model, dataset, [suspect.changed for suspect in suspects])
    found = [index for index, decision in enumerate(judged.decisions) if decision.anomalous]
    result["found"] = share(len(found), len(suspects))
    if suspects[0].culprits and found:
        result |= blamed(model, dataset, judged, suspects, found[:MOST_EXPLAINED])
    return result


def _surroundings(dataset: Dataset, originals: Sequence[Changeable]) -> tuple[Dataset, PlantingContext]:
    """The dataset with one template more, and what else the kinds need."""
    unseen = int(dataset.templates["event"].to_numpy().max(initial=0)) + 1
    row = {"event": unseen, "template": PLANTED_TEMPLATE, "level": "INFO", "count": 0}
    templates = pl.concat([dataset.templates, pl.DataFrame([row], schema=TEMPLATES_SCHEMA)])
    longest: dict[int, int] = {}
    for session in originals:
        if session.gaps_ms is not None:
            for event, gap in zip(session.events.tolist(), session.gaps_ms.tolist(), strict=True):
                longest[event] = max(gap, longest.get(event, 0))
    return replace(dataset, templates=templates), PlantingContext(unseen, longest)

"""Anomalies planted into later sessions: how sensitive the detector is where nobody labelled anything.

What is found here was planted by isang itself; it is never mixed with figures on real anomalies.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from isang.artifact import Model
from isang.detection.decisions import Judged, judge_sessions
from isang.detection.metrics import Flags, share
from isang.model.batches import Rows, Tokens, from_sequences
from isang.model.vocabulary import UNSEEN

MOST_SESSIONS = 300
"""So many sessions, drawn at random, get each kind of anomaly."""
REPEATS = 5

Plant = Callable[[Tokens, np.random.Generator], Tokens | None]


def unseen_event(tokens: Tokens, generator: np.random.Generator) -> Tokens | None:
    """One more event, of a template that was never seen."""
    return np.insert(tokens, generator.integers(1, len(tokens)), UNSEEN)


def missing_event(tokens: Tokens, generator: np.random.Generator) -> Tokens | None:
    """One event left out."""
    return np.delete(tokens, generator.integers(1, len(tokens) - 1)) if len(tokens) > 3 else None


def early_end(tokens: Tokens, generator: np.random.Generator) -> Tokens | None:
    """The session ends after a third to two thirds of its events."""
    events = len(tokens) - 2
    if events < 3:
        return None
    kept = max(1, round(events * generator.uniform(1 / 3, 2 / 3)))
    return np.append(tokens[: kept + 1], tokens[-1])


def swapped_order(tokens: Tokens, generator: np.random.Generator) -> Tokens | None:
    """Two different events that followed each other change places."""
    places = np.nonzero(tokens[1:-2] != tokens[2:-1])[0] + 1
    if not len(places):
        return None
    place = generator.choice(places)
    swapped = tokens.copy()
    swapped[[place, place + 1]] = tokens[[place + 1, place]]
    return swapped


def repetition(tokens: Tokens, generator: np.random.Generator) -> Tokens | None:
    """One event happens several times more, right after itself."""
    place = generator.integers(1, len(tokens) - 1)
    return np.insert(tokens, place, np.repeat(tokens[place], REPEATS))


KINDS: tuple[Plant, ...] = (unseen_event, missing_event, early_end, swapped_order, repetition)


def plant(model: Model, judged: Judged, innocent: Flags, seed: int = 0) -> list[dict[str, Any]]:
    """For each kind: how many sessions got it and what share of them is then flagged, with a 95 % interval.

    Only sessions that are not flagged as they are, and that no label calls anomalous (`innocent`), are used.
    """
    generator = np.random.default_rng(seed)
    quiet = np.array([not decision.anomalous for decision in judged.decisions], dtype=bool)
    rows: Rows = np.nonzero(quiet & innocent)[0].astype(np.int64)
    rows = generator.permutation(rows)[:MOST_SESSIONS]
    return [_one_kind(model, judged, rows, kind, generator) for kind in KINDS]


def _one_kind(model: Model, judged: Judged, rows: Rows, kind: Plant, generator: np.random.Generator) -> dict[str, Any]:
    planted = [changed for row in rows if (changed := kind(judged.sessions[int(row)], generator)) is not None]
    decisions = judge_sessions(model, from_sequences(planted))[2] if planted else []
    found = sum(decision.anomalous for decision in decisions)
    return {"kind": kind.__name__, "planted": len(planted), "found": share(found, len(planted))}

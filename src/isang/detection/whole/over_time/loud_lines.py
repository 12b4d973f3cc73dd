"""Lines that report a failure in a log as a whole, compared with training stretches with the same number of lines.

Shapes: C counts of lines, K stretches of the training period.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.threshold.calibration import fit_tail
from isang.detection.threshold.stretches import LEAST_STRETCHES, SCALE, Loud
from isang.detection.whole.over_time.lines import Lines
from isang.model.folder.log_tables import LOG_TABLES, LOUD_LINES
from isang.model.wording import LOUDNESS

PIECES = 600
"""Number of pieces of the training period, with equal numbers of lines; stretches consist of them."""
LOUDEST = len(LOUDNESS) - 1
CLASSES = (1, LOUDEST)
"""Minimum loudness of the two classes examined: all lines that report a failure, and only errors, since a new error
would be lost among many rare warnings."""


Counts = Mapping[str, tuple[int, NDArray[Any]]]
"""For each kind of line that reports a failure, its loudness and its number of lines in each stretch."""


def loud_lines(lines: Lines) -> pl.DataFrame | None:
    """The kinds of lines that report a failure, and their counts in the pieces of a training period.

    The first row, without a name, has the number of all lines; None if there are too few to be divided.
    """
    total = int(lines.lines_C.sum())
    if total < PIECES:
        return None
    rows: list[tuple[str, int, list[int], list[int]]] = [("", 0, [], [total])]
    for name, (loudness, counts) in _counted(lines, PIECES).items():
        pieces = np.flatnonzero(counts)
        rows.append((name, loudness, pieces.tolist(), counts[pieces].astype(np.int64).tolist()))
    return pl.DataFrame(rows, schema=dict(LOG_TABLES[LOUD_LINES]), orient="row")


def judge_loud(known: pl.DataFrame | None, lines: Lines) -> Loud | None:
    """How unusual the failure lines of a log are; None if it cannot be determined.

    For each kind of line that came x times, the share of training stretches in which it came as often is computed; the
    score is -log10 of that share, weighted by loudness and summed over the kinds. The sum is compared with the sums of
    those stretches, each scored by the others, for each of CLASSES (Bonferroni). A log longer than a quarter of the
    training period is divided; its most unusual part counts.
    """
    total = int(lines.lines_C.sum())
    if known is None or not total:
        return None
    of_period = int(known["lines"][0][0])
    stretches = min(PIECES, max(LEAST_STRETCHES, of_period // total))
    parts = max(1, round(total * stretches / of_period))
    then, now = _of_stretches(known, stretches), _counted(lines, parts)
    found = [_beside(_as_loud(then, least), _as_loud(now, least), stretches, parts) for least in CLASSES]
    score, p_value = min(found, key=lambda one: one[1])
    new = tuple(name for name, (loudness, _) in now.items() if loudness == LOUDEST and name not in then)
    return Loud(score, min(1.0, len(CLASSES) * p_value), stretches, new)


def _as_loud(counts: Counts, least: int) -> Counts:
    return {name: own for name, own in counts.items() if own[0] >= least}


def _beside(then: Counts, now: Counts, stretches: int, parts: int) -> tuple[float, float]:
    """The score of the most unusual part, and its p-value."""
    normal_K = np.array([_score(then, k, then, stretches, k) for k in range(stretches)])
    score = max(_score(now, part, then, stretches, None) for part in range(parts))
    return score, min(1.0, parts * float(fit_tail(normal_K, SCALE).p_values(np.array([score]))[0]))


def _score(own: Counts, place: int, then: Counts, stretches: int, apart: int | None) -> float:
    """The sum over the kinds in a stretch; one of the training period is left `apart` from what it is compared with.

    More of a kind than any stretch had are rarer in proportion.
    """
    score = 0.0
    for name, (loudness, counts) in own.items():
        if not counts[place]:
            continue
        others = then[name][1] if name in then else np.zeros(0)
        as_often = int((others >= counts[place]).sum()) - (apart is not None)
        rarity = math.log10((stretches - (apart is not None) + 1) / (as_often + 1))
        if not as_often and name in then:
            most = float(np.delete(others, apart).max() if apart is not None else others.max())
            rarity += math.log10(counts[place] / max(most, 1.0))
        score += loudness / LOUDEST * rarity
    return score


def _of_stretches(known: pl.DataFrame, stretches: int) -> Counts:
    return {
        name: (loudness, np.bincount(np.array(pieces) * stretches // PIECES, numbers, minlength=stretches))
        for name, loudness, pieces, numbers in known[1:].iter_rows()
    }


def _counted(lines: Lines, parts: int) -> Counts:
    """The counts in `parts` parts with equal numbers of lines."""
    part_C = (np.cumsum(lines.lines_C) - lines.lines_C) * parts // max(1, int(lines.lines_C.sum()))
    number = {name: place for place, name in enumerate(dict.fromkeys(lines.names))}
    of_event = np.array([number[name] for name in lines.names], dtype=np.int64)
    loud_C = lines.loud_C > 0
    names = of_event[lines.event_C[loud_C]]
    found, texts = {}, list(number)
    for name in np.unique(names).tolist():
        own = np.flatnonzero(loud_C)[names == name]
        loudness = int(lines.loudness[lines.event_C[own]].max())
        found[texts[name]] = (loudness, np.bincount(part_C[own], lines.lines_C[own], minlength=parts))
    return found

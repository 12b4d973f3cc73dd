"""What lines a training period had, when each first came and how regularly: silences, and lines never seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.threshold.calibration import ScoreTail, fit_tail
from isang.detection.threshold.stretches import SCALE
from isang.detection.whole.over_time.lines import Lines
from isang.detection.whole.over_time.load import MOST
from isang.detection.whole.over_time.volume import moment
from isang.model.batches import Floats

PARTS = 10
"""Stretches of the training period that say how long normal silences are."""
FEW, LEAST_GAPS, MOST_GAPS = 4, 20, 5_000
"""The latest MOST_GAPS gaps are kept of kinds of lines that came more than FEW times; the silence of a kind with fewer
than LEAST_GAPS means nothing."""
MOST_REGULAR = 500
"""Maximum number of kinds of lines, the most frequent, watched for silence."""
IRREGULAR = 2.0
"""Lines come irregularly if the 0.9 quantile of their gaps is at least this many times the median; 3.3 if by chance."""
SCALE_SHARE = 0.25
"""Minimum scale of the tail of the gaps, in median gaps."""
PAUSE_SECONDS, PAUSE_SHARE, PAUSE_STEPS = 60.0, 0.99, 3
"""A pause of the whole log stops the clock if it is longer than PAUSE_SECONDS and than PAUSE_STEPS times the quantile
PAUSE_SHARE of the steps in the training period: a night with few lines is not a pause."""
SETTLED = 0.25
"""What comes for the first time in this share of a training period is part of its beginning."""
PRIOR = 0.5
"""New kinds of lines that are taken for seen where there was none (Jeffreys)."""
KINDS_AT_ONCE = 2
SCHEMA = pl.Schema(
    {
        "series": pl.String(), "loudness": pl.Int64(), "outside": pl.Boolean(), "first": pl.Float64(),
        "gaps": pl.List(pl.Float64()),
    }
)  # fmt: skip
"""A row for each kind of line: its loudness, whether no session has it, the share of the period that had passed at its
first line, and the seconds between its lines (empty if they are few). The first row, without a name, holds the scores
of the parts of the period as its `gaps`, and the seconds of the period as `first`."""


@dataclass(frozen=True)
class Silence:
    """A kind of line that stayed away for longer than it ever did."""

    series: str
    first: datetime
    last: datetime
    seconds: float
    usual: float
    """The median time between its lines in the training period, in seconds."""
    longest: float
    p_value: float


def known_lines(lines: Lines, inside: Sequence[str]) -> pl.DataFrame | None:
    """SCHEMA of a training period; `inside` are the templates that sessions have. None where it has no clock."""
    if not len(lines.start_C):
        return None
    clock = _Clock.of(lines, None)
    series, of_sessions = _series(lines), set(inside)
    rows, scores_P = [], np.zeros(PARTS)
    often = set(sorted(series, key=lambda name: -len(series[name].at))[:MOST_REGULAR])
    for name, one in series.items():
        at = clock.passed(one.at)
        gaps = np.diff(at) if len(at) > FEW else np.empty(0)
        if len(gaps) >= LEAST_GAPS and name in often:
            part = np.minimum(PARTS - 1, (at[1:] / max(clock.length, 1e-9) * PARTS).astype(np.int64))
            scores_P = np.maximum(scores_P, _held_out(gaps, part, lines.seconds))
        share = float(at[0] / clock.length) if clock.length else 0.0
        rows.append((name, one.loudness, name not in of_sessions, share, gaps[-MOST_GAPS:].tolist()))
    head = ("", 0, False, clock.length, [*scores_P.tolist(), clock.pause, clock.usual])
    return pl.DataFrame([head, *rows], schema=SCHEMA, orient="row")


def silences(known: pl.DataFrame, lines: Lines) -> list[Silence]:
    """The known kinds of lines that were silent for long, the least likely first.

    Kinds that do not occur at all do not count: the user may have given only some of the logs.
    """
    period, scores = float(known["first"][0]), known["gaps"][0].to_numpy()[:PARTS]
    if not len(lines.start_C) or not period:
        return []
    clock, series = _Clock.of(lines, known), _series(lines)
    parts = max(1.0, clock.length / (period / PARTS))
    tail, found = fit_tail(scores, SCALE), []
    for name, gaps in regular_kinds(known):
        if name not in series:
            continue
        at = series[name].at
        edges = np.concatenate([[clock.starts[0]], at, [clock.starts[-1]]])
        now = np.diff(clock.passed(edges))
        place = int(now.argmax())
        then = np.array(gaps) * slower(np.array(gaps), np.delete(now, place))
        score = gap_score(gap_tail(then, lines.seconds), float(now[place]), len(now))
        p_value = min(1.0, parts * float(tail.p_values(np.array([score]))[0]))
        found.append(
            Silence(
                name, moment(edges[place]), moment(edges[place + 1]), float(now[place]), float(np.median(gaps)),
                float(np.max(gaps)), p_value,
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: one.p_value)


def regular_kinds(known: pl.DataFrame) -> list[tuple[str, list[float]]]:
    """The kinds of lines watched for silence, each with the gaps between its lines, the most frequent first."""
    regular = known[1:].filter(pl.col("gaps").list.len() >= LEAST_GAPS)
    ordered = regular.sort(pl.col("gaps").list.len(), descending=True, maintain_order=True)
    return ordered["series", "gaps"].head(MOST_REGULAR).rows()


def novelty(known: pl.DataFrame, seconds: float, *, loud: bool, kinds: int = 1) -> float:
    """The probability that `seconds` bring `kinds` new kinds of lines outside of sessions.

    It is estimated from the new kinds after the beginning of the training period; those that report a failure are
    counted separately. Their rate has a gamma distribution, their number a negative binomial one. One event often
    brings several kinds: KINDS_AT_ONCE of them count as one.
    """
    settled = (1 - SETTLED) * float(known["first"][0])
    late = known[1:].filter(pl.col("outside") & (pl.col("first") > SETTLED) & ((pl.col("loudness") > 0) == loud)).height
    if settled <= 0:
        return 1.0
    shape, new = late + PRIOR, seconds / (settled + seconds)
    fewer = term = (1 - new) ** shape
    for number in range(1, max(1, kinds // KINDS_AT_ONCE)):
        term *= new * (shape + number - 1) / number
        fewer += term
    return float(max(0.0, 1 - fewer))


def length_of(lines: Lines, known: pl.DataFrame) -> float:
    """Seconds from the first to the last line, without the pauses of the whole log."""
    return _Clock.of(lines, known).length if len(lines.start_C) else 0.0


def times_of(lines: Lines) -> dict[str, int]:
    """The number of distinct times at which each kind of line occurs."""
    return {name: len(one.at) for name, one in _series(lines).items()}


@dataclass(frozen=True)
class _Clock:
    """Runs while the log does."""

    starts: Floats
    """The times that have lines, each once, ascending."""
    ran: Floats
    """What the clock says then, in seconds."""
    pause: float
    """Longer steps, in seconds, are pauses of the log; they are replaced with the usual step."""
    usual: float

    @classmethod
    def of(cls, lines: Lines, known: pl.DataFrame | None) -> "_Clock":
        """The clock of lines, by the pauses of the training period; None: these lines are the training period."""
        starts = np.unique(lines.start_C)
        steps = np.diff(starts)
        if known is not None:
            pause, usual = (float(value) for value in known["gaps"][0].to_list()[PARTS:])
        elif len(steps):
            most, usual = float(np.quantile(steps, PAUSE_SHARE)), float(np.median(steps))
            pause = max(PAUSE_SECONDS, PAUSE_STEPS * most)
        else:
            pause, usual = PAUSE_SECONDS, 0.0
        steps = np.where(steps > pause, usual, steps)
        return cls(starts, np.concatenate([[0.0], np.cumsum(steps)]), pause, usual)

    def passed(self, at: Floats) -> Floats:
        """What it says at times that have lines."""
        passed: Floats = self.ran[np.searchsorted(self.starts, at)]
        return passed

    @property
    def length(self) -> float:
        return float(self.ran[-1])


@dataclass(frozen=True)
class _Series:
    at: Floats
    """The times that have its lines, each once, ascending."""
    loudness: int


def _series(lines: Lines) -> dict[str, _Series]:
    """Each kind of line by its name; none where no line has a time."""
    if not len(lines.start_C):
        return {}
    number = {name: place for place, name in enumerate(dict.fromkeys(lines.names))}
    of_event = np.array([number[name] for name in lines.names], dtype=np.int64)
    name_C = of_event[lines.event_C]
    loudness = np.zeros(len(number), dtype=np.int64)
    np.maximum.at(loudness, of_event, lines.loudness)
    order = np.lexsort((lines.start_C, name_C))
    names, first = np.unique(name_C[order], return_index=True)
    texts = list(number)
    pieces = np.split(lines.start_C[order], first[1:])
    return {
        texts[name]: _Series(np.unique(piece), int(loudness[name]))
        for name, piece in zip(names.tolist(), pieces, strict=True)
    }


def _held_out(gaps: Floats, part: NDArray[np.int64], resolution: float) -> Floats:
    """The score of the longest gap in each part of the period by the gaps of the others; shape PARTS."""
    scores_P = np.zeros(PARTS)
    for own in np.unique(part).tolist():
        others, now = gaps[part != own], gaps[part == own]
        if len(others) >= LEAST_GAPS // 2:
            scores_P[own] = gap_score(gap_tail(others, resolution), float(now.max()), len(now))
    return scores_P


def slower(then: Floats, others: Floats) -> float:
    """How many times the usual the other gaps are, for what comes irregularly: it is rarer now, which is no silence."""
    usual = float(np.median(then))
    if len(others) < FEW or not usual or float(np.quantile(then, 0.9)) < IRREGULAR * usual:
        return 1.0
    return min(MOST, max(1.0, float(np.median(others)) / usual))


def gap_tail(gaps: Floats, resolution: float) -> ScoreTail:
    """The tail of the gaps between lines of one kind, whose times are known to `resolution` seconds."""
    usual = float(np.median(gaps))
    return fit_tail(gaps, max(resolution, SCALE_SHARE * usual), usual)


def gap_score(tail: ScoreTail, longest: float, number: int) -> float:
    """-log10 of the probability that one of `number` gaps is as long as the `longest`; at least 0."""
    return max(0.0, -float(np.log10(number * tail.p_values(np.array([longest]))[0])))

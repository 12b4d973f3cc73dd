"""Sessions as all detectors see them: their tokens and times.

They are built once per dataset and handed to each detector.
Shapes: S sessions, T tokens in all, P pairs of an earlier session and an event.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.store import Dataset
from isang.model.batches import TAKEN_AT_ONCE, Floats, Rows, Sessions, from_sequences, to_sessions
from isang.model.vocabulary import UNSEEN, Vocabulary, highest_event
from isang.model.wording import loudness_of


class EarlierSessions(NamedTuple):
    """Earlier sessions: for each event the times of the latest, both of shape P."""

    token_P: Rows
    end_ms_P: Floats


NOTHING_EARLIER = EarlierSessions(np.empty(0, dtype=np.int64), np.empty(0))


@dataclass(frozen=True)
class TimedSessions:
    """S sessions in the model's tokens, with their times and without labels."""

    tokens: Sessions
    """A session that may continue has MASK in place of END."""
    gaps_T: Floats
    """Milliseconds between each token and the previous one, at an open end the silence so far; NaN if unknown."""
    ends_ms_S: Floats
    """The time of each session's last line, in milliseconds; NaN if unknown."""
    size: int
    """The number of tokens of the vocabulary, V."""
    loudness_T: NDArray[np.int8]
    """How clearly each line reports a failure by its own level and words, see `wording.loudness_of`; 0 at special
    tokens."""
    earlier: EarlierSessions = field(default=NOTHING_EARLIER)
    """Sessions that came before these and may form crowds with them."""
    represents: tuple[Sessions, Rows] | None = field(default=None, repr=False)
    """If these are only the latest of a longer period: its distinct sessions and how often each occurred."""

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def different(self) -> tuple[Sessions, Rows]:
        """The distinct sessions of the period that these represent, and how often each occurred."""
        if self.represents is not None:
            return self.represents
        different, place = self.tokens.distinct()
        return different, np.bincount(place, minlength=len(different)).astype(np.int64)

    def with_tokens(self, tokens: Sessions) -> "TimedSessions":
        """The same sessions and times in other tokens."""
        return replace(self, tokens=tokens, represents=None)

    def only(self, index: int) -> "TimedSessions":
        """One session alone, without the others."""
        start, end = self.tokens.offsets[index : index + 2]
        tokens, gaps_T = from_sequences([self.tokens[index]]), self.gaps_T[start:end]
        return TimedSessions(tokens, gaps_T, self.ends_ms_S[index : index + 1], self.size, self.loudness_T[start:end])

    def apart(self) -> "TimedSessions":
        """The same sessions without absolute times and earlier sessions."""
        return replace(self, ends_ms_S=np.full(len(self), np.nan), earlier=NOTHING_EARLIER)


def timed_sessions(dataset: Dataset, vocabulary: Vocabulary, rows: Rows) -> TimedSessions:
    """The sessions `rows` of a dataset, in that order, as a model with this vocabulary sees them."""
    tokens, loudness = to_sessions(dataset, vocabulary, rows), _loudness(dataset)
    loudness_T, all_events = np.zeros(len(tokens.flat), dtype=np.int8), dataset.sessions["events"]
    for part, offsets, inside_T in _parts(tokens.offsets):
        events = all_events.gather(rows[part]).explode(empty_as_null=False, keep_nulls=False).to_numpy()
        known = (events >= 0) & (events < len(loudness))
        of_events = np.zeros(len(events), dtype=np.int8)
        of_events[known] = loudness[events[known]]
        loudness_T[offsets[0] : offsets[-1]][inside_T] = of_events
    return TimedSessions(tokens, gaps_before(dataset, rows), ends_ms(dataset, rows), vocabulary.size, loudness_T)


def _loudness(dataset: Dataset) -> NDArray[np.int8]:
    """The loudness of each event of a dataset, shape: highest event id + 1."""
    loudness = np.zeros(highest_event(dataset) + 1, dtype=np.int8)
    for event, template, level in dataset.templates["event", "template", "level"].iter_rows():
        loudness[event] = loudness_of(template, level)
    return loudness


def untimed(tokens: Sessions, size: int, gaps_T: Floats | None = None) -> TimedSessions:
    """Sessions with only their tokens and the times between lines, `gaps_T`, if any."""
    gaps_T = np.full(len(tokens.flat), np.nan) if gaps_T is None else gaps_T
    loudness_T = np.zeros(len(tokens.flat), dtype=np.int8)
    return TimedSessions(tokens, gaps_T, np.full(len(tokens), np.nan), size, loudness_T)


def as_unseen(sessions: TimedSessions, normal: Sessions) -> TimedSessions:
    """The same, with UNSEEN in place of each token that is in none of the `normal` sessions."""
    flat = sessions.tokens.flat
    known = np.isin(flat, normal.flat)
    return sessions.with_tokens(Sessions(np.where(known, flat, np.int32(UNSEEN)), sessions.tokens.offsets))


def gaps_before(dataset: Dataset, rows: Rows) -> Floats:
    """Milliseconds between each event of the sessions `rows` and the previous one, in the layout of `to_sessions`.

    NaN if unknown: at the first event, at BEGIN and END, and in sessions without a time for each event.
    """
    table = dataset.sessions.select("gaps_ms", size=pl.col("events").list.len())
    sizes = table["size"].to_numpy().astype(np.int64)[rows]
    offsets = np.append(0, np.cumsum(2 + sizes))
    gaps_T = np.full(offsets[-1], np.nan)
    for part, ends, inside_T in _parts(offsets):
        some = table[rows[part]]
        timed = (some["gaps_ms"].list.len() == some["size"]).fill_null(False).to_numpy() & (sizes[part] > 0)
        of_events = some.filter(timed)["gaps_ms"].explode(empty_as_null=False, keep_nulls=True)
        here_T = gaps_T[ends[0] : ends[-1]]
        inside_T &= np.repeat(timed, 2 + sizes[part])
        here_T[inside_T] = of_events.cast(pl.Float64).fill_null(np.nan).to_numpy()
        here_T[ends[:-1][timed] - ends[0] + 1] = np.nan
    return gaps_T


def _parts(offsets: Rows) -> Iterator[tuple[slice, Rows, NDArray[np.bool_]]]:
    """Consecutive sessions, their offsets, and which tokens are events, in parts, so that not all are copied at
    once."""
    for start in range(0, len(offsets) - 1, TAKEN_AT_ONCE):
        part = slice(start, min(start + TAKEN_AT_ONCE, len(offsets) - 1))
        own = offsets[start : part.stop + 1]
        inside_T = np.ones(own[-1] - own[0], dtype=bool)
        inside_T[own[:-1] - own[0]] = inside_T[own[1:] - 1 - own[0]] = False
        yield part, own, inside_T


def ends_ms(dataset: Dataset, rows: Rows) -> Floats:
    """The time of the last line of the sessions `rows`, in milliseconds; NaN without timestamps. Shape S."""
    ends = dataset.sessions.select(pl.col("end").dt.epoch("us").cast(pl.Float64) / 1000)[rows]["end"]
    return ends.fill_null(np.nan).to_numpy()

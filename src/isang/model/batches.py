"""Sessions as tokens, and the batches made of them.

A batch is ragged: its sessions stand behind one another without padding, equal lengths side by side.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isang.logs.store import Dataset
from isang.model.vocabulary import BEGIN, END, UNSEEN, Vocabulary

Tokens = NDArray[np.int32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Sessions:
    """S sessions as token sequences, each BEGIN, its events, END; session s is flat[offsets[s]:offsets[s + 1]]."""

    flat: Tokens
    """Shape: all tokens."""
    offsets: NDArray[np.int64]
    """Shape S + 1."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Tokens:
        return self.flat[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens per session, shape S."""
        return np.diff(self.offsets)

    def take(self, rows: Rows) -> "Sessions":
        """The sessions `rows`, in that order."""
        places, offsets = self.places(rows)
        return Sessions(self.flat[places], offsets)

    def places(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where in `flat` each token of the sessions `rows` stands, and the offsets of these sessions when taken."""
        lengths = self.lengths[rows]
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths), offsets

    def distinct(self) -> tuple["Sessions", NDArray[np.int64]]:
        """Each different sequence once, in order of appearance, and for each of the S sessions its place among them."""
        places: dict[bytes, int] = {}
        inverse = np.empty(len(self), dtype=np.int64)
        first: list[int] = []
        for index in range(len(self)):
            place = places.setdefault(self[index].tobytes(), len(places))
            if place == len(first):
                first.append(index)
            inverse[index] = place
        return self.take(np.array(first, dtype=np.int64)), inverse


def from_sequences(sequences: list[Tokens]) -> Sessions:
    """Sessions from token arrays that carry their BEGIN and END already."""
    offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
    np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
    flat = np.concatenate(sequences) if sequences else np.empty(0, dtype=np.int32)
    return Sessions(flat.astype(np.int32, copy=False), offsets)


def to_sessions(dataset: Dataset, vocabulary: Vocabulary, rows: Rows | None = None) -> Sessions:
    """The sessions `rows` of `dataset` (all where None) in the tokens of `vocabulary`."""
    events = dataset.sessions["events"] if rows is None else dataset.sessions["events"].gather(rows)
    counts = events.list.len().fill_null(0).to_numpy().astype(np.int64)
    ids = events.explode(empty_as_null=False, keep_nulls=False).to_numpy().astype(np.int64)
    table = vocabulary.tokens(dataset)
    known = (ids >= 0) & (ids < len(table))
    tokens = np.where(known, table[np.where(known, ids, 0)], UNSEEN) if len(table) else np.full(len(ids), UNSEEN)

    offsets = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts + 2, out=offsets[1:])
    flat = np.empty(offsets[-1], dtype=np.int32)
    inside = np.ones(len(flat), dtype=bool)
    inside[offsets[:-1]] = inside[offsets[1:] - 1] = False
    flat[offsets[:-1]], flat[offsets[1:] - 1] = BEGIN, END
    flat[inside] = tokens
    return Sessions(flat, offsets)


def cut(sessions: Sessions, limit: int) -> tuple[Sessions, Rows]:
    """The sessions in pieces of at most `limit` tokens, and where in `sessions.flat` each piece starts."""
    if not len(sessions) or sessions.lengths.max() <= limit:
        return sessions, sessions.offsets[:-1]
    ends = zip(sessions.offsets[:-1], sessions.offsets[1:], strict=True)
    starts = np.concatenate([np.arange(start, end, limit) for start, end in ends])
    return Sessions(sessions.flat, np.append(starts, sessions.offsets[-1])), starts


def epoch_batches(lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int) -> list[Rows]:
    """The batches of one epoch: each session once in random order; equal lengths side by side within a batch.

    A pure function of its arguments, so that a position in the epoch is the number of batches done.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(lengths))
    batches = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
    return [rows[np.argsort(lengths[rows], kind="stable")] for rows in batches]


def length_batches(lengths: NDArray[np.int64], tokens_per_batch: int) -> Iterator[Rows]:
    """Batches for scoring: longest last, each of at most `tokens_per_batch` tokens (or one session)."""
    order = np.argsort(lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    start = 0
    while start < len(order):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + tokens_per_batch, side="right")))
        yield order[start:stop]
        start = stop


def batches_per_epoch(sessions: int, batch_size: int) -> int:
    """The number of batches that `epoch_batches` makes."""
    return -(-sessions // batch_size)

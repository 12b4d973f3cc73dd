"""Sessions as tokens, and the batches made of them.

A batch is ragged: its sessions are concatenated without padding, equal lengths adjacent.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isang.files import saying_where
from isang.logs.store import Dataset
from isang.model.vocabulary import BEGIN, END, UNSEEN, Vocabulary, highest_event, vocabulary_of

Tokens = NDArray[np.int32]
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

MAPPED_AT_ONCE = 1 << 20
"""Tokens translated per step."""
TAKEN_AT_ONCE = 100_000
"""Sessions copied per step: the indices of all their tokens at once would take more memory than the tokens."""
_MARKS = (UNSEEN, BEGIN, END)
"""Before a vocabulary is known, these are numbers 0, 1 and 2, and event e is number 3 + e."""
_UNKNOWN, _FIRST, _LAST = range(3)


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
        parts = [
            self.flat[self.places(rows[start : start + TAKEN_AT_ONCE])[0]]
            for start in range(0, max(1, len(rows)), TAKEN_AT_ONCE)
        ]
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(self.offsets[rows + 1] - self.offsets[rows], out=offsets[1:])
        return Sessions(parts[0] if len(parts) == 1 else np.concatenate(parts), offsets)

    def places(self, rows: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The index in `flat` of each token of the sessions `rows`, and the offsets of these sessions once taken."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths), offsets

    def halves(self, at: int) -> tuple["Sessions", "Sessions"]:
        """The sessions before row `at`, and the rest."""
        end = self.offsets[at]
        return Sessions(self.flat[:end], self.offsets[: at + 1]), Sessions(self.flat[end:], self.offsets[at:] - end)

    def distinct(self) -> tuple["Sessions", NDArray[np.int64]]:
        """Each different sequence once, in order of appearance, and for each of the S sessions its place among them.

        Sequences are compared by a 16-byte hash: as dictionary keys, millions of them would fill the memory.
        """
        hashes = (hashlib.blake2b(self[index].data, digest_size=16).digest() for index in range(len(self)))
        names_S2 = np.fromiter(hashes, dtype="V16", count=len(self)).view(np.uint64).reshape(-1, 2)
        order = np.lexsort(names_S2.T)  # equal sequences side by side, the first of them first
        begins = np.ones(len(self), dtype=bool)
        begins[1:] = (names_S2[order[1:]] != names_S2[order[:-1]]).any(axis=1)
        first = order[begins]
        appearance = np.argsort(first)
        place = np.empty_like(first)
        place[appearance] = np.arange(len(first))
        inverse = np.empty(len(self), dtype=np.int64)
        inverse[order] = place[np.cumsum(begins) - 1]
        return self.take(first[appearance]), inverse


def from_sequences(sequences: list[Tokens]) -> Sessions:
    """Sessions from token arrays that already include BEGIN and END."""
    offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
    np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
    flat = np.concatenate(sequences) if sequences else np.empty(0, dtype=np.int32)
    return Sessions(flat.astype(np.int32, copy=False), offsets)


def to_sessions(dataset: Dataset, vocabulary: Vocabulary, rows: Rows | None = None) -> Sessions:
    """The sessions `rows` of `dataset` (each at most once; all where None), in that order, in tokens of `vocabulary`.

    An event without a template is UNSEEN.
    """
    if rows is None:
        rows = np.arange(len(dataset.sessions), dtype=np.int64)
    return _translated(_numbers(dataset, rows, None), dataset, vocabulary)


def learn_sessions(
    dataset: Dataset, rows: Rows, learned: int, *, beside: Path | None = None
) -> tuple[Vocabulary, Sessions]:
    """The vocabulary of the first `learned` of the sessions `rows`, and all of them as `to_sessions` gives them.

    The events are read once. With the folder `beside`, the tokens are in an unnamed memory-mapped file there, which
    disappears when it is no longer used, even if the program is killed: any number of sessions takes hardly any memory.
    """
    numbers = _numbers(dataset, rows, beside)
    occurs = np.zeros(len(_MARKS) + highest_event(dataset) + 1, dtype=bool)
    for piece in _pieces(numbers.flat[: numbers.offsets[learned]]):
        occurs[piece] = True
    vocabulary = vocabulary_of(dataset, np.flatnonzero(occurs[len(_MARKS) :]))
    return vocabulary, _translated(numbers, dataset, vocabulary)


def _numbers(dataset: Dataset, rows: Rows, beside: Path | None) -> Sessions:
    """The sessions `rows` with numbers in place of tokens."""
    row_of = np.full(len(dataset.sessions), -1, dtype=np.int64)
    row_of[rows] = np.arange(len(rows))
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum(2 + dataset.sizes[rows], out=offsets[1:])
    sessions, highest = Sessions(_room(int(offsets[-1]), beside), offsets), highest_event(dataset)
    for places, piece in dataset.pieces("events"):
        wanted = row_of[places] >= 0
        if not wanted.any():
            continue
        events = piece["events"].filter(wanted).explode(empty_as_null=False, keep_nulls=False).to_numpy()
        known = (events >= 0) & (events <= highest)
        _write(sessions, row_of[places[wanted]], np.where(known, events + len(_MARKS), _UNKNOWN))
    return sessions


def _write(sessions: Sessions, rows: Rows, numbers: Tokens) -> None:
    """Write the events of the sessions `rows` (at least one), concatenated in `numbers`, between their marks."""
    ends = np.cumsum(sessions.offsets[rows + 1] - sessions.offsets[rows])
    begins = np.concatenate([[0], ends[:-1]])
    marked = np.empty(ends[-1], dtype=np.int32)
    inside = np.ones(len(marked), dtype=bool)
    inside[begins] = inside[ends - 1] = False
    marked[begins], marked[ends - 1], marked[inside] = _FIRST, _LAST, numbers
    if (np.diff(rows) == 1).all():  # nearly always: files are in the order of time
        sessions.flat[sessions.offsets[rows[0]] : sessions.offsets[rows[-1] + 1]] = marked
    else:
        sessions.flat[sessions.places(rows)[0]] = marked


def _translated(numbers: Sessions, dataset: Dataset, vocabulary: Vocabulary) -> Sessions:
    """The same sessions with tokens in place of the numbers."""
    table = np.concatenate([np.array(_MARKS, dtype=np.int32), vocabulary.tokens(dataset)])
    for piece in _pieces(numbers.flat):
        piece[:] = table[piece]
    return numbers


def _pieces(flat: Tokens) -> Iterator[Tokens]:
    """Views of consecutive parts."""
    return (flat[start : start + MAPPED_AT_ONCE] for start in range(0, len(flat), MAPPED_AT_ONCE))


def _room(tokens: int, beside: Path | None) -> Tokens:
    """An array for this many tokens: in memory, or mapped from an unnamed file in the folder `beside`."""
    if beside is None or not tokens:
        return np.empty(tokens, dtype=np.int32)
    with saying_where(beside), tempfile.TemporaryFile(dir=beside) as file:
        if hasattr(os, "posix_fallocate"):  # a full disk fails here with a message, instead of a crash later
            os.posix_fallocate(file.fileno(), 0, tokens * np.dtype(np.int32).itemsize)
        return np.asarray(np.memmap(file, dtype=np.int32, mode="w+", shape=(tokens,)))


def cut(sessions: Sessions, limit: int) -> tuple[Sessions, Rows]:
    """Cut the sessions into pieces of 2 to `limit` tokens; also where in `sessions.flat` each piece starts.

    A last piece of one token, an END that means nothing by itself, also takes the event before it.
    """
    lengths = sessions.lengths
    if not len(sessions) or lengths.max() <= limit:
        return sessions, sessions.offsets[:-1]
    pieces = -(-lengths // limit)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = np.repeat(sessions.offsets[:-1], pieces) + number * limit
    ends = np.repeat(sessions.offsets[1:], pieces)
    starts[(starts == ends - 1) & (number > 0)] -= 1
    return Sessions(sessions.flat, np.append(starts, sessions.offsets[-1])), starts


def first_appearances(sessions: Sessions) -> Sessions:
    """Each session reduced to the first occurrence of each token."""
    session_T = np.repeat(np.arange(len(sessions)), sessions.lengths)
    named_T = session_T * (int(sessions.flat.max(initial=0)) + 1) + sessions.flat
    first = np.sort(np.unique(named_T, return_index=True)[1])
    offsets = np.zeros(len(sessions) + 1, dtype=np.int64)
    np.cumsum(np.bincount(session_T[first], minlength=len(sessions)), out=offsets[1:])
    return Sessions(sessions.flat[first], offsets)


def epoch_batches(lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int) -> list[Rows]:
    """The batches of one epoch: each session once in random order; equal lengths side by side within a batch.

    A pure function of its arguments, so that a position in the epoch is the number of batches done.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(lengths))
    batches = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
    return [rows[np.argsort(lengths[rows], kind="stable")] for rows in batches]


def length_batches(lengths: NDArray[np.int64], tokens_per_batch: int) -> Iterator[Rows]:
    """Batches for validation: longest last, each of at most `tokens_per_batch` tokens (or one session)."""
    order = np.argsort(lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    start = 0
    while start < len(order):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + tokens_per_batch, side="right")))
        yield order[start:stop]
        start = stop


def equal_length_batches(lengths: NDArray[np.int64], tokens_per_batch: int) -> Iterator[Rows]:
    """Batches for scoring, each of one length and of at most `tokens_per_batch` tokens; the longest come first."""
    order = np.argsort(-lengths, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1) if len(order) else []:
        size = max(1, tokens_per_batch // int(lengths[rows[0]]))
        yield from (rows[start : start + size] for start in range(0, len(rows), size))


def batches_per_epoch(sessions: int, batch_size: int) -> int:
    """The number of batches that `epoch_batches` makes."""
    return -(-sessions // batch_size)

"""Where templates stand: new ones in a log, known ones in the normal sessions, and what the model expects there.

Shapes: V vocabulary, P places.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.artifact import Model
from isang.detection.detectors.encoder.masked_model import event_probabilities
from isang.detection.detectors.lines.rare_event import sessions_with
from isang.logs.store import Dataset
from isang.model.batches import Floats, Rows, Sessions, Tokens, to_sessions
from isang.model.vocabulary import MARKS, MASK, UNSEEN

ASKED_PLACES = 60
"""Maximum number of positions of a template, from evenly spread sessions, at which the model is queried."""
COMPARED_SESSIONS = 1_000
"""Maximum number of sessions with a template, evenly spread, whose other lines are counted."""


class Occurrence(NamedTuple):
    """Where a new template stands among the sessions."""

    first: int
    sessions: int
    """Number of sessions with it."""


class Known:
    """The positions of the known templates in the normal sessions of a model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._session_T = np.repeat(np.arange(len(model.normal)), model.normal.lengths)
        self._own: dict[int, float] = {}
        self._companions: dict[int, Floats] = {}

    def share(self, token: int) -> float:
        """The share of the normal sessions that have it."""
        return float(sessions_with(self._model.fitted)[token] / self._model.normal_counts.sum())

    def own_probability(self, token: int) -> float:
        """What the model gives it, on average, at its own places."""
        if token not in self._own:
            normal = self._model.normal
            self._own[token] = float(expected(self._model, normal, np.flatnonzero(normal.flat == token))[token])
        return self._own[token]

    def companions(self, token: int) -> Floats:
        """The share of the sessions with it that have each other token, shape V."""
        if token not in self._companions:
            normal = self._model.normal
            having = np.unique(self._session_T[normal.flat == token])
            shares = _shares(normal.take(having), self._model.normal_counts[having], self._model.vocabulary.size)
            shares[token] = 0
            self._companions[token] = shares
        return self._companions[token]


@dataclass(frozen=True, eq=False)
class Log:
    """The S sessions `rows` of a dataset, in order of time, as the model's vocabulary reads them."""

    model: Model
    dataset: Dataset
    rows: Rows

    @cached_property
    def tokens(self) -> Sessions:
        """The sessions in tokens; what nothing is known of is hidden, so that the model says what it expects there."""
        sessions = to_sessions(self.dataset, self.model.vocabulary, self.rows)
        return Sessions(np.where(sessions.flat == UNSEEN, np.int32(MASK), sessions.flat), sessions.offsets)

    @cached_property
    def levels(self) -> dict[str, str]:
        """The level of each template."""
        return {text: level or "" for text, level in self.dataset.templates["template", "level"].iter_rows()}

    @cached_property
    def new(self) -> dict[str, Occurrence]:
        """The templates that training never had, in the order of their events."""
        known = list(self.model.vocabulary.templates)
        texts = self.dataset.templates.select("event", "template").filter(~pl.col("template").is_in(known))
        numbers = {text: number for number, text in enumerate(texts["template"].unique(maintain_order=True))}
        table = pl.DataFrame({"event": self._event_E, "session": self._session_E}).join(texts, on="event")
        session = pl.col("session")
        found = table.group_by("template").agg(session.min(), session.n_unique().alias("sessions"))
        seen = {text: Occurrence(first, sessions) for text, first, sessions in found.iter_rows()}
        return {text: seen[text] for text in sorted(seen, key=numbers.__getitem__)}

    @cached_property
    def last_V(self) -> Rows:
        """The last session that has each token, -1 where none has."""
        last_V = np.full(self.model.vocabulary.size, -1, dtype=np.int64)
        last_V[self.tokens.flat] = np.repeat(np.arange(len(self.rows)), self.tokens.lengths)  # the last one stays
        return last_V

    def places_of(self, text: str) -> Rows:
        """Where in the tokens the template stands."""
        events = self.dataset.templates.filter(pl.col("template") == text)["event"].to_numpy()
        sorted_E = self._event_E[self._order_E]
        bounds = [np.searchsorted(sorted_E, [event, event + 1]) for event in events]
        found = np.sort(np.concatenate([self._order_E[start:stop] for start, stop in bounds]))
        places: Rows = found + 2 * self._session_E[found] + 1  # each session has a BEGIN and an END
        return places

    def companions(self, text: str) -> tuple[Floats, float]:
        """The share of the sessions with the template that have each token, shape V; how many other new ones."""
        places = self.places_of(text)
        having = _spread(np.unique(np.searchsorted(self.tokens.offsets, places, side="right") - 1), COMPARED_SESSIONS)
        shares = _shares(self._numbers.take(having), np.ones(len(having)), int(self._numbers.flat.max()) + 1)
        shares[np.unique(self._numbers.flat[places])] = 0
        size = self.model.vocabulary.size
        return shares[:size], float(shares[size:].sum())

    @cached_property
    def _numbers(self) -> Sessions:
        """The tokens, and V + the event where nothing is known of it."""
        event_T = np.zeros_like(self.tokens.flat)
        event_T[np.arange(len(self._event_E)) + 2 * self._session_E + 1] = self._event_E
        hidden = self.tokens.flat == MASK
        return Sessions(np.where(hidden, self.model.vocabulary.size + event_T, self.tokens.flat), self.tokens.offsets)

    @cached_property
    def _event_E(self) -> NDArray[np.int32]:
        """The events of all sessions, concatenated."""
        events = self.dataset.sessions["events"].gather(self.rows)
        return events.explode(empty_as_null=False, keep_nulls=False).to_numpy()

    @cached_property
    def _session_E(self) -> Rows:
        """Which session each event belongs to."""
        return np.repeat(np.arange(len(self.rows)), self.dataset.sizes[self.rows])

    @cached_property
    def _order_E(self) -> Rows:
        """Where events stand, equal ones side by side."""
        return np.argsort(self._event_E, kind="stable")


def expected(model: Model, sessions: Sessions, places: Rows) -> Floats:
    """The model's mean probabilities at some of these positions, hidden at once, shape V.

    Without an encoder, the probabilities of the events that follow the previous line in the normal sessions.
    """
    hidden = sessions.flat.copy()
    hidden[places] = MASK
    asked = _spread(places, ASKED_PLACES)
    if model.encoder is None:
        return _followers(model, hidden[asked - 1])
    session = np.searchsorted(sessions.offsets, asked, side="right") - 1
    begin, end = sessions.offsets[session], sessions.offsets[session + 1]
    answers = [
        event_probabilities(model, hidden[start:stop], int(place - start))
        for place, start, stop in zip(asked, begin, end, strict=True)
    ]
    mean: Floats = np.mean(answers, axis=0)
    return mean


def _followers(model: Model, before_P: Tokens) -> Floats:
    """How often each token comes right after these in the normal sessions, on average over them, shape V."""
    normal, size = model.normal, model.vocabulary.size
    counts_T = np.repeat(model.normal_counts, normal.lengths)[1:].astype(np.float64)
    counts_T[normal.offsets[1:-1] - 1] = 0  # from one session to the next
    shares_V = np.zeros(size)
    tokens, times = np.unique(before_P, return_counts=True)
    for token, count in zip(tokens, times, strict=True):
        after_V = np.bincount(normal.flat[1:], counts_T * (normal.flat[:-1] == token), minlength=size)
        shares_V += count * after_V / max(1.0, after_V.sum())
    return shares_V / len(before_P)


def _shares(sessions: Sessions, counts: NDArray[Any], size: int) -> Floats:
    """The share of sessions, each `counts` times there, that have each of `size` tokens, 0 for marks."""
    session_T = np.repeat(np.arange(len(sessions)), sessions.lengths)
    pairs = np.unique(session_T * size + sessions.flat)
    shares: Floats = np.bincount(pairs % size, counts[pairs // size], minlength=size) / counts.sum()
    shares[: len(MARKS)] = 0
    return shares


def _spread(places: Rows, most: int) -> Rows:
    """At most `most` of these, evenly spread."""
    return places[np.unique(np.linspace(0, len(places) - 1, most).astype(np.int64))]

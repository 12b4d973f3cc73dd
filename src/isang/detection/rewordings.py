"""Which new templates are known ones that a new release has reworded, by all that a whole log can tell.

Words alone cannot tell a new wording from a new kind of line. A log can: a release takes the old line away, and the new
one stands where the old one stood.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.surprise import Floats, event_probabilities
from isang.logs.store import Dataset
from isang.model.batches import Rows, Sessions, to_sessions
from isang.model.vocabulary import MASK, UNSEEN

LEAST_EXPECTED = 10.0
"""A known template has vanished where it is in none of the last sessions and so many with it would be expected."""
LEAST_SESSIONS = 10
"""A new template must be in so many sessions before its place can tell what it is."""
LEAST_PROBABILITY = 0.02
"""What is expected even at its own places with less than this has no place of its own."""
LEAST_FIT = 0.25
"""At the places of the new template the model must expect the known one with so much of the probability that it expects
it with at its own places."""
TIMES_FITTER = 2.0
"""It must fit so much better than any other that may be meant."""
ASKED_PLACES = 60
"""The model is asked about so many places of a template, of evenly spread sessions."""


class Rewording(NamedTuple):
    """A template that training never had, and the known one that it is taken for."""

    template: str
    known: str | None
    """None: it is a new one."""
    sessions: int
    """So many have it."""
    because: str
    """What speaks for it."""


def with_rewordings(model: Model, dataset: Dataset, rows: Rows | None = None) -> tuple[Model, list[Rewording]]:
    """The model that takes new templates of the sessions `rows` (all where None) for known ones, and which it takes.

    Two things speak for a rewording: its words (see `Wording.most_similar`), or its place, with the stem of a word in
    common. Against it speaks that the known template is still written beside the new one, or that the new one tells of
    a failure.
    """
    log = _Log(model, dataset, np.arange(len(dataset.sessions), dtype=np.int64) if rows is None else rows)
    found = _by_words(log)
    log = _Log(_taking(model, found), dataset, log.rows)
    found = [each if each.known else _by_place(log, each, {one.known for one in found}) for each in found]
    return _taking(model, found), [each for each in found if each.known]


@dataclass(frozen=True, eq=False)
class _Log:
    """The S sessions `rows` of a dataset, in order of time, and where in them templates stand."""

    model: Model
    dataset: Dataset
    rows: Rows

    @cached_property
    def events_E(self) -> Rows:
        """The events of all sessions, behind one another."""
        events = self.dataset.sessions["events"].gather(self.rows)
        return events.explode(empty_as_null=False, keep_nulls=False).to_numpy()

    @cached_property
    def session_E(self) -> Rows:
        """Which session each event belongs to."""
        return np.repeat(np.arange(len(self.rows)), self.dataset.sizes[self.rows])

    @cached_property
    def seen(self) -> dict[str, tuple[int, int, int]]:
        """For each template the first and the last session that has it, and how many have it."""
        table = pl.DataFrame({"event": self.events_E, "session": self.session_E}).join(
            self.dataset.templates.select("event", "template"), on="event"
        )
        session = pl.col("session")
        table = table.group_by("template").agg(session.min(), session.max().alias("last"), session.n_unique().alias("n"))
        return {text: (first, last, number) for text, first, last, number in table.iter_rows()}

    @cached_property
    def new(self) -> list[str]:
        """The templates that training never had, in the order of their events."""
        known = set(self.model.vocabulary.templates)
        return [text for text in self.dataset.templates["template"].unique(maintain_order=True)
                if text in self.seen and text not in known]  # fmt: skip

    @cached_property
    def levels(self) -> dict[str, str]:
        """The level of each template."""
        return {text: level or "" for text, level in self.dataset.templates["template", "level"].iter_rows()}

    @cached_property
    def tokens(self) -> Sessions:
        """The sessions in tokens; what nothing is known of is hidden, so that the model says what it expects there."""
        sessions = to_sessions(self.dataset, self.model.vocabulary, self.rows)
        return replace(sessions, flat=np.where(sessions.flat == UNSEEN, np.int32(MASK), sessions.flat))

    @cached_property
    def normal_share_V(self) -> Floats:
        """The share of the normal sessions of training that have each token, shape V."""
        normal, size = self.model.normal, self.model.vocabulary.size
        session_T = np.repeat(np.arange(len(normal)), normal.lengths)
        pairs = np.unique(session_T * size + normal.flat)
        counts = np.bincount(pairs % size, self.model.normal_counts[pairs // size], minlength=size)
        return counts / self.model.normal_counts.sum()

    def has_vanished(self, token: int) -> bool:
        """None of the last sessions has the known template, though `LEAST_EXPECTED` of them would in training."""
        return bool(self.normal_share_V[token] * (len(self.rows) - 1 - self._last(token)) >= LEAST_EXPECTED)

    def is_written_beside(self, token: int, first: int) -> bool:
        """Whether the known template is written in the session `first` or later, and has not vanished since."""
        return self._last(token) >= first and not self.has_vanished(token)

    def _last(self, token: int) -> int:
        """The last session that has the known template, -1 where none has."""
        _, last, _ = self.seen.get(self.model.vocabulary.name(token), (-1, -1, 0))
        return last

    def places_of(self, text: str) -> Rows:
        """Where in the tokens the template stands."""
        events = self.dataset.templates.filter(pl.col("template") == text)["event"]
        found = np.flatnonzero(np.isin(self.events_E, events))
        return found + 2 * self.session_E[found] + 1  # each session has a BEGIN and an END


def _taking(model: Model, found: list[Rewording]) -> Model:
    reworded = {each.template: each.known for each in found}
    return replace(model, vocabulary=replace(model.vocabulary, reworded=reworded))


def _by_words(log: _Log) -> list[Rewording]:
    """Each new template, taken for the known one that is worded alike unless that one is still written.

    Of several new ones that are like one known template the most alike is its rewording.
    """
    vocabulary, found = log.model.vocabulary, []
    alike = {text: vocabulary.similar(text, log.levels[text]) for text in log.new}
    taken: set[int] = set()
    for text in sorted(log.new, key=lambda text: -alike[text][1] if alike[text] else 0.0):
        first, _, sessions = log.seen[text]
        token, _ = alike[text] or (UNSEEN, 0.0)
        if token == UNSEEN or token in taken or log.is_written_beside(token, first):
            found.append(Rewording(text, None, sessions, ""))
        else:
            taken.add(token)
            found.append(Rewording(text, vocabulary.name(token), sessions, "its words"))
    return found


def _by_place(log: _Log, new: Rewording, taken: set[str | None]) -> Rewording:
    """Taken for the one known template, of those that vanished and are akin, that is expected where the new one is."""
    vocabulary = log.model.vocabulary
    tokens = [token for token in vocabulary.akin(new.template, log.levels[new.template])
              if vocabulary.name(token) not in taken and log.has_vanished(token)]  # fmt: skip
    if new.sessions < LEAST_SESSIONS or not tokens:
        return new
    expected_V = _expected(log.model, log.tokens, log.places_of(new.template))
    normal = log.model.normal
    own = {token: float(_expected(log.model, normal, np.flatnonzero(normal.flat == token))[token]) for token in tokens}
    fits = sorted((float(expected_V[token]) / own[token], token) for token in tokens if own[token] >= LEAST_PROBABILITY)
    runner_up = fits[-2][0] if len(fits) > 1 else 0.0
    if not fits or fits[-1][0] < LEAST_FIT or fits[-1][0] < TIMES_FITTER * runner_up:
        return new
    token = fits[-1][1]
    because = (
        f"the model expects it in these places with {100 * expected_V[token]:.0f} %, where it stood itself with "
        f"{100 * own[token]:.0f} %"
    )
    return new._replace(known=vocabulary.name(token), because=because)


def _expected(model: Model, sessions: Sessions, places: Rows) -> Floats:
    """What the model expects, on average, at some of these places when all of them are hidden: probabilities, shape V."""
    hidden = sessions.flat.copy()
    hidden[places] = MASK
    asked = places[np.unique(np.linspace(0, len(places) - 1, ASKED_PLACES).astype(np.int64))]
    session = np.searchsorted(sessions.offsets, asked, side="right") - 1
    begin, end = sessions.offsets[session], sessions.offsets[session + 1]
    answers = [
        event_probabilities(model, hidden[start:stop], int(place - start))
        for place, start, stop in zip(asked, begin, end, strict=True)
    ]
    mean: Floats = np.mean(answers, axis=0)
    return mean

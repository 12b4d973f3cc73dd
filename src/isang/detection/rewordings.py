"""Which new templates are known ones that a new release has reworded, by all that a whole log can tell.

Words alone cannot tell a new wording from a new kind of line. A log can: a release takes the old line away, and the new
one stands where the old one stood.
"""

from collections.abc import Container
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.decisions import Judged, judge
from isang.detection.rarity import sessions_with
from isang.detection.surprise import Floats, event_probabilities
from isang.logs.store import Dataset
from isang.model.batches import Rows, Sessions, to_sessions
from isang.model.vocabulary import MASK, UNSEEN

LEAST_EXPECTED = 10.0
"""A known template has vanished where it is in none of the last sessions and so many with it would be expected."""
LEAST_SESSIONS = 10
"""A new template must be in so many sessions before its place can tell what it is."""
LEAST_PROBABILITY = 0.05
"""What is expected even at its own places with less than this has no place of its own."""
LEAST_FIT = 0.25
"""At the places of the new template the model must expect the known one with so much of the probability that it expects
it with at its own places."""
TIMES_FITTER = 2.0
"""It must fit so much better than any other that may be meant."""
PASSES = 3
"""First those for which words and place speak alike; what fitted two known templates is looked at again when one of
them is known to be reworded otherwise."""
ASKED_PLACES = 60
"""The model is asked about so many places of a template, of evenly spread sessions."""


class Rewording(NamedTuple):
    """A template that training never had, and the known one that it is taken for."""

    template: str
    known: str
    sessions: int
    """So many have it."""
    first: int
    """Row of the dataset with the first of them."""
    because: str
    """What speaks for it."""
    told: bool
    """Its words alone would not do, so that its first session is judged as if it were new: somebody should know."""


def judge_reworded(model: Model, dataset: Dataset, rows: Rows | None = None) -> tuple[Model, Judged, list[Rewording]]:
    """Decide about the sessions `rows` of `dataset` (all where None) as `judge` does, rewordings recognised.

    Returns also the model that takes new templates for the known ones that they reword, and these.
    """
    if rows is None:
        rows = np.arange(len(dataset.sessions), dtype=np.int64)
    strict, taken = find_rewordings(model, dataset, rows)
    stand_ins = {each.template: each.known for each in taken}
    reworded = {**strict.vocabulary.reworded, **stand_ins}
    model = replace(model, vocabulary=replace(model.vocabulary, reworded=reworded))
    judged = judge(model, dataset, rows)
    told = np.flatnonzero(np.isin(rows, [each.first for each in taken if each.told]))
    return model, judged if not len(told) else _as_new(judged, told, judge(strict, dataset, rows[told])), taken


def find_rewordings(model: Model, dataset: Dataset, rows: Rows) -> tuple[Model, list[Rewording]]:
    """The model that takes no new template of the sessions `rows` for a known one, and those that are reworded.

    Two things speak for a rewording: its place, with the stem of a word in common, or else its words (see
    `Wording.most_similar`). Against it speaks that the known template is still written beside the new one, that another
    one is its rewording, or that the new one tells of a failure.
    """
    new = _Log(model, dataset, rows).new
    strict = replace(model, vocabulary=replace(model.vocabulary, reworded=dict.fromkeys(new)))
    log, found = _Log(strict, dataset, rows), dict[int, Rewording]()
    if not model.config.detection.rewordings:
        return strict, []
    for number in range(PASSES):
        done = {each.template for each in found.values()}
        for text in sorted(set(new) - done, key=lambda text: (-log.seen[text].sessions, text)):
            by_words = _by_words(log, text, found)
            token, because = _by_place(log, text, found) or (by_words, "its words")
            if token is not None and (number > 0 or token == by_words):
                known, seen = strict.vocabulary.name(token), log.seen[text]
                first, told = int(rows[seen.first]), token != by_words
                found[token] = Rewording(text, known, seen.sessions, first, because, told)
    return strict, list(found.values())


def _as_new(judged: Judged, places: Rows, strict: Judged) -> Judged:
    """The same, with the sessions at `places` judged by the model that takes no new template for a known one."""
    flat, scores_DS, p_values_DS = judged.sessions.flat.copy(), judged.scores_DS.copy(), judged.p_values_DS.copy()
    flat[judged.sessions.places(places)[0]] = strict.sessions.flat
    scores_DS[:, places], p_values_DS[:, places] = strict.scores_DS, strict.p_values_DS
    decisions = list(judged.decisions)
    for place, decision in zip(places, strict.decisions, strict=True):
        decisions[place] = decision
    sessions = replace(judged.sessions, flat=flat)
    return replace(judged, sessions=sessions, scores_DS=scores_DS, p_values_DS=p_values_DS, decisions=decisions)


class _Seen(NamedTuple):
    """Where a template stands among the sessions."""

    first: int
    last: int
    sessions: int


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
    def seen(self) -> dict[str, _Seen]:
        """For each template the first and the last session that has it, and how many have it."""
        table = pl.DataFrame({"event": self.events_E, "session": self.session_E}).join(
            self.dataset.templates.select("event", "template"), on="event"
        )
        session = pl.col("session")
        table = table.group_by("template").agg(
            session.min(), session.max().alias("last"), session.n_unique().alias("n")
        )
        return {text: _Seen(*where) for text, *where in table.iter_rows()}

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

    def has_vanished(self, token: int) -> bool:
        """None of the last sessions has the known template, though `LEAST_EXPECTED` of them would in training."""
        share = sessions_with(self.model)[token] / self.model.normal_counts.sum()
        return bool(share * (len(self.rows) - 1 - self._last(token)) >= LEAST_EXPECTED)

    def is_written_beside(self, token: int, first: int) -> bool:
        """Whether the known template is written in the session `first` or later, and has not vanished since."""
        return self._last(token) >= first and not self.has_vanished(token)

    def _last(self, token: int) -> int:
        """The last session that has the known template, -1 where none has."""
        return self.seen.get(self.model.vocabulary.name(token), _Seen(-1, -1, 0)).last

    def own_probability(self, token: int) -> float:
        """What the model gives the known template, on average, at its own places in the normal sessions."""
        if token not in self._own:
            normal = self.model.normal
            self._own[token] = float(_expected(self.model, normal, np.flatnonzero(normal.flat == token))[token])
        return self._own[token]

    @cached_property
    def _own(self) -> dict[int, float]:
        return {}

    def places_of(self, text: str) -> Rows:
        """Where in the tokens the template stands."""
        events = self.dataset.templates.filter(pl.col("template") == text)["event"]
        found = np.flatnonzero(np.isin(self.events_E, events))
        return found + 2 * self.session_E[found] + 1  # each session has a BEGIN and an END


def _by_words(log: _Log, text: str, taken: Container[int]) -> int | None:
    """The token of the known template that is worded alike, unless that one is still written."""
    token = log.model.vocabulary.similar(text, log.levels[text])
    if token is None or token in taken or log.is_written_beside(token, log.seen[text].first):
        return None
    return token


def _by_place(log: _Log, text: str, taken: Container[int]) -> tuple[int, str] | None:
    """The token of the known template, of those that vanished and are akin, that is expected where the new one is.

    With it what speaks for it; None where it is in few sessions or no template fits, or where two do.
    """
    vocabulary = log.model.vocabulary
    akin = [token for token in vocabulary.akin(text, log.levels[text]) if token not in taken]
    vanished = [token for token in akin if log.has_vanished(token)]
    placed = [token for token in vanished if log.own_probability(token) >= LEAST_PROBABILITY]
    if log.seen[text].sessions < LEAST_SESSIONS or not placed:
        return None
    expected_V = _expected(log.model, log.tokens, log.places_of(text))
    fits = sorted((float(expected_V[token]) / log.own_probability(token), token) for token in placed)
    fit, token = fits[-1]
    if fit < LEAST_FIT or (len(fits) > 1 and fit < TIMES_FITTER * fits[-2][0]):
        return None
    here, there = 100 * expected_V[token], 100 * log.own_probability(token)
    return token, f"the model expects it there with {here:.0f} %, where it stood itself with {there:.0f} %"


def _expected(model: Model, sessions: Sessions, places: Rows) -> Floats:
    """What the model expects, on average, at some of these places when all are hidden: probabilities, shape V."""
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

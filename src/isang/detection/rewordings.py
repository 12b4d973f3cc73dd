"""Which new templates are known ones that a new release has reworded, by all that a whole log can tell.

Words alone cannot tell a new wording from a new kind of line. A log can: a release takes the old line away, and the new
one stands where the old one stood, beside the same other lines, about as often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from isang.artifact import Model
from isang.detection.decisions import Judged, judge
from isang.detection.surprise import Floats
from isang.detection.whereabouts import Known, Log, expected
from isang.logs.store import Dataset
from isang.model.batches import Rows
from isang.model.wording import LEAST_SIMILARITY, Likeness

LEAST_EXPECTED = 10.0
"""A known template has vanished where it is in none of the last sessions and so many with it would be expected."""
LEAST_SESSIONS = 10
"""A new template in fewer sessions says little by its place alone."""
LEAST_FIT = 0.25
"""At the places of the new template the model must expect the known one with so much of the probability that it expects
it with at its own places."""
LEAST_COMPANY = 0.8
"""The sessions of the two must have so much of their other lines in common."""
LEAST_COMPANY_BY_WORDS = 0.5
"""And so much whatever their words."""
MOST_TIMES = 4.0
"""The new one is at most so many times as frequent as the known one was, or as rare."""
FEW = 2.0
"""Counted besides when two numbers of sessions are compared, as small ones say little."""
LEAST_LEAD = 0.1
"""All that speaks for a pair must be so much more than what speaks for another one of either."""
RELEASE = 3
"""So many templates that are recognised by their words are a release."""
PASSES = 5
"""What is recognised makes clearer what stands around it, and leaves fewer known templates to choose from."""


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

    New and known templates are paired such that neither has a better partner.
    """
    new = Log(model, dataset, rows).new
    strict = replace(model, vocabulary=replace(model.vocabulary, reworded=dict.fromkeys(new)))
    found: list[Rewording] = []
    if not model.config.detection.rewordings:
        return strict, found
    known, reads = Known(strict), strict
    for _ in range(PASSES):
        log = Log(reads, dataset, rows)
        taken = [_rewording(log, pair) for pair in _accepted(_pairs(log, known, found), _release(log, found))]
        if not taken:
            break
        found += taken
        reworded = {**reads.vocabulary.reworded, **{each.template: each.known for each in taken}}
        reads = replace(strict, vocabulary=replace(strict.vocabulary, reworded=reworded))
    return strict, found


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


@dataclass(frozen=True)
class _Pair:
    """A new template and a known one that may be meant, with what speaks for it, each between 0 and 1."""

    text: str
    token: int
    likeness: Likeness
    fit: float
    """What the model gives the known template at the places of the new one, as a share of what it gives it at its own."""
    company: float
    """The share of other lines that the sessions of the two have in common (Bray and Curtis 1957)."""
    rate: float
    """How often sessions have the one, as a share of how often they have the other."""
    here: float
    """The probability of the known template at the places of the new one."""
    own: float
    frequent: bool
    """Enough sessions have the new one, and the known one has vanished for certain."""
    last: int
    """The last session with the known one."""

    @property
    def total(self) -> float:
        """All that speaks for it."""
        return self.likeness.words + self.fit + self.company + self.rate

    @property
    def by_words(self) -> bool:
        """Whether their words alone would do."""
        return self.likeness.words >= LEAST_SIMILARITY

    def by_place(self, release: int | None) -> bool:
        """Whether it stands in the other's place, and two of three more speak for it: stem, numbers, release.

        The known one must not have been written since the release began.
        """
        at_release = release is not None and self.last < release
        more = self.likeness.stem + self.frequent + at_release
        return self.likeness.slots and self.fit >= LEAST_FIT and self.company >= LEAST_COMPANY and more >= 2


def _pairs(log: Log, known: Known, found: list[Rewording]) -> list[_Pair]:
    """The pairs of a new and a known template that are left, where the known one gave way and is about as frequent."""
    done, taken = {each.template for each in found}, {each.known for each in found}
    vocabulary, sessions, pairs = log.model.vocabulary, len(log.rows), []
    for text, seen in log.new.items():
        candidates: dict[int, Likeness] = {}
        for token, likeness in ({} if text in done else vocabulary.likenesses(text, log.levels[text])).items():
            last, awaited = int(log.last_V[token]), known.share(token) * (sessions - seen.first)
            vanished = known.share(token) * (sessions - 1 - last) >= LEAST_EXPECTED
            if vocabulary.name(token) in taken or (last >= seen.first and not vanished):
                continue
            if _share(seen.sessions, awaited) >= 1 / MOST_TIMES:
                candidates[token] = likeness
        if candidates:
            pairs += _compared(log, known, text, candidates)
    return pairs


def _compared(log: Log, known: Known, text: str, candidates: Mapping[int, Likeness]) -> list[_Pair]:
    """What speaks for each of the known templates that a new one may reword."""
    seen, sessions, company_V = log.new[text], len(log.rows), log.companions(text)
    written_V = log.last_V >= seen.first  # others have vanished or are reworded themselves
    company = {token: _common(company_V[written_V], known.companions(token)[written_V]) for token in candidates}
    likely = [token for token in candidates if company[token] >= LEAST_COMPANY_BY_WORDS]
    if not likely:
        return []
    expected_V, pairs = expected(log.model, log.tokens, log.places_of(text)), []
    for token in likely:
        here, own, last = float(expected_V[token]), known.own_probability(token), int(log.last_V[token])
        vanished = known.share(token) * (sessions - 1 - last) >= LEAST_EXPECTED
        pair = _Pair(
            text,
            token,
            candidates[token],
            fit=min(1.0, here / own),
            company=company[token],
            rate=_share(seen.sessions, known.share(token) * (sessions - seen.first)),
            here=here,
            own=own,
            frequent=vanished and seen.sessions >= LEAST_SESSIONS,
            last=last,
        )
        pairs.append(pair)
    return pairs


def _common(one: Floats, other: Floats) -> float:
    """What two kinds of sessions have in common, as a share of all their lines; 1 where there are no other lines."""
    both = float((one + other).sum())
    return 1 - float(np.abs(one - other).sum()) / both if both else 1.0


def _share(one: float, other: float) -> float:
    """The smaller number as a share of the larger one, both with FEW more."""
    low, high = sorted((one + FEW, other + FEW))
    return low / high


def _accepted(pairs: list[_Pair], release: int | None) -> list[_Pair]:
    """The pairs neither of which has another partner that is nearly as good, where enough speaks for them."""
    accepted = []
    for pair in pairs:
        rivals = [other.total for other in pairs if (other.text == pair.text) != (other.token == pair.token)]
        if pair.total - max(rivals, default=0.0) >= LEAST_LEAD and (pair.by_words or pair.by_place(release)):
            accepted.append(pair)
    return accepted


def _release(log: Log, found: list[Rewording]) -> int | None:
    """The first session with a template that was recognised by its words, where RELEASE of them were."""
    firsts = [log.new[each.template].first for each in found if not each.told]
    return min(firsts) if len(firsts) >= RELEASE else None


def _rewording(log: Log, pair: _Pair) -> Rewording:
    seen = log.new[pair.text]
    because = (
        "its words"
        if pair.by_words
        else f"the model expects it there with {100 * pair.here:.2g} %, where it stood itself with {100 * pair.own:.2g} %"
    )
    known = log.model.vocabulary.name(pair.token)
    return Rewording(pair.text, known, seen.sessions, int(log.rows[seen.first]), because, not pair.by_words)

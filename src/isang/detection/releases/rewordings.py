"""New templates that are rewordings of known ones by a new release, using evidence from the whole log.

Words alone cannot distinguish a new wording from a new kind of line. A whole log can: a release removes the old line,
and the new one occurs where the old one did, with the same other lines, about as often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from isang.artifact import Model
from isang.detection.releases.template_contexts import Known, Log, expected
from isang.detection.threshold.decisions import Judged, judge
from isang.logs.store import Dataset
from isang.model.batches import Floats, Rows
from isang.model.wording import LEAST_SIMILARITY, Likeness

LEAST_EXPECTED = 10.0
"""A known template has vanished if it is in none of the last sessions, while this many with it would be expected."""
LEAST_SESSIONS = 10
"""A new template in fewer sessions says little by its place alone."""
LEAST_FIT = 0.25
"""Minimum probability of the known template at the positions of the new one, relative to that at its own positions."""
LEAST_COMPANY = 0.8
"""Minimum share of other lines that the sessions of the two must have in common."""
LEAST_SIMILARITY_AND_COMPANY = 1.0
"""If the words support it, minimum sum of the similarities of words and of other lines."""
LEAST_RATE = 0.25
"""If the words do not support it, minimum ratio of the frequencies of the rarer and the more frequent one."""
FEW = 10.0
"""Counted besides when two numbers of sessions are compared, as small ones say little."""
SOFTNESS = 0.05
"""A partner with this much more evidence than another is e times as probable."""
SCALINGS = 200
LEAST_CERTAINTY = 0.9
"""Pairs are formed such that all of them together are the best; a pair must be so probable then."""
RELEASE = 3
"""Minimum number of templates recognised by their words to assume a release."""
MOST_NEW = 500
"""Maximum number of new templates examined, the most frequent: a log with more comes from another program."""
PASSES = 5
"""Number of passes: recognised templates clarify their surroundings, and leave fewer known ones to choose from."""


class Rewording(NamedTuple):
    """A template that training never had, and the known one that it is taken for."""

    template: str
    known: str
    sessions: int
    """Number of sessions with it."""
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

    New and known templates are paired one with one, such that all pairs together are the best.
    """
    new = Log(model, dataset, rows).new
    strict = replace(model, vocabulary=replace(model.vocabulary, reworded=dict.fromkeys(new)))
    found: list[Rewording] = []
    if not model.config.detection.rewordings:
        return strict, found
    known, reads = Known(strict), strict
    for _ in range(PASSES):
        log = Log(reads, dataset, rows)
        taken = _accepted(log, _pairs(log, known, found), found)
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
    timed = judged.timed.with_tokens(replace(judged.sessions, flat=flat))
    return replace(judged, timed=timed, scores_DS=scores_DS, p_values_DS=p_values_DS, decisions=decisions)


class _Candidate(NamedTuple):
    """A known template that may be reworded, seen from a new one."""

    likeness: Likeness
    rate: float
    """The ratio of the frequencies of the two among sessions."""
    vanished: bool
    """LEAST_EXPECTED sessions with it would have come since the last one."""


@dataclass(frozen=True)
class _Pair:
    """A new template and a known one that may be meant, and what speaks for it."""

    text: str
    token: int
    candidate: _Candidate
    company: float
    """The share of other lines that the sessions of the two have in common (Bray and Curtis 1957)."""
    here: float
    """The probability of the known template at the places of the new one."""
    own: float
    """And at its own."""

    @property
    def total(self) -> float:
        """All that speaks for it, each between 0 and 1."""
        likeness = self.candidate.likeness
        return likeness.words + likeness.slots + self.fit + self.company + self.candidate.rate

    @property
    def fit(self) -> float:
        """How much of its probability the known template has at the places of the new one."""
        return min(1.0, self.here / self.own)

    @property
    def by_words(self) -> bool:
        """Whether their words would do."""
        return _alike(self.candidate.likeness, self.company)

    def by_place(self, *, frequent: bool, at_release: bool) -> bool:
        """Whether it takes the other's place, and two of three further signs support it: a stem, numbers, a release."""
        likeness = self.candidate.likeness
        more = likeness.stem + (frequent and self.candidate.vanished) + at_release
        alike = self.fit >= LEAST_FIT and self.company >= LEAST_COMPANY and self.candidate.rate >= LEAST_RATE
        return likeness.slots and alike and more >= 2


def _alike(likeness: Likeness, company: float) -> bool:
    return likeness.words >= LEAST_SIMILARITY and likeness.words + company >= LEAST_SIMILARITY_AND_COMPANY


def _pairs(log: Log, known: Known, found: list[Rewording]) -> list[_Pair]:
    """The pairs of a new and a known template that are left and for which something speaks."""
    done = {each.template for each in found}
    left = sorted(set(log.new) - done, key=lambda text: (-log.new[text].sessions, text))[:MOST_NEW]
    return [pair for text in left for pair in _compared(log, known, text, _candidates(log, known, text, found))]


def _candidates(log: Log, known: Known, text: str, found: list[Rewording]) -> dict[int, _Candidate]:
    """The known templates that are no longer written when the new one is."""
    vocabulary, seen, sessions = log.model.vocabulary, log.new[text], len(log.rows)
    taken, candidates = {each.known for each in found}, {}
    for token, likeness in vocabulary.likenesses(text, log.levels[text]).items():
        share, last = known.share(token), int(log.last_V[token])
        vanished = share * (sessions - 1 - last) >= LEAST_EXPECTED
        rate = _ratio(seen.sessions, share * (sessions - seen.first))
        gone = share > 0 and (vanished or last < seen.first)
        if gone and vocabulary.name(token) not in taken:
            candidates[token] = _Candidate(likeness, rate, vanished)
    return candidates


def _compared(log: Log, known: Known, text: str, candidates: Mapping[int, _Candidate]) -> list[_Pair]:
    """What speaks for those of the known templates whose words or other lines are like those of the new one."""
    if not candidates:
        return []
    written_V = log.last_V >= log.new[text].first
    shares_V, new = log.companions(text)
    here, likely = np.append(shares_V[written_V], new), {}
    for token, candidate in candidates.items():
        others_V, likeness = known.companions(token), candidate.likeness
        gone = others_V[~written_V].sum()  # these may be the new ones here
        company = _common(here, np.append(others_V[written_V], gone))
        if _alike(likeness, company) or (likeness.slots and company >= LEAST_COMPANY):
            likely[token] = company
    if not likely:
        return []
    expected_V = expected(log.model, log.tokens, log.places_of(text))
    return [
        _Pair(text, token, candidates[token], company, float(expected_V[token]), known.own_probability(token))
        for token, company in likely.items()
    ]


def _common(one: Floats, other: Floats) -> float:
    """The share of lines that two kinds of sessions have in common; 1 if there are no other lines."""
    both = float((one + other).sum())
    return 1 - float(np.abs(one - other).sum()) / both if both else 1.0


def _ratio(one: float, other: float) -> float:
    """The ratio of the smaller to the larger number, after adding FEW to both."""
    low, high = sorted((one + FEW, other + FEW))
    return low / high


def _accepted(log: Log, pairs: list[_Pair], found: list[Rewording]) -> list[Rewording]:
    """The pairs that belong together with certainty, and for which enough speaks."""
    release, accepted = _release(log, found), []
    for pair, certainty in zip(pairs, _certainties(pairs), strict=True):
        frequent = log.new[pair.text].sessions >= LEAST_SESSIONS
        at_release = release is not None and log.last_V[pair.token] < release
        enough = pair.by_words or pair.by_place(frequent=frequent, at_release=at_release)
        if enough and certainty >= LEAST_CERTAINTY:
            accepted.append(_rewording(log, pair))
    return accepted


def _certainties(pairs: list[_Pair]) -> Floats:
    """How probable each pair is if every template has at most one partner, shape: pairs.

    Rows and columns of the weights are scaled in turn until each sums to one (Sinkhorn 1967), having none included.
    """
    texts, tokens = sorted({pair.text for pair in pairs}), sorted({pair.token for pair in pairs})
    rows, columns = [texts.index(pair.text) for pair in pairs], [tokens.index(pair.token) for pair in pairs]
    weights_NK = np.zeros((len(texts), len(tokens)))
    weights_NK[rows, columns] = np.exp([pair.total / SOFTNESS for pair in pairs])
    scale_N, scale_K = np.ones(len(texts)), np.ones(len(tokens))
    for _ in range(SCALINGS):
        scale_N = 1 / (1 + weights_NK @ scale_K)
        scale_K = 1 / (1 + scale_N @ weights_NK)
    certainties: Floats = (scale_N[:, None] * weights_NK * scale_K)[rows, columns]
    return certainties


def _release(log: Log, found: list[Rewording]) -> int | None:
    """The first session with a template that was recognised by its words, where RELEASE of them were."""
    firsts = [log.new[each.template].first for each in found if not each.told]
    return min(firsts) if len(firsts) >= RELEASE else None


def _rewording(log: Log, pair: _Pair) -> Rewording:
    seen, known = log.new[pair.text], log.model.vocabulary.name(pair.token)
    because = "its words"
    if not pair.by_words:
        because = (
            f"its place: {100 * pair.company:.0f} % of the lines beside it are the same, it is expected there with "
            f"{100 * pair.here:.2g} %, before with {100 * pair.own:.2g} %"
        )
    told = log.model.vocabulary.similar(pair.text, log.levels[pair.text]) != pair.token
    return Rewording(pair.text, known, seen.sessions, int(log.rows[seen.first]), because, told)

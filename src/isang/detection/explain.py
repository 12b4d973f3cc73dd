"""Why a session is anomalous: the lines, what was expected instead, what is missing."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.artifact import Model
from isang.detection.detectors.burst import normal_crowd
from isang.detection.detectors.context_order import strangest_context
from isang.detection.detectors.event_counts import counts, most_repeated
from isang.detection.detectors.event_pairs import strangest_absence, strangest_order
from isang.detection.detectors.masked_model import event_probabilities, gap_probabilities
from isang.detection.detectors.open_ends import are_open
from isang.detection.detectors.open_event_counts import nearest_so_far
from isang.detection.detectors.rare_event import rarity, sessions_with
from isang.detection.detectors.scores import DETECTORS, Evidence
from isang.detection.detectors.time_gap import gap_surprise, normal_times
from isang.detection.detectors.transitions import transition_surprise
from isang.detection.threshold.calibration import ScoreTail
from isang.detection.threshold.decisions import Judged, judge_sessions, limits_at, tails
from isang.model.batches import Sessions, Tokens, from_sequences
from isang.model.vocabulary import BEGIN, END, NOTHING, UNSEEN

STRANGEST_EVENTS = 3
"""Events named by the masked-event detector."""
EXPECTED = 3
"""Alternatives named for a surprising event."""
NOTHING_IN_COMMON = 0.999
"""From this distance on, the nearest normal session says nothing about this one."""
LEAST_SURPRISE = 1.0
"""Nats below which an event is not worth naming."""
SHOWN_TEMPLATES = 10
"""Missing or extra templates named in one reason."""
LEAST_PROBABILITY = 0.005
"""Alternatives below this probability are not worth naming."""


@dataclass(frozen=True)
class Reason:
    """One thing that makes a session strange."""

    says: str
    """One plain sentence."""
    position: int | None = None
    """0-based place among the session's events; None where the reason is no single event."""
    after: bool = False
    """What is strange is not the event itself but what follows it, or that nothing does."""
    since: int | None = None
    """Place of another line that the reason speaks of: the one before a long silence."""
    detail: dict[str, Any] = field(default_factory=dict)
    detector: str = ""
    p_value: float = 1.0
    """How rare a score like this is among normal sessions."""
    as_high: int = 0
    """Normal sessions that were held out and scored as high."""
    held_out: int = 0
    """Normal sessions that were held out."""


@dataclass(frozen=True)
class _Case:
    """One session that is asked about."""

    model: Model
    tokens: Tokens
    evidence: Evidence
    named: set[int]
    """Places of events that are named already."""


def explain(model: Model, judged: Judged, index: int, events: Sequence[int], most: int) -> list[Reason]:
    """The reasons for session `index` of `judged`, at most `most`; `events` are its event ids in the dataset.

    A detector speaks where its own p-value is within its share of the alert budget. They take turns, so that each has
    its strongest reason heard, and a line that one has named is not named again by the next.
    """
    tokens = judged.sessions[index]
    evidence = Evidence(model, from_sequences([tokens]), judged.gaps_of(index), judged.burst_of(index))
    case = _Case(model, tokens, evidence, set())
    given: list[list[Reason]] = []
    for number in speaking(model, judged, index):
        detector, tail = DETECTORS[number], tails(model)[number]
        score, p_value = float(judged.scores_DS[number, index]), float(judged.p_values_DS[number, index])
        reasons = [
            reason for reason in _REASONS[detector.name](case) if reason.after or reason.position not in case.named
        ]
        given.append(
            [_signed(reason, detector.name, tail, score, p_value) for reason in _one_per_event(reasons, events)]
        )
        case.named.update(reason.position for reason in reasons if reason.position is not None and not reason.after)
    in_turn = [reason for turn in zip_longest(*given) for reason in turn if reason is not None]
    return in_turn[:most]


def speaking(model: Model, judged: Judged, index: int) -> list[int]:
    """The numbers of the detectors whose own p-value for a session is within their share of the alert budget."""
    limits_D = limits_at(model, model.config.detection.alerts_per_thousand)
    return np.flatnonzero(judged.p_values_DS[:, index] <= limits_D).tolist()


def _signed(reason: Reason, detector: str, tail: ScoreTail, score: float, p_value: float) -> Reason:
    """The reason with who gives it, and how many held-out normal sessions would have given it as much cause."""
    as_high = len(tail.ordered) - int(np.searchsorted(tail.ordered, score, side="left"))
    return replace(reason, detector=detector, p_value=p_value, as_high=as_high, held_out=len(tail.ordered))


def _unseen(case: _Case) -> list[Reason]:
    says = "No session of the training period has a line like this."
    return [Reason(says, int(place) - 1) for place in np.nonzero(case.tokens == UNSEEN)[0]]


def _rare(case: _Case) -> list[Reason]:
    rarity_T = rarity(case.model)[case.tokens]
    position = int(np.argmax(rarity_T))
    having, of = int(sessions_with(case.model)[case.tokens[position]]), int(case.model.normal_counts.sum())
    return [Reason(f"Of {of:,} normal sessions {having:,} have a line like this.", position - 1)]


def _masked(case: _Case) -> list[Reason]:
    strangeness = np.nan_to_num(case.evidence.surprise.event_T, nan=-np.inf)
    strangest = np.argsort(-strangeness, kind="stable")[:STRANGEST_EVENTS]
    reasons: list[Reason] = []
    for position in strangest[strangeness[strangest] > LEAST_SURPRISE]:
        probabilities = event_probabilities(case.model, case.tokens, int(position))
        own = float(probabilities[case.tokens[position]])
        if reasons and own > np.exp(-LEAST_SURPRISE):  # alone it is likelier than hidden together with others
            continue
        says = f"Given the rest of the session, a line like this has a probability of {_percent(own)} here."
        detail = {"probability": own, "expected": _expected(case.model, probabilities, int(case.tokens[position]))}
        reasons.append(Reason(says, int(position) - 1, detail=detail))
    return reasons


def _missing(case: _Case) -> list[Reason]:
    strangeness = np.nan_to_num(case.evidence.surprise.gap_T, nan=-np.inf)
    position = int(np.argmax(strangeness))
    probabilities = gap_probabilities(case.model, case.tokens, position)
    missing = 1 - float(probabilities[NOTHING])
    detail = {"probability": missing, "expected": _expected(case.model, probabilities, NOTHING)}
    says = f"With a probability of {_percent(missing)} a line is missing after this one."
    if position == 1:
        says = f"With a probability of {_percent(missing)} a line is missing before this one, the first."
    return _misplaced(case, position, probabilities, NOTHING) or [
        Reason(says, max(0, position - 2), after=True, detail=detail)
    ]


def _early_end(case: _Case) -> list[Reason]:
    end = len(case.tokens) - 1
    probabilities = event_probabilities(case.model, case.tokens, end)
    own = float(probabilities[END])
    says = f"That a session ends after this line has a probability of {_percent(own)}, given the lines before it."
    detail = {"probability": own, "expected": _expected(case.model, probabilities, END)}
    return _misplaced(case, end, probabilities, END) or [Reason(says, end - 2, after=True, detail=detail)]


def _misplaced(case: _Case, position: int, probabilities: NDArray[np.float64], own: int) -> list[Reason]:
    """Where what is expected before `position` stands elsewhere, and moved here would leave nothing strange: that."""
    expected = int(np.argmax(np.where(np.arange(len(probabilities)) == own, -np.inf, probabilities)))
    places = np.flatnonzero(case.tokens == expected)
    if not len(places) or expected in _MARKS:
        return []
    place = int(places[np.argmin(np.abs(places - position))])
    order = np.insert(np.delete(np.arange(len(case.tokens)), place), position - (place < position), place)
    if judge_sessions(case.model, from_sequences([case.tokens[order]]), case.evidence.gaps_T[order])[2][0].anomalous:
        return []
    lines = position - place - 1 if place < position else place - position
    says = f"This line stands in the wrong place: {lines} {'line' if lines == 1 else 'lines'} "
    says += f"{'later' if place < position else 'earlier'} nothing would be strange."
    return [Reason(says, place - 1)]


def _transition(case: _Case) -> list[Reason]:
    surprise = np.nan_to_num(transition_surprise(case.model, case.evidence.sessions), nan=-np.inf)
    position = int(np.argmax(surprise))
    before, after = int(case.tokens[position - 1]), int(case.tokens[position])
    probability = float(np.exp(-surprise[position]))
    detail = {"probability": probability}
    if after == END:
        says = f"After a line like this, a session ends with a probability of {_percent(probability)}."
        return [Reason(says, position - 2, after=True, detail=detail)]
    where = "at the beginning of a session" if before == BEGIN else f"after “{_name(case.model, before)}”"
    return [
        Reason(f"A line like this has a probability of {_percent(probability)} {where}.", position - 1, detail=detail)
    ]


def _repeated(case: _Case) -> list[Reason]:
    token, times, most = most_repeated(case.model, case.tokens)
    says = f"A line like this occurs {times} times; no normal session has more than {most}."
    return [Reason(says, _in_longest_run(case.tokens, token), detail={"times": times, "most_normal_times": most})]


def _order(case: _Case) -> list[Reason]:
    pair = strangest_order(case.model, case.tokens)
    second = _name(case.model, pair.second)
    says = f"In {_percent(pair.share)} of the normal sessions with both lines, this one is before “{second}”"
    if pair.alike:
        so = "none has" if not pair.alike_so else f"only {pair.alike_so:,} have"
        says += f", and of the {pair.alike:,} with just the kinds of lines that this session has {so} it so"
    return [Reason(f"{says}.", _first(case.tokens, pair.first), detail={"probability": float(np.exp(-pair.surprise))})]


def _context(case: _Case) -> list[Reason]:
    found = strangest_context(case.model, case.tokens, case.evidence.gaps_T)
    second, other = _name(case.model, found.second), _name(case.model, found.other)
    so = f"only {found.alike_so:,}" if found.alike_so else "none"
    says = f"In {_percent(found.share)} of the normal sessions with both lines, this one is before “{second}”, but in "
    has = "have" if found.with_other else "lack"
    says += f"{so} of the {found.alike:,} that {has} “{other}”, as this session does."
    detail = {"probability": float(np.exp(-found.surprise))}
    return [Reason(says, _first(case.tokens, found.first), detail=detail)]


def _companion(case: _Case) -> list[Reason]:
    pair = strangest_absence(case.model, case.tokens)
    probability = float(np.exp(-pair.surprise))
    second = _name(case.model, pair.second)
    says = f"In only {_percent(probability)} of the sessions with this line, “{second}” is missing."
    detail = {"probability": probability, "missing": [_counted(case.model, pair.second, 1)], "extra": []}
    return [Reason(says, _first(case.tokens, pair.first), after=True, detail=detail)]


def _gap(case: _Case) -> list[Reason]:
    surprise = np.nan_to_num(gap_surprise(case.model, case.evidence.sessions, case.evidence.gaps_T), nan=-np.inf)
    position = int(np.argmax(surprise))
    before, after = int(case.tokens[position - 1]), int(case.tokens[position])
    gap_ms, normal = float(case.evidence.gaps_T[position]), normal_times(case.model, before, after)
    where = f"after “{_name(case.model, before)}”" if normal.pair else "after another"
    as_long = f"it took {_time(normal.longest_ms)} at most"
    if normal.longest_ms >= gap_ms:
        as_long = "it hardly ever took so long"
    says = f"This line came {_time(gap_ms)} after the one before it; the {normal.number:,} times that normal sessions "
    says += f"have it {where}, {as_long}."
    detail = {"gap_ms": gap_ms, "most_normal_ms": normal.longest_ms, "normal_times": normal.number}
    return [Reason(says, position - 1, since=position - 2, detail=detail)]


def _burst(case: _Case) -> list[Reason]:
    if case.evidence.bursts is None:
        return []
    token, crowd, span_ms = (column_S[0] for column_S in case.evidence.bursts[1:])
    shortest_ms, in_all = normal_crowd(case.model, int(token), int(crowd))
    normal = f"only {in_all:,} had one at all"
    if in_all >= crowd:
        normal = f"so many never did in less than {_time(shortest_ms)}"
    says = f"{crowd} sessions with a line like this, this one among them, ended within {_time(float(span_ms))}; in the "
    says += f"training period {normal}."
    detail = {
        "crowd": int(crowd),
        "span_ms": float(span_ms),
        "least_normal_span_ms": shortest_ms,
        "normal_sessions": in_all,
    }
    return [Reason(says, _first(case.tokens, int(token)), detail=detail)]


def _counts(case: _Case) -> list[Reason]:
    """What the most similar normal session has more or less of; lines that are named already are left out.

    A session that may go on is compared with the beginning of a normal one, and without a clock nothing is missing.
    """
    model, tokens = case.model, case.tokens
    nearest = nearest_so_far(model, case.evidence.sessions, case.evidence.gaps_T)
    if nearest.distance_S[0] > NOTHING_IN_COMMON:
        return [Reason("No normal session has a line in common with this one.")]
    normal = model.normal[int(nearest.row_S[0])][: nearest.length_S[0]]
    difference = _counts_of(model, case.evidence.sessions) - _counts_of(model, from_sequences([normal]))
    largest_first = [int(token) for token in np.argsort(-np.abs(difference), kind="stable")]
    missing = [
        _counted(model, token, -int(difference[token]))
        for token in largest_first
        if difference[token] < 0 and nearest.lacks_S[0]
    ]
    extra = [
        _counted(model, token, int(difference[token])) | {"position": _in_longest_run(tokens, token)}
        for token in largest_first
        if difference[token] > 0 and not case.named.issuperset((np.flatnonzero(tokens == token) - 1).tolist())
    ]
    parts = [
        f"{amount} {'line is' if amount == 1 else 'lines are'} {word}"
        for items, word in ((missing, "missing"), (extra, "too many"))
        if (amount := sum(item["count"] for item in items))
    ]
    if not parts:
        return []
    says = f"Compared with the most similar normal session, {' and '.join(parts)}"
    if are_open(case.evidence.sessions)[0]:
        says += " so far, whatever may still come"
    detail = {"missing": missing[:SHOWN_TEMPLATES], "extra": extra[:SHOWN_TEMPLATES]}
    if extra or not missing:
        return [Reason(f"{says}.", detail=detail)]
    before = _before_missing(tokens, normal)
    return [Reason(f"{says}, from this line on.", max(0, before - 1), after=True, detail=detail)]


def _first(tokens: Tokens, token: int) -> int:
    """The place of the first such token among the events."""
    return int(np.argmax(tokens == token)) - 1


def _in_longest_run(tokens: Tokens, token: int) -> int:
    """The place among the events of the last such token in the longest unbroken run of them, of equals the latest."""
    places = np.nonzero(tokens == token)[0]
    runs = np.split(places, np.nonzero(np.diff(places) > 1)[0] + 1)
    return int(max(reversed(runs), key=len)[-1]) - 1


def _before_missing(tokens: Tokens, normal: Tokens) -> int:
    """The place of the token after which a session first lacks something that a normal one has."""
    matcher = SequenceMatcher(None, tokens.tolist(), normal.tolist(), autojunk=False)
    lacks = (here for kind, here, _, there, stop in matcher.get_opcodes() if kind != "equal" and stop > there)
    return next(lacks, 1) - 1


_REASONS: dict[str, Callable[[_Case], list[Reason]]] = {
    "unseen_event": _unseen,
    "rare_event": _rare,
    "masked_event": _masked,
    "missing_event": _missing,
    "early_end": _early_end,
    "transition": _transition,
    "event_counts": _counts,
    "repeated_event": _repeated,
    "event_order": _order,
    "companion": _companion,
    "context_order": _context,
    "burst": _burst,
    "time_gap": _gap,
}


def _one_per_event(reasons: list[Reason], events: Sequence[int]) -> list[Reason]:
    """Lines of one template that a detector objects to are one reason, at the first of them, with their number."""
    first: dict[int | None, Reason] = {}
    times: Counter[int | None] = Counter()
    for reason in reasons:
        event = None if reason.position is None else events[reason.position]
        first.setdefault(event, reason)
        times[event] += 1
    return [
        reason if times[event] == 1 else replace(reason, detail={**reason.detail, "times": times[event]})
        for event, reason in first.items()
    ]


def _counts_of(model: Model, session: Sessions) -> NDArray[np.float32]:
    row: NDArray[np.float32] = counts(session, model.vocabulary.size)[0]
    return row


def _counted(model: Model, token: int, amount: int) -> dict[str, Any]:
    return {"template": _name(model, token), "count": int(amount)}


def _expected(model: Model, probabilities: NDArray[np.float64], own: int) -> list[dict[str, Any]]:
    likely = [int(token) for token in np.argsort(-probabilities, kind="stable")[: EXPECTED + 1] if token != own]
    return [
        {"template": _name(model, token), "probability": float(probabilities[token])}
        for token in likely[:EXPECTED]
        if probabilities[token] >= LEAST_PROBABILITY
    ]


def _name(model: Model, token: int) -> str:
    """A template's text, or what a mark stands for."""
    return _MARKS.get(token) or model.vocabulary.name(token)


_MARKS = {NOTHING: "(no line)", END: "(end of the session)", UNSEEN: "(a line never seen before)"}


def _time(milliseconds: float) -> str:
    """A time in the unit that people would use."""
    for unit, length in (("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if milliseconds >= 2 * length or (unit == "s" and milliseconds >= length):
            return f"{milliseconds / length:.1f} {unit}"
    return f"{milliseconds:.0f} ms"


def _percent(probability: float) -> str:
    if probability > 0.99:
        return "more than 99 %"
    return "less than 0.01 %" if probability < 0.0001 else f"{100 * probability:.2g} %"

"""Why a session is anomalous: the lines, what was expected instead, what is missing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.artifact import Model
from isang.detection.decisions import Judged, tails
from isang.detection.scores import DETECTORS, counts, nearest_normal, transition_surprise
from isang.detection.surprise import event_probabilities, gap_probabilities, surprise
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

    detector: str
    p_value: float
    """How rare a score like this is among normal sessions."""
    says: str
    """One plain sentence."""
    position: int | None = None
    """0-based place among the session's events; None where the reason is no single event."""
    detail: dict[str, Any] = field(default_factory=dict)


def explain(model: Model, judged: Judged, index: int, events: Sequence[int], most: int) -> list[Reason]:
    """The reasons for session `index` of `judged`, at most `most`; `events` are its event ids in the dataset.

    A detector speaks where its own p-value is within its share of the alert budget. They take turns, so that each has
    its strongest reason heard, and a line that one has named is not named again by the next.
    """
    tokens = judged.sessions[index]
    given: list[list[Reason]] = []
    named: set[int] = set()
    part = model.config.detection.alerts_per_thousand / 1000 / len(DETECTORS)
    for detector, tail, p_value in zip(DETECTORS, tails(model), judged.p_values_DS[:, index], strict=True):
        if p_value <= tail.share(part):
            reasons = _one_per_event(_REASONS[detector.name](model, tokens, float(p_value)), events)
            given.append([reason for reason in reasons if reason.position is None or reason.position not in named])
            named |= {reason.position for reason in reasons if reason.position is not None}
    in_turn = [reason for turn in zip_longest(*given) for reason in turn if reason is not None]
    return in_turn[:most]


def _unseen(model: Model, tokens: Tokens, p_value: float) -> list[Reason]:
    says = "No session of the training period has a line like this."
    return [Reason("unseen_event", p_value, says, int(place) - 1) for place in np.nonzero(tokens == UNSEEN)[0]]


def _masked(model: Model, tokens: Tokens, p_value: float) -> list[Reason]:
    strangeness = np.nan_to_num(surprise(model, from_sequences([tokens])).event_T, nan=-np.inf)
    strangest = np.argsort(-strangeness, kind="stable")[:STRANGEST_EVENTS]
    reasons = []
    for position in strangest[strangeness[strangest] > LEAST_SURPRISE]:
        probabilities = event_probabilities(model, tokens, int(position))
        own = float(probabilities[tokens[position]])
        says = f"Given the rest of the session, a line like this has a probability of {_percent(own)} here."
        detail = {"probability": own, "expected": _expected(model, probabilities, int(tokens[position]))}
        reasons.append(Reason("masked_event", p_value, says, int(position) - 1, detail))
    return reasons


def _missing(model: Model, tokens: Tokens, p_value: float) -> list[Reason]:
    strangeness = np.nan_to_num(surprise(model, from_sequences([tokens])).gap_T, nan=-np.inf)
    position = int(np.argmax(strangeness))
    probabilities = gap_probabilities(model, tokens, position)
    missing = 1 - float(probabilities[NOTHING])
    where = _after(model, int(tokens[position - 1])) + _before(model, int(tokens[position]))
    says = f"With a probability of {_percent(missing)} a line is missing {where}."
    detail = {"probability": missing, "expected": _expected(model, probabilities, NOTHING)}
    return [Reason("missing_event", p_value, says, None, detail)]


def _early_end(model: Model, tokens: Tokens, p_value: float) -> list[Reason]:
    probabilities = event_probabilities(model, tokens, len(tokens) - 1)
    own = float(probabilities[END])
    says = f"That a session ends after this line has a probability of {_percent(own)}, given the lines before it."
    detail = {"probability": own, "expected": _expected(model, probabilities, END)}
    return [Reason("early_end", p_value, says, len(tokens) - 3, detail)]


def _transition(model: Model, tokens: Tokens, p_value: float) -> list[Reason]:
    surprise = np.nan_to_num(transition_surprise(model, from_sequences([tokens])), nan=-np.inf)
    position = int(np.argmax(surprise))
    before, after = int(tokens[position - 1]), int(tokens[position])
    probability = float(np.exp(-surprise[position]))
    if after == END:
        says = f"Only {_percent(probability)} of the sessions end after this line."
        return [Reason("transition", p_value, says, position - 2, {"probability": probability})]
    says = f"A line like this has a probability of {_percent(probability)} {_after(model, before)}."
    return [Reason("transition", p_value, says, position - 1, {"probability": probability})]


def _counts(model: Model, tokens: Tokens, p_value: float) -> list[Reason]:
    session = from_sequences([tokens])
    distance, nearest = nearest_normal(model, session)
    if distance[0] > NOTHING_IN_COMMON:
        return [Reason("event_counts", p_value, "No normal session has a line in common with this one.")]
    normal = model.normal.take(nearest)
    difference = (_counts_of(model, session) - _counts_of(model, normal)).astype(int)
    missing = [_counted(model, token, -amount) for token, amount in enumerate(difference) if amount < 0]
    extra = [
        _counted(model, token, amount) | {"position": int(np.nonzero(tokens == token)[0][-1]) - 1}
        for token, amount in enumerate(difference)
        if amount > 0
    ]
    parts = [
        f"{amount} {'line is' if amount == 1 else 'lines are'} {word}"
        for items, word in ((missing, "missing"), (extra, "too many"))
        if (amount := sum(item["count"] for item in items))
    ]
    says = f"Compared with the most similar normal session, {' and '.join(parts)}."
    detail = {"missing": missing[:SHOWN_TEMPLATES], "extra": extra[:SHOWN_TEMPLATES]}
    return [Reason("event_counts", p_value, says, None, detail)] if parts else []


_REASONS = {
    "unseen_event": _unseen,
    "masked_event": _masked,
    "missing_event": _missing,
    "early_end": _early_end,
    "transition": _transition,
    "event_counts": _counts,
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


def _after(model: Model, token: int) -> str:
    return "at the beginning of a session" if token == BEGIN else f"after “{_name(model, token)}”"


def _before(model: Model, token: int) -> str:
    return " and before its end" if token == END else f" and before “{_name(model, token)}”"


def _name(model: Model, token: int) -> str:
    """A template's text, or what a mark stands for."""
    return _MARKS.get(token) or model.vocabulary.name(token)


_MARKS = {NOTHING: "(no line)", END: "(end of the session)", UNSEEN: "(a line never seen before)"}


def _percent(probability: float) -> str:
    return "less than 0.01 %" if probability < 0.0001 else f"{100 * probability:.2g} %"

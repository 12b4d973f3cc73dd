"""Shared parts of the sentences of reasons: names of tokens, numbers in words, positions of lines."""

from typing import Any

import numpy as np

from isang.artifact import Model
from isang.model.batches import Floats, Tokens
from isang.model.vocabulary import END, NOTHING, UNSEEN

EXPECTED = 3
"""Maximum number of alternatives named for a surprising event."""
LEAST_PROBABILITY = 0.005
"""Minimum probability for an alternative to be named."""
MARKS_IN_WORDS = {NOTHING: "(no line)", END: "(end of the session)", UNSEEN: "(a line never seen before)"}


def name_of(model: Model, token: int) -> str:
    """A template's text, or the meaning of a special token."""
    return MARKS_IN_WORDS.get(token) or model.vocabulary.name(token)


def counted(model: Model, token: int, amount: int) -> dict[str, Any]:
    """A template and a number of its lines."""
    return {"template": name_of(model, token), "count": int(amount)}


def expected_instead(model: Model, probabilities_V: Floats, own: int) -> list[dict[str, Any]]:
    """The likeliest other answers and their probabilities."""
    likely = [int(token) for token in np.argsort(-probabilities_V, kind="stable")[: EXPECTED + 1] if token != own]
    return [
        {"template": name_of(model, token), "probability": float(probabilities_V[token])}
        for token in likely[:EXPECTED]
        if probabilities_V[token] >= LEAST_PROBABILITY
    ]


def first_place(tokens: Tokens, token: int) -> int:
    """The index of the first such token among the events."""
    return int(np.argmax(tokens == token)) - 1


def in_longest_run(tokens: Tokens, token: int) -> int:
    """The index among the events of the last such token in the longest unbroken run; the latest run if several."""
    places = np.nonzero(tokens == token)[0]
    runs = np.split(places, np.nonzero(np.diff(places) > 1)[0] + 1)
    return int(max(reversed(runs), key=len)[-1]) - 1


def duration(milliseconds: float) -> str:
    """A time in a convenient unit."""
    for unit, length in (("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if milliseconds >= 2 * length or (unit == "s" and milliseconds >= length):
            return f"{milliseconds / length:.1f} {unit}"
    return f"{milliseconds:.0f} ms"


def percent(probability: float) -> str:
    """A probability in per cent."""
    if probability > 0.99:
        return "more than 99 %"
    return "less than 0.01 %" if probability < 0.0001 else f"{100 * probability:.2g} %"


def percent_ko(probability: float) -> str:
    """The same in Korean."""
    if probability > 0.99:
        return "99 % 이상"
    return "0.01 % 미만" if probability < 0.0001 else f"{100 * probability:.2g} %"


def number_of(having: int, of: int) -> str:
    """The number of normal sessions as the beginning of a sentence, without its verb."""
    return f"None of {of:,} normal sessions" if not having else f"Only {having:,} of {of:,} normal sessions"


def number_of_ko(having: int, of: int) -> str:
    """The same in Korean, as the end of a sentence whose subject is the sessions."""
    return f"정상 세션 {of:,}개 가운데 " + (f"{having:,}개뿐입니다." if having else "하나도 없습니다.")

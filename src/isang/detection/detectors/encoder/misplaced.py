"""Whether an event that is missing at one position occurs at another."""

from dataclasses import replace

import numpy as np

from isang.detection.detectors.contract import Case, Reason
from isang.detection.detectors.sentences import MARKS_IN_WORDS
from isang.model.batches import Floats, from_sequences


def misplaced(case: Case, position: int, probabilities_V: Floats, own: int) -> list[Reason]:
    """A reason if the event expected before `position` occurs elsewhere and moving it here would leave no anomaly.

    `own` is the token at `position`; the encoder's expectations there are `probabilities_V`.
    """
    expected = int(np.argmax(np.where(np.arange(len(probabilities_V)) == own, -np.inf, probabilities_V)))
    places = np.flatnonzero(case.tokens == expected)
    if not len(places) or expected in MARKS_IN_WORDS:
        return []
    place = int(places[np.argmin(np.abs(places - position))])
    order = np.insert(np.delete(np.arange(len(case.tokens)), place), position - (place < position), place)
    timed = case.evidence.timed
    tokens, gaps_T, loudness_T = from_sequences([case.tokens[order]]), timed.gaps_T[order], timed.loudness_T[order]
    if case.is_anomalous(replace(timed, tokens=tokens, gaps_T=gaps_T, loudness_T=loudness_T).apart()):
        return []
    lines = position - place - 1 if place < position else place - position
    says = f"This line is out of place: {lines} {'line' if lines == 1 else 'lines'} "
    says += f"{'later' if place < position else 'earlier'} it would be normal."
    says_ko = f"이 줄은 제자리에 있지 않습니다. {lines}줄 {'뒤' if place < position else '앞'}에 있었다면 정상입니다."
    return [Reason(says, place - 1, says_ko=says_ko)]

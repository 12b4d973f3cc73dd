"""Events that occur together."""

import numpy as np

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.open_ends import are_open
from isang.detection.detectors.order.event_pairs import strangest_absence
from isang.detection.detectors.sentences import counted, first_place, name_of, percent, percent_ko
from isang.model.batches import Floats


class Companion(DetectorDefaults):
    """Finds an event that is absent although its constant companion is present."""

    name = "companion"

    def score(self, evidence: Evidence) -> Floats:
        """Surprise at the absence of an event given its companion, in nats; 0 for a session that may continue."""
        scores = evidence.of_each(lambda tokens: strangest_absence(evidence.fitted, tokens).surprise)
        return np.where(are_open(evidence.sessions), 0.0, scores)

    def reasons(self, case: Case) -> list[Reason]:
        """The line whose companion is missing."""
        pair = strangest_absence(case.model.fitted, case.tokens)
        probability = float(np.exp(-pair.surprise))
        second = name_of(case.model, pair.second)
        says = f"“{second}” is missing: only {percent(probability)} of the sessions with this line lack it."
        says_ko = f"“{second}” 줄이 없습니다. 이 줄이 있는 세션 중 그 줄이 없는 것은 {percent_ko(probability)}뿐입니다."
        detail = {"probability": probability, "missing": [counted(case.model, pair.second, 1)], "extra": []}
        return [Reason(says, first_place(case.tokens, pair.first), after=True, detail=detail, says_ko=says_ko)]

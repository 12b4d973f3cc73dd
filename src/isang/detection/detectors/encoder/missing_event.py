"""Gaps in which the encoder expects an event."""

import numpy as np

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.encoder.masked_model import gap_probabilities
from isang.detection.detectors.encoder.misplaced import misplaced
from isang.detection.detectors.sentences import expected_instead, percent, percent_ko
from isang.model.batches import Floats
from isang.model.vocabulary import NOTHING


class MissingEvent(DetectorDefaults):
    """Finds a gap between two events in which the encoder expects another event."""

    name = "missing_event"
    learned = True
    asks_encoder = True

    def score(self, evidence: Evidence) -> Floats:
        """Evidence that something is missing in the most surprising gap between two events, in nats."""
        return evidence.highest(evidence.surprise.gap_T)

    def reasons(self, case: Case) -> list[Reason]:
        """The line before the gap, and what is expected in it."""
        strangeness = np.nan_to_num(case.evidence.surprise.gap_T, nan=-np.inf)
        position = int(np.argmax(strangeness))
        probabilities = gap_probabilities(case.model, case.tokens, position)
        missing = 1 - float(probabilities[NOTHING])
        detail = {"probability": missing, "expected": expected_instead(case.model, probabilities, NOTHING)}
        says = f"A line seems to be missing after this one (probability {percent(missing)})."
        says_ko = f"이 줄 다음에 있어야 할 줄이 빠진 것 같습니다(확률 {percent_ko(missing)})."
        if position == 1:
            says = "The session starts in the middle: another line comes before this one "
            says += f"in {percent(missing)} of such sessions."
            says_ko = "세션이 중간부터 시작합니다. 이런 세션에서 이 줄 앞에 다른 줄이 있을 "
            says_ko += f"확률은 {percent_ko(missing)}입니다."
        return misplaced(case, position, probabilities, NOTHING) or [
            Reason(says, max(0, position - 2), after=True, detail=detail, says_ko=says_ko)
        ]

"""Lines whose template is in no normal session."""

import numpy as np

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.model.batches import Floats
from isang.model.vocabulary import UNSEEN


class UnseenEvent(DetectorDefaults):
    """Finds a line that was never seen before; if new lines are common, only one that reports a failure stands out.

    In a log with new quiet lines every day, another one means little. How common they are is measured on the held-out
    stretch of the training period, in which sessions with a new quiet line count as normal.
    """

    name = "unseen_event"
    unit = "loudness of a new line"
    least_scale = 0.25
    allowance = 0.0
    learned = True
    timed = True
    tested = False
    unsuspicious = 1.0

    def score(self, evidence: Evidence) -> Floats:
        """0 if all templates are known; else 1 plus the loudness of the loudest new line, at most 4."""
        loud_T = 1.0 + evidence.timed.loudness_T
        return evidence.highest(np.where(evidence.sessions.flat == UNSEEN, loud_T, 0.0))

    def reasons(self, case: Case) -> list[Reason]:
        """Each such line, the loudest first."""
        says = "No session of the training period has a line like this."
        places = np.nonzero(case.tokens == UNSEEN)[0]
        loudest = places[np.argsort(-case.evidence.timed.loudness_T[places].astype(np.int64), kind="stable")]
        says_ko = "학습 기간의 세션에는 이런 줄이 하나도 없습니다."
        return [Reason(says, int(place) - 1, says_ko=says_ko) for place in loudest]

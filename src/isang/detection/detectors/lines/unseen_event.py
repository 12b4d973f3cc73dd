"""Lines whose template no normal session has."""

import numpy as np

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.model.batches import Floats
from isang.model.vocabulary import UNSEEN


class UnseenEvent(DetectorDefaults):
    """Finds a line that was never seen before; one that tells of a failure stands out where other new ones are usual.

    A log in which quiet lines are new every day says little by another one; how often that is, the held-out stretch of
    its training period tells, in which the sessions with a quiet one are as normal as any.
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
        """0 where every line's template is known; else 1 and the loudness of the loudest new line, at most 4."""
        loud_T = 1.0 + evidence.timed.loudness_T
        return evidence.highest(np.where(evidence.sessions.flat == UNSEEN, loud_T, 0.0))

    def reasons(self, case: Case) -> list[Reason]:
        """Each such line, the loudest first."""
        says = "No session of the training period has a line like this."
        places = np.nonzero(case.tokens == UNSEEN)[0]
        loudest = places[np.argsort(-case.evidence.timed.loudness_T[places].astype(np.int64), kind="stable")]
        says_ko = "학습 기간의 세션에는 이런 줄이 하나도 없습니다."
        return [Reason(says, int(place) - 1, says_ko=says_ko) for place in loudest]

"""Lines whose template no normal session has."""

import numpy as np

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.model.batches import Floats
from isang.model.vocabulary import UNSEEN


class UnseenEvent(DetectorDefaults):
    """Finds a line that was never seen before."""

    name = "unseen_event"
    unit = "lines"
    least_scale = 0.25
    allowance = 0.0
    learned = True

    def score(self, evidence: Evidence) -> Floats:
        """1 where an event's template is one that the training sessions never had, else 0."""
        return evidence.highest((evidence.sessions.flat == UNSEEN).astype(np.float64))

    def reasons(self, case: Case) -> list[Reason]:
        """Each such line."""
        says = "No session of the training period has a line like this."
        return [Reason(says, int(place) - 1) for place in np.nonzero(case.tokens == UNSEEN)[0]]

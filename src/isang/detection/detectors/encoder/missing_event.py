"""Gaps in which the encoder expects an event."""

import numpy as np

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.encoder.masked_model import gap_probabilities
from isang.detection.detectors.encoder.misplaced import misplaced
from isang.detection.detectors.sentences import expected_instead, percent
from isang.model.batches import Floats
from isang.model.vocabulary import NOTHING


class MissingEvent(DetectorDefaults):
    """Finds a gap between two events in which the encoder expects another."""

    name = "missing_event"
    learned = True
    asks_encoder = True

    def score(self, evidence: Evidence) -> Floats:
        """How surely something is missing in the strangest gap between two events, in nats."""
        return evidence.highest(evidence.surprise.gap_T)

    def reasons(self, case: Case) -> list[Reason]:
        """The line before the gap, and what is expected in it."""
        strangeness = np.nan_to_num(case.evidence.surprise.gap_T, nan=-np.inf)
        position = int(np.argmax(strangeness))
        probabilities = gap_probabilities(case.model, case.tokens, position)
        missing = 1 - float(probabilities[NOTHING])
        detail = {"probability": missing, "expected": expected_instead(case.model, probabilities, NOTHING)}
        says = f"With a probability of {percent(missing)} a line is missing after this one."
        if position == 1:
            says = f"With a probability of {percent(missing)} a line is missing before this one, the first."
        return misplaced(case, position, probabilities, NOTHING) or [
            Reason(says, max(0, position - 2), after=True, detail=detail)
        ]

"""Events that the encoder does not expect at their positions."""

import numpy as np

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.encoder.masked_model import event_probabilities
from isang.detection.detectors.sentences import expected_instead, percent, percent_ko
from isang.model.batches import Floats

STRANGEST_EVENTS = 3
"""Maximum number of events named in reasons."""
LEAST_SURPRISE = 1.0
"""Minimum surprise in nats for an event to be named."""


class MaskedEvent(DetectorDefaults):
    """Finds an event that the encoder gives a low probability when it is hidden."""

    name = "masked_event"
    learned = True
    asks_encoder = True

    def score(self, evidence: Evidence) -> Floats:
        """Negative log-likelihood of the most surprising event, each hidden from the encoder in turn, in nats."""
        return evidence.highest(evidence.surprise.event_T)

    def reasons(self, case: Case) -> list[Reason]:
        """The most surprising lines, and what was expected instead."""
        strangeness = np.nan_to_num(case.evidence.surprise.event_T, nan=-np.inf)
        strangest = np.argsort(-strangeness, kind="stable")[:STRANGEST_EVENTS]
        reasons: list[Reason] = []
        for position in strangest[strangeness[strangest] > LEAST_SURPRISE]:
            probabilities = event_probabilities(case.model, case.tokens, int(position))
            token = int(case.tokens[position])
            own = float(probabilities[token])
            if reasons and own > np.exp(-LEAST_SURPRISE):  # it is likelier when hidden alone than together with others
                continue
            says = f"Not expected here: the rest of the session gives a line like this a probability of {percent(own)}."
            says_ko = (
                f"여기에 예상한 줄이 아닙니다. 세션의 나머지 줄로 보면 이런 줄이 올 확률은 {percent_ko(own)}입니다."
            )
            detail = {"probability": own, "expected": expected_instead(case.model, probabilities, token)}
            reasons.append(Reason(says, int(position) - 1, detail=detail, says_ko=says_ko))
        return reasons

"""Session ends that the encoder does not expect."""

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.encoder.masked_model import event_probabilities
from isang.detection.detectors.encoder.misplaced import misplaced
from isang.detection.detectors.sentences import expected_instead, percent, percent_ko
from isang.model.batches import Floats
from isang.model.vocabulary import END


class EarlyEnd(DetectorDefaults):
    """Finds a session that ends where the encoder expects it to continue."""

    name = "early_end"
    least_scale = 1.0
    allowance = 3.0
    learned = True
    asks_encoder = True

    def score(self, evidence: Evidence) -> Floats:
        """Negative log-likelihood that the session ends where it does, in nats; 0 for one that may continue."""
        return evidence.highest(evidence.surprise.end_T)

    def reasons(self, case: Case) -> list[Reason]:
        """The last line, and what is expected after it."""
        end = len(case.tokens) - 1
        probabilities = event_probabilities(case.model, case.tokens, end)
        own = float(probabilities[END])
        says = f"The session stops too early: after lines like these it ends here in {percent(own)} of cases."
        says_ko = f"세션이 너무 일찍 끝났습니다. 앞의 줄들로 보면 여기서 끝날 확률은 {percent_ko(own)}입니다."
        detail = {"probability": own, "expected": expected_instead(case.model, probabilities, END)}
        return misplaced(case, end, probabilities, END) or [
            Reason(says, end - 2, after=True, detail=detail, says_ko=says_ko)
        ]

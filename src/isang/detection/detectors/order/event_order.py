"""The order of two events."""

import numpy as np

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.order.event_pairs import strangest_order
from isang.detection.detectors.sentences import first_place, name_of, percent, percent_ko
from isang.model.batches import Floats


class EventOrder(DetectorDefaults):
    """Finds two events in an order that does not occur in normal sessions with the same events."""

    name = "event_order"

    def score(self, evidence: Evidence) -> Floats:
        """Surprise at the most unusual order of two events, in nats."""
        return evidence.of_each(lambda tokens: strangest_order(evidence.fitted, tokens).surprise)

    def reasons(self, case: Case) -> list[Reason]:
        """The line that comes too early."""
        pair = strangest_order(case.model.fitted, case.tokens)
        second = name_of(case.model, pair.second)
        says = f"Out of order: this line comes before “{second}”, as in {percent(pair.share)} of the normal sessions "
        says += "with both lines"
        says_ko = (
            f"순서가 다릅니다. 이 줄이 “{second}”보다 먼저 나왔습니다. 두 줄이 모두 있는 정상 세션 중 이런 순서는 "
        )
        says_ko += f"{percent_ko(pair.share)}입니다."
        if pair.alike:
            so = "none" if not pair.alike_so else f"only {pair.alike_so:,}"
            says += f" and in {so} of the {pair.alike:,} with exactly the kinds of lines of this one"
            so_ko = f"{pair.alike_so:,}개뿐입니다" if pair.alike_so else "하나도 없습니다"
            says_ko += f" 이 세션과 줄의 종류가 똑같은 {pair.alike:,}개 중에는 {so_ko}."
        detail = {"probability": float(np.exp(-pair.surprise))}
        return [Reason(f"{says}.", first_place(case.tokens, pair.first), detail=detail, says_ko=says_ko)]

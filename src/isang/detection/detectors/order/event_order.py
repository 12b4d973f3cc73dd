"""Which of two events comes first."""

import numpy as np

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.order.event_pairs import strangest_order
from isang.detection.detectors.sentences import first_place, name_of, percent
from isang.model.batches import Floats


class EventOrder(DetectorDefaults):
    """Finds two events in an order that normal sessions with the same events do not have."""

    name = "event_order"

    def score(self, evidence: Evidence) -> Floats:
        """Surprise of the strangest order of two events, in nats."""
        return evidence.of_each(lambda tokens: strangest_order(evidence.fitted, tokens).surprise)

    def reasons(self, case: Case) -> list[Reason]:
        """The line that comes too early."""
        pair = strangest_order(case.model.fitted, case.tokens)
        second = name_of(case.model, pair.second)
        says = f"In {percent(pair.share)} of the normal sessions with both lines, this one is before “{second}”"
        if pair.alike:
            so = "none has" if not pair.alike_so else f"only {pair.alike_so:,} have"
            says += f", and of the {pair.alike:,} with just the kinds of lines that this session has {so} it so"
        detail = {"probability": float(np.exp(-pair.surprise))}
        return [Reason(f"{says}.", first_place(case.tokens, pair.first), detail=detail)]

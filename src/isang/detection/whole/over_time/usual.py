"""Rare lines that come as often as they always did: no session with one is an incident."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from isang.artifact import Model
from isang.detection.detectors.lines.failure_lines import FailureLines
from isang.detection.detectors.lines.rare_event import RareEvent
from isang.detection.whole.chance import poisson_or_more
from isang.detection.whole.over_time.known_lines import PARTS, length_of, times_of
from isang.detection.whole.over_time.lines import Lines

OF_LINES = (RareEvent.name, FailureLines.name)
"""Detectors to which a session is strange for a line that few sessions have."""
MORE_THAN_USUAL = 0.01
"""Lines come more often than usual if the probability of at least as many is no higher than this."""

SPREAD = 0.5
"""Minimum share of the parts of the training period with a kind of line for it to count as recurring."""


def as_usual(model: Model, lines: Lines) -> Callable[[Mapping[str, Any]], bool]:
    """Whether an anomaly record shows only lines that recurred in the training period and come no more often now.

    A kind of line in one session of 300 is anomalous for a budget of one in 1,000 whenever it comes, but commonplace to
    the reader of the alerts. Such a line was in half of the tenths of the training period, and its number now follows a
    Poisson distribution with its earlier rate.
    """
    if model.lines is None:
        return lambda _: False
    period = float(model.lines["first"][0])
    known = {name: (first * period, gaps) for name, first, gaps in model.lines["series", "first", "gaps"].rows()[1:]}
    times, length, answers = times_of(lines), length_of(lines, model.lines), dict[str, bool]()

    def usual(name: str) -> bool:
        first, gaps = known.get(name, (0.0, []))
        if name not in answers and gaps and period:
            at = first + np.cumsum([0.0, *gaps])
            tenths = len(np.unique(np.minimum(PARTS - 1, (at / period * PARTS).astype(np.int64))))
            chance = poisson_or_more(times.get(name, 0), len(at) * length / period)
            answers[name] = tenths >= SPREAD * PARTS and chance > MORE_THAN_USUAL
        return answers.get(name, False)

    def asked(record: Mapping[str, Any]) -> bool:
        reasons = record["reasons"]
        own = [
            reason["line"]
            for reason in reasons
            if reason["line"] and reason["detector"] in OF_LINES and reason.get("times", 1) == 1
        ]
        return (
            bool(own)
            and len(own) == len(reasons)
            and all(not line.get("never_seen") and usual(line.get("taken_for") or line["template"]) for line in own)
        )

    return asked

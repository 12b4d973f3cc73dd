"""Many sessions that are each slightly unusual: few held-out sessions cannot expose one of them, but may expose all.

Shapes: D detectors, S judged sessions.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

import numpy as np
from numpy.typing import NDArray

from isang.artifact import Model
from isang.detection.anomalies import Located, records
from isang.detection.causes.symptoms import lead
from isang.detection.causes.titles import IncidentFacts, title
from isang.detection.detectors import detectors_of
from isang.detection.detectors.time.burst import Burst
from isang.detection.incidents import Incident
from isang.detection.threshold.calibration import ScoreTail
from isang.detection.threshold.decisions import Judged, speaking_limits_at, tails
from isang.detection.whole.entries import TOLD, incident_of_logs, severity_of
from isang.model.batches import Floats

LEAST_SESSIONS = 3
SELDOM = 0.1
"""The highest score of the held-out sessions is strange where no more than this share of them has it."""
OF_CROWDS = (Burst.name,)
"""Detectors that judge a session by its neighbours: one crowd is one anomaly, however many sessions it has."""
DISPERSION = 2.0
"""Neighbouring sessions are correlated: this many of them count as one."""


@dataclass(frozen=True)
class Many:
    """Sessions that one detector finds as strange as hardly any normal one."""

    detector: int
    """Its number."""
    sessions: NDArray[np.int64]
    """Their places among the judged ones."""
    normal: int
    """Number of held-out normal sessions, of `of`, that are as unusual."""
    of: int
    p_value: float


def many_strange(model: Model, judged: Judged) -> Many | None:
    """Sessions that are unlike any normal stretch only as a whole, none being an alert by itself; None if there are
    none.

    For each detector, the judged sessions (without anomalies) that score higher than all held-out ones, or at least as
    high as the highest, are counted. If nothing has changed, all come from the same distribution, so their number is
    hypergeometric (the precedence test of Nelson 1963); it is corrected for the detectors and both counts (Bonferroni),
    and sessions that come together count as fewer, see DISPERSION. Detectors that raise alerts by themselves, and those
    OF_CROWDS, are left out.
    """
    limits_D = speaking_limits_at(model, model.config.detection.alerts_per_thousand)
    others = np.flatnonzero([not decision.anomalous for decision in judged.decisions])
    found = [
        Many(number, others[places], normal, len(tail.ordered), p_value)
        for number, (detector, tail, scores_S, p_values_S) in enumerate(
            zip(detectors_of(model), tails(model), judged.scores_DS, judged.p_values_DS, strict=True)
        )
        if detector.name not in OF_CROWDS and not (p_values_S <= limits_D[number]).any()
        for places, normal in _strangest(scores_S[others], tail)
        if len(places) >= LEAST_SESSIONS
        if (p_value := 2 * len(limits_D) * as_many(len(places), len(others), normal, len(tail.ordered))) <= TOLD
    ]
    return min(found, key=lambda one: (one.p_value, one.detector), default=None)


def told(model: Model, logs: Located, judged: Judged, many: Many) -> Incident | None:
    """The incident of these sessions, with the reasons for the most unusual of them; None if the detector has none."""
    scores_S = judged.scores_DS[many.detector]
    strangest = int(max(many.sessions, key=lambda place: (scores_S[place], -place)))
    p_values_DS = np.ones_like(judged.p_values_DS)
    p_values_DS[many.detector, strangest] = 0.0
    decisions = [one._replace(anomalous=place == strangest) for place, one in enumerate(judged.decisions)]
    (record,) = records(model, logs, replace(judged, p_values_DS=p_values_DS, decisions=decisions))
    reasons = [
        reason | {"p_value": many.p_value, "as_high": {"normal_sessions": many.normal, "of": many.of}}
        for reason in record["reasons"]
    ]
    if not reasons:
        return None
    symptom = lead(record)
    rows = logs.dataset.sessions[judged.rows[many.sessions]]
    first, last = (cast("datetime | None", time) for time in (rows["start"].min(), rows["end"].max()))
    sources = tuple(rows["source"].unique(maintain_order=True).to_list()) if len(logs.sources) > 1 else ()
    names = IncidentFacts(symptom.kind, symptom.template, len(rows), first, sources, many.normal, many.of)
    score = -math.log10(max(many.p_value, 1e-300))
    return incident_of_logs(
        model, symptom, (title(names, "en"), title(names, "ko")), score, severity_of(score, int(symptom.failure)),
        (first.isoformat() if first else None, last.isoformat() if last else None),
        len(rows), tuple(reasons), sources, counts="sessions",
    )  # fmt: skip


def _strangest(scores_S: Floats, tail: ScoreTail) -> list[tuple[NDArray[np.int64], int]]:
    """(places of sessions, number of normal ones as strange): those beyond the highest normal score, and from it on."""
    highest = tail.ordered[-1]
    as_high = int((tail.ordered >= highest).sum())
    found = [(np.flatnonzero(scores_S > highest + tail.allowance), 0)]
    seldom = as_high <= SELDOM * len(tail.ordered)
    return [*found, (np.flatnonzero(scores_S >= highest), as_high)] if seldom else found


def as_many(strange: int, judged: int, normal: int, of: int) -> float:
    """The probability that at least `strange` of `strange + normal` sessions are among the `judged`, not the normal
    ones.

    To the power of 1 / DISPERSION.
    """
    total = strange + normal
    logs = [
        _log_ways(judged, one) + _log_ways(of, total - one) - _log_ways(judged + of, total)
        for one in range(strange, min(total, judged) + 1)
    ]
    return float(min(1.0, sum(map(math.exp, logs))) ** (1 / DISPERSION))


def _log_ways(number: int, drawn: int) -> float:
    """The logarithm of the number of ways to draw `drawn` of `number`."""
    if drawn > number:
        return -math.inf
    return math.lgamma(number + 1) - math.lgamma(drawn + 1) - math.lgamma(number - drawn + 1)

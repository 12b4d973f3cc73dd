"""Which detectors carry the result, by the anomalies that isang planted into held-out sessions: no label is asked.

Shapes: D detectors, N sessions with a planted anomaly of one kind.
"""

from typing import Any

import numpy as np

from isang.artifact import Model
from isang.detection.detectors import detectors_of
from isang.detection.threshold.decisions import calibration_scores, limits_at, speaking_limits_at, tails

LEAST_GAIN = 0.02
"""An encoder that finds less of what was planted in addition, each kind counting the same, adds nothing."""


def choice(model: Model) -> dict[str, Any] | None:
    """What each detector finds of the planted anomalies within its share of the budget; None where none were planted.

    `detectors`: `name`, `found` (share, the mean over the kinds), `alone` (found by no other), `alerts_per_thousand` of
    held-out normal sessions, `trusts_all_sessions`, `decides` (it finds something that others do not); `found` by all,
    `without_encoder`, and `encoder_adds`, None where the model has none.
    """
    if model.planted is None or model.planted.is_empty():
        return None
    detectors, asked = detectors_of(model), model.config.detection.alerts_per_thousand
    limits_D, decides_D = speaking_limits_at(model, asked), limits_at(model, asked) > 0
    kinds = []
    for kind in model.planted.partition_by("kind", maintain_order=True):
        p_values_DN = np.stack(
            [
                tail.p_values(kind[detector.name].to_numpy())
                for detector, tail in zip(detectors, tails(model), strict=True)
            ]
        )
        kinds.append(p_values_DN <= limits_D[:, None])
    everyday = model.facts.get("trusting_all_sessions", ())
    rows = []
    for place, (detector, tail) in enumerate(zip(detectors, tails(model), strict=True)):
        held_out = tail.p_values(calibration_scores(model, detector.name)) <= limits_D[place]
        rows.append(
            {
                "name": detector.name,
                "found": float(np.mean([found_DN[place].mean() for found_DN in kinds])),
                "alone": float(np.mean([(found_DN[place] & (found_DN.sum(axis=0) == 1)).mean() for found_DN in kinds])),
                "alerts_per_thousand": 1000 * float(held_out.mean()),
                "trusts_all_sessions": detector.name in everyday,
                "decides": bool(decides_D[place]),
            }
        )
    statistical_D = np.array([not detector.asks_encoder for detector in detectors])
    found = float(np.mean([found_DN.any(axis=0).mean() for found_DN in kinds]))
    without = float(np.mean([found_DN[statistical_D].any(axis=0).mean() for found_DN in kinds]))
    return {
        "detectors": sorted(rows, key=lambda row: (-row["alone"], -row["found"])),
        "found": found,
        "without_encoder": without,
        "encoder_adds": None if model.encoder is None else found - without >= LEAST_GAIN,
    }

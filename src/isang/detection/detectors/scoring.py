"""How strange sessions are: one number per session and detector, higher is stranger.

No detector sees a label. Shapes: S sessions, D detectors.
"""

from collections.abc import Sequence

import numpy as np

from isang.detection.detectors.contract import Detector, Evidence
from isang.detection.detectors.timed_sessions import untimed
from isang.errors import InputError
from isang.model.batches import Floats


def score(detector: Detector, evidence: Evidence) -> Floats:
    """Scores of the sessions by one detector, shape S; see `score_all`."""
    scores: Floats = score_all((detector,), evidence)[0]
    return scores


def score_all(detectors: Sequence[Detector], evidence: Evidence) -> Floats:
    """Scores of the sessions by each detector, shape (D, S); equal sessions are scored once, apart from their times."""
    distinct, inverse = evidence.sessions.distinct()
    without_times = Evidence(evidence.model, untimed(distinct, evidence.timed.size))
    return np.stack(
        [
            _checked(detector, detector.score(evidence), len(inverse))
            if detector.timed
            else _checked(detector, detector.score(without_times), len(distinct))[inverse]
            for detector in detectors
        ]
    )


def _checked(detector: Detector, scores_S: Floats, sessions: int) -> Floats:
    scores_S = np.asarray(scores_S, dtype=np.float64)
    if scores_S.shape != (sessions,) or not np.isfinite(scores_S).all():
        raise InputError(
            f"the detector {detector.name} must give {sessions:,} finite scores, one per session; "
            f"it gave an array of shape {scores_S.shape}, {int((~np.isfinite(scores_S)).sum()):,} of them not finite"
        )
    return scores_S

"""Anomaly scores: one number per session and detector, higher is more anomalous.

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


KIND = "scores"
"""The kind under which a session's scores by the token-only detectors are cached."""


def score_all(detectors: Sequence[Detector], evidence: Evidence) -> Floats:
    """Scores of the sessions by each detector, shape (D, S); equal sessions are scored once, except by timed detectors.

    Cached scores of a sequence are not computed again.
    """
    distinct, inverse = evidence.sessions.distinct()
    untimed_detectors = [detector for detector in detectors if not detector.timed]

    of_distinct = np.empty((len(untimed_detectors), len(distinct)))
    if untimed_detectors and len(distinct):
        model, names = evidence.model, evidence.model.answered.names(distinct)
        owner = (model.fitted, model.onnx or model.encoder, *untimed_detectors)
        known = model.answered.known(KIND, owner, names)
        for place, scores_D in known.items():
            of_distinct[:, place] = scores_D
        new = np.array([row for row in range(len(distinct)) if row not in known], dtype=np.int64)
        if len(new):
            asked = distinct if len(new) == len(distinct) else distinct.take(new)
            alone = Evidence(model, untimed(asked, evidence.timed.size))
            for scores_S, detector in zip(of_distinct, untimed_detectors, strict=True):
                scores_S[new] = _checked(detector, detector.score(alone), len(new))
            model.answered.keep(KIND, owner, names, new, of_distinct.T[new])
    of_untimed = iter(of_distinct)
    scores_DS = np.empty((len(detectors), len(inverse)))  # filled row by row, so that nothing is in memory twice
    for detector, scores_S in zip(detectors, scores_DS, strict=True):
        if detector.timed:
            scores_S[:] = _checked(detector, detector.score(evidence), len(inverse))
        else:
            np.take(next(of_untimed), inverse, out=scores_S)
    return scores_DS


def _checked(detector: Detector, scores_S: Floats, sessions: int) -> Floats:
    scores_S = np.asarray(scores_S, dtype=np.float64)
    if scores_S.shape != (sessions,) or not np.isfinite(scores_S).all():
        raise InputError(
            f"the detector {detector.name} must give {sessions:,} finite scores, one per session; "
            f"it gave an array of shape {scores_S.shape}, {int((~np.isfinite(scores_S)).sum()):,} of them not finite"
        )
    return scores_S

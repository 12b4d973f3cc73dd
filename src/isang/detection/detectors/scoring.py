"""How strange sessions are: one number per session and detector, higher is stranger.

No detector sees a label. Shapes: S sessions, D detectors.
"""

from collections.abc import Callable, Sequence

import numpy as np

from isang.detection.detectors.contract import Detector, Evidence
from isang.detection.detectors.timed_sessions import untimed
from isang.errors import InputError
from isang.model.batches import Floats, Rows, Sessions


def score(detector: Detector, evidence: Evidence) -> Floats:
    """Scores of the sessions by one detector, shape S; see `score_all`."""
    scores: Floats = score_all((detector,), evidence)[0]
    return scores


MOST_KNOWN = 20_000
"""Sequences whose scores are kept; beyond it those that were seen longest ago are forgotten."""


class KnownScores:
    """What detectors that look at tokens alone gave for sequences before: growing logs bring the same ones again."""

    def __init__(self) -> None:
        self._scores: dict[bytes, Floats] = {}

    def of(self, sessions: Sessions, score: Callable[[Rows], Floats]) -> Floats:
        """Scores of shape (D, S); `score` is asked for those of the rows that are not known, shape (D, rows)."""
        names = [sessions[row].tobytes() for row in range(len(sessions))]
        new = [row for row, name in enumerate(names) if name not in self._scores]
        if new:
            of_new = score(np.array(new, dtype=np.int64))
            self._scores.update((names[row], of_new[:, place]) for place, row in enumerate(new))
        found = np.stack([self._scores[name] for name in names], axis=1)
        for name in names:
            self._scores[name] = self._scores.pop(name)
        while len(self._scores) > MOST_KNOWN:
            del self._scores[next(iter(self._scores))]
        return found


def score_all(detectors: Sequence[Detector], evidence: Evidence, known: KnownScores | None = None) -> Floats:
    """Scores of the sessions by each detector, shape (D, S); equal sessions are scored once, apart from their times.

    `known`: of the same model and detectors.
    """
    distinct, inverse = evidence.sessions.distinct()
    untimed_detectors = [detector for detector in detectors if not detector.timed]

    def without_times(rows: Rows) -> Floats:
        asked = distinct if len(rows) == len(distinct) else distinct.take(rows)
        alone = Evidence(evidence.model, untimed(asked, evidence.timed.size))
        scores = [_checked(detector, detector.score(alone), len(rows)) for detector in untimed_detectors]
        return np.stack(scores) if scores else np.zeros((0, len(rows)))

    everything = np.arange(len(distinct), dtype=np.int64)
    of_distinct = without_times(everything) if known is None or not len(distinct) else known.of(distinct, without_times)
    of_untimed = iter(of_distinct)
    scores_DS = np.empty((len(detectors), len(inverse)))  # filled row by row: nothing lies in memory twice
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

"""Sessions whose numbers of lines are like those of no normal session."""

from difflib import SequenceMatcher

import numpy as np
import polars as pl

from isang.detection.detectors.contract import Case, DetectorDefaults, Evidence, Reason
from isang.detection.detectors.counts.nearest_counts import counts
from isang.detection.detectors.counts.open_counts import WAITS, longest_waits, nearest_so_far
from isang.detection.detectors.open_ends import are_open
from isang.detection.detectors.sentences import counted, in_longest_run
from isang.detection.detectors.timed_sessions import TimedSessions
from isang.model.batches import Floats, Tokens, from_sequences

NOTHING_IN_COMMON = 0.999
"""From this distance on, the nearest normal session says nothing about this one."""
SHOWN_TEMPLATES = 10
"""Missing or extra templates named in one reason."""


class EventCounts(DetectorDefaults):
    """Finds a session that no normal one is near to by its numbers of lines."""

    name = WAITS
    unit = "weighted share of events"
    least_scale = 0.01
    allowance = 0.01
    timed = True

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """How long normal sessions wait for what, see `longest_waits`; their counts come from the sessions."""
        return longest_waits(sessions)

    def score(self, evidence: Evidence) -> Floats:
        """Distance of the session's event counts to the nearest normal ones, 0 (equal) to 1 (nothing in common).

        Bray-Curtis distance over the square roots of the counts (which gives repeated lines an even spread, Bartlett
        1936), divided by how much each varies among normal sessions: a payment too few says more than a twelfth line of
        a list. A session that may go on is compared with beginnings of normal ones, see `nearest_so_far`.
        """
        return nearest_so_far(evidence.fitted, evidence.sessions, evidence.timed.gaps_T).distance_S

    def reasons(self, case: Case) -> list[Reason]:
        """What the most similar normal session has more or less of; lines that are named already are left out.

        A session that may go on is compared with the beginning of a normal one, and without a clock nothing is missing.
        """
        fitted, tokens, session = case.model.fitted, case.tokens, case.evidence.sessions
        nearest = nearest_so_far(fitted, session, case.evidence.timed.gaps_T)
        if nearest.distance_S[0] > NOTHING_IN_COMMON:
            return [Reason("No normal session has a line in common with this one.")]
        normal = fitted.normal[int(nearest.row_S[0])][: nearest.length_S[0]]
        difference = counts(session, fitted.size)[0] - counts(from_sequences([normal]), fitted.size)[0]
        largest_first = [int(token) for token in np.argsort(-np.abs(difference), kind="stable")]
        missing = [
            counted(case.model, token, -int(difference[token]))
            for token in largest_first
            if difference[token] < 0 and nearest.lacks_S[0]
        ]
        extra = [
            counted(case.model, token, int(difference[token])) | {"position": in_longest_run(tokens, token)}
            for token in largest_first
            if difference[token] > 0 and not case.named.issuperset((np.flatnonzero(tokens == token) - 1).tolist())
        ]
        parts = [
            f"{amount} {'line is' if amount == 1 else 'lines are'} {word}"
            for items, word in ((missing, "missing"), (extra, "too many"))
            if (amount := sum(item["count"] for item in items))
        ]
        if not parts:
            return []
        says = f"Compared with the most similar normal session, {' and '.join(parts)}"
        if are_open(session)[0]:
            says += " so far, whatever may still come"
        detail = {"missing": missing[:SHOWN_TEMPLATES], "extra": extra[:SHOWN_TEMPLATES]}
        if extra or not missing:
            return [Reason(f"{says}.", detail=detail)]
        before = _before_missing(tokens, normal)
        return [Reason(f"{says}, from this line on.", max(0, before - 1), after=True, detail=detail)]


def _before_missing(tokens: Tokens, normal: Tokens) -> int:
    """The place of the token after which a session first lacks something that a normal one has."""
    matcher = SequenceMatcher(None, tokens.tolist(), normal.tolist(), autojunk=False)
    lacks = (here for kind, here, _, there, stop in matcher.get_opcodes() if kind != "equal" and stop > there)
    return next(lacks, 1) - 1

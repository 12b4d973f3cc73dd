"""Sessions whose event counts are unlike those of any normal session."""

from difflib import SequenceMatcher
from typing import Any

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
"""From this distance on, the nearest normal session is no use for an explanation."""
SHOWN_TEMPLATES = 10
"""Maximum number of missing or extra templates named in a reason."""


class EventCounts(DetectorDefaults):
    """Finds a session whose event counts are far from those of every normal session."""

    name = WAITS
    unit = "weighted share of events"
    least_scale = 0.01
    allowance = 0.01
    timed = True

    def fit(self, sessions: TimedSessions) -> pl.DataFrame:
        """The longest waits of normal sessions, see `longest_waits`; counts come from the sessions themselves."""
        return longest_waits(sessions)

    def score(self, evidence: Evidence) -> Floats:
        """Distance of the session's event counts to the nearest normal ones, 0 (equal) to 1 (nothing in common).

        Bray-Curtis distance over the square roots of the counts (which stabilises the variance of repeated lines,
        Bartlett
        1936), each divided by its deviation among normal sessions: a missing payment counts more than a twelfth line of
        a
        list. A session that may continue is compared with beginnings of normal ones, see `nearest_so_far`.
        """
        return nearest_so_far(evidence.fitted, evidence.sessions, evidence.timed.gaps_T).distance_S

    def reasons(self, case: Case) -> list[Reason]:
        """What the most similar normal session has more or less of; already named lines are left out.

        A session that may continue is compared with the beginning of a normal one; without timestamps nothing is
        missing.
        """
        fitted, tokens, session = case.model.fitted, case.tokens, case.evidence.sessions
        nearest = nearest_so_far(fitted, session, case.evidence.timed.gaps_T)
        if nearest.distance_S[0] > NOTHING_IN_COMMON:
            says = "No normal session has a line in common with this one."
            return [Reason(says, says_ko="이 세션과 공통된 줄이 있는 정상 세션이 하나도 없습니다.")]
        normal = fitted.normal[int(nearest.row_S[0])][: nearest.length_S[0]]
        usual = counts(from_sequences([normal]), fitted.size)[0]
        difference = counts(session, fitted.size)[0] - usual
        largest_first = [int(token) for token in np.argsort(-np.abs(difference), kind="stable")]
        missing = [
            counted(case.model, token, -int(difference[token])) | {"usual": int(usual[token])}
            for token in largest_first
            if difference[token] < 0 and nearest.lacks_S[0]
        ]
        extra = [
            counted(case.model, token, int(difference[token]))
            | {"usual": int(usual[token]), "position": in_longest_run(tokens, token)}
            for token in largest_first
            if difference[token] > 0 and not case.named.issuperset((np.flatnonzero(tokens == token) - 1).tolist())
        ]
        if not missing and not extra:
            return []
        says, says_ko = _compared(missing, extra, are_open(session)[0])
        detail = {"missing": missing[:SHOWN_TEMPLATES], "extra": extra[:SHOWN_TEMPLATES]}
        if extra:
            return [Reason(f"{says}.", detail=detail, says_ko=f"{says_ko}.")]
        before = _before_missing(tokens, normal)
        says, says_ko = f"{says}, from this line on.", f"{says_ko}(이 줄 다음부터)."
        return [Reason(says, max(0, before - 1), after=True, detail=detail, says_ko=says_ko)]


def _compared(missing: list[dict[str, Any]], extra: list[dict[str, Any]], is_open: bool) -> tuple[str, str]:
    """The numbers of missing and extra lines compared with the normal session, in English and Korean, without full
    stop."""
    amounts = [sum(item["count"] for item in items) for items in (missing, extra)]
    parts = [
        f"{amount} {'line is' if amount == 1 else 'lines are'} {word}"
        for amount, word in zip(amounts, ("missing", "too many"), strict=True)
        if amount
    ]
    parts_ko = [
        f"{amount}줄이 {word}"
        for amount, word in zip(amounts, ("빠졌" if amounts[1] else "빠졌습니다", "더 많습니다"), strict=True)
        if amount
    ]
    says = f"Compared with the most similar normal session, {' and '.join(parts)}"
    says_ko = f"가장 비슷한 정상 세션과 비교하면 {'고 '.join(parts_ko)}"
    if is_open:
        return f"{says} so far, whatever may still come", f"지금까지는 {says_ko}"
    return says, says_ko


def _before_missing(tokens: Tokens, normal: Tokens) -> int:
    """The index of the token after which a session first lacks something that a normal one has."""
    matcher = SequenceMatcher(None, tokens.tolist(), normal.tolist(), autojunk=False)
    lacks = (here for kind, here, _, there, stop in matcher.get_opcodes() if kind != "equal" and stop > there)
    return next(lacks, 1) - 1

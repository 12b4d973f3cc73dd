"""Rare lines that report a failure in sessions treated as normal: possibly unlabelled anomalies."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.parsing.inferred.levels import ERROR_LEVELS
from isang.model.batches import Sessions
from isang.model.vocabulary import MARKS, Vocabulary
from isang.model.wording import tells_of_failure, words

RARE_SHARE = 0.02
"""A template in more than this share of the sessions counts as usual for the system, whatever its words say."""
NAMED = 5
"""Maximum number of templates named: those in the most sessions."""
SHOWN_CHARACTERS = 120
"""Maximum number of characters recorded of a template and of a session's id."""
SESSIONS_AT_ONCE = 100_000


@dataclass(frozen=True)
class RareFailure:
    """A template that reports a failure, by its level or its words, and occurs in few sessions."""

    template: str
    sessions: int
    first: str
    """The id of the first of these sessions."""


@dataclass(frozen=True)
class NormalSessions:
    """Facts about the sessions that training treats as normal."""

    unlabelled: int
    """Sessions that no label marks as normal; the figures below cover only these."""
    with_rare_failures: int = 0
    """Sessions with at least one rare template that reports a failure."""
    templates: int = 0
    """Number of such templates."""
    named: tuple[RareFailure, ...] = ()
    """At most NAMED of them."""


def look_for_failures(
    sessions: Sessions, vocabulary: Vocabulary, unlabelled: NDArray[np.bool_], session_ids: pl.Series
) -> NormalSessions:
    """Count the rare failures in the `sessions`, which are in order of time; `unlabelled` and `session_ids` are
    theirs."""
    count = int(unlabelled.sum())
    most = RARE_SHARE * count
    asked = _telling(vocabulary)
    in_sessions = np.zeros(vocabulary.size, dtype=np.int64)
    found_rows, found_tokens = [], []
    for start in range(0, len(sessions), SESSIONS_AT_ONCE):
        rows, tokens = _pairs(sessions, start, min(start + SESSIONS_AT_ONCE, len(sessions)), asked)
        counted = unlabelled[rows]
        found_rows.append(rows[counted])
        found_tokens.append(tokens[counted])
        in_sessions += np.bincount(tokens[counted], minlength=vocabulary.size)
        asked &= in_sessions <= most  # templates that prove usual are not counted any further
    rows, tokens = np.concatenate(found_rows), np.concatenate(found_tokens)
    rare = asked[tokens]
    rows, tokens = rows[rare], tokens[rare]
    order = sorted(set(tokens.tolist()), key=lambda token: (-in_sessions[token], token))
    named = (
        RareFailure(
            vocabulary.name(token)[:SHOWN_CHARACTERS],
            int(in_sessions[token]),
            str(session_ids[int(rows[tokens == token].min())])[:SHOWN_CHARACTERS],
        )
        for token in order[:NAMED]
    )
    return NormalSessions(count, len(np.unique(rows)), len(order), tuple(named))


def _telling(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """Which tokens are templates that report a failure, shape V."""
    known = zip(vocabulary.templates, vocabulary.levels, strict=True)
    telling = [level.upper() in ERROR_LEVELS or tells_of_failure(words(text), ()) for text, level in known]
    return np.array([False] * len(MARKS) + telling)


def _pairs(
    sessions: Sessions, start: int, end: int, asked: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(rows, tokens): which of the tokens `asked` occur in which of the sessions [start, end), each pair once."""
    offsets = sessions.offsets[start : end + 1]
    flat = sessions.flat[offsets[0] : offsets[-1]]
    places = np.flatnonzero(asked[flat])
    rows = np.searchsorted(offsets - offsets[0], places, side="right") - 1
    pairs = np.unique(rows * len(asked) + flat[places])
    return start + pairs // len(asked), pairs % len(asked)

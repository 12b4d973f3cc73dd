"""What is hidden from the model, and what it must predict.

Three questions with one answer each: which event is at a hidden position; is anything missing in a gap between two
events; does the session end here, and if not, what comes next.
Shapes: B sessions, T tokens in all, N questions; in scoring G sessions of one length L with A answers each.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isang.model.batches import Rows, Sessions, Tokens
from isang.model.vocabulary import BEGIN, END, MARKS, MASK, NOTHING, PAD

MASKED_SHARE, RANDOM_SHARE = 0.8, 0.1
"""80 % of the chosen events become MASK, 10 % a random template and 10 % stay (Devlin et al. 2019, BERT)."""
ENDING_SHARE = 0.3
"""Share of sessions whose continuation the model must predict: half of them are cut somewhere, half are whole."""


class Hidden(NamedTuple):
    """Sessions as the model sees them, and the questions."""

    sessions: Sessions
    chosen_T: NDArray[np.bool_]
    """The positions that the model must predict."""
    targets_N: Tokens
    """The right answers, in the order of these positions."""


def hide(sessions: Sessions, mask_fraction: float, vocabulary_size: int, generator: np.random.Generator) -> Hidden:
    """Training: hide about `mask_fraction` of the events, at least one per session, and ask at as many gaps.

    A gap next to a hidden event is not asked about: the model could not know which of two adjacent MASKs is the event.
    """
    sessions, ends_T = _cut_some(sessions, generator)
    tokens_T = sessions.flat
    events_T = ~np.isin(tokens_T, (PAD, BEGIN, END)) & ~ends_T
    draw_T = np.where(events_T, generator.random(len(tokens_T)), np.inf)
    lowest_T = np.repeat(np.minimum.reduceat(draw_T, sessions.offsets[:-1]), sessions.lengths)
    chosen_T = events_T & ((draw_T < mask_fraction) | (draw_T == lowest_T))

    fate_T = generator.random(len(tokens_T))
    hidden_T = tokens_T.copy()
    hidden_T[chosen_T & (fate_T < MASKED_SHARE) | ends_T] = MASK
    replaced_T = chosen_T & (fate_T >= MASKED_SHARE) & (fate_T < MASKED_SHARE + RANDOM_SHARE)
    hidden_T[replaced_T] = generator.integers(len(MARKS) - 1, vocabulary_size, int(replaced_T.sum()))

    chosen_T |= ends_T
    gaps_T = _gaps(sessions) & ~chosen_T & ~np.roll(chosen_T, 1) & (generator.random(len(tokens_T)) < mask_fraction)
    return _ask_gaps(Hidden(Sessions(hidden_T, sessions.offsets), chosen_T, tokens_T[chosen_T]), gaps_T)


class Question(NamedTuple):
    """Copies of G sessions of one length, as the model sees them, and the questions; A answers for each."""

    tokens_GL: Tokens
    asked: slice
    """The positions that the model must predict."""
    places: slice
    """The positions in the sessions that the answers belong to; a gap belongs to the token after it."""
    meant_GA: NDArray[np.bool_]
    """False where nothing is hidden, as at BEGIN: that answer is meaningless."""


def hidden_events(tokens_GL: Tokens, passes: int) -> Iterator[Question]:
    """Scoring: `passes` copies of each session in which its events are hidden in turn, each event once."""
    events_GL = ~np.isin(tokens_GL, (PAD, BEGIN, END))
    for turn in range(min(passes, tokens_GL.shape[1])):
        places = slice(turn, None, passes)
        hidden_GL = tokens_GL.copy()
        hidden_GL[:, places][events_GL[:, places]] = MASK
        yield Question(hidden_GL, places, places, events_GL[:, places])


def asked_gaps(tokens_GL: Tokens, passes: int) -> Iterator[Question]:
    """Scoring: copies of each session with all events visible; the gaps between them are asked about in turn."""
    sessions, length = tokens_GL.shape
    for first in range(1, min(passes + 1, length)):
        places = slice(first, None, passes)
        asked = slice(first, None, passes + 1)
        widened_GL = np.insert(tokens_GL, range(length)[places], MASK, axis=1)
        yield Question(widened_GL, asked, places, np.ones((sessions, len(range(length)[places])), dtype=bool))


def hidden_ends(tokens_GL: Tokens) -> Question:
    """Scoring: only END is hidden, since a gap asked about elsewhere could hold the events missing at the end."""
    last = slice(tokens_GL.shape[1] - 1, None)
    hidden_GL, ends_GA = tokens_GL.copy(), tokens_GL[:, last] == END
    hidden_GL[:, last][ends_GA] = MASK
    return Question(hidden_GL, last, last, ends_GA)


def _cut_some(sessions: Sessions, generator: np.random.Generator) -> tuple[Sessions, NDArray[np.bool_]]:
    """The sessions, some of them cut short, and the last tokens whose continuation the model must predict."""
    asked_B = generator.random(len(sessions)) < ENDING_SHARE
    cut_B = asked_B & (generator.random(len(sessions)) < 0.5)
    lengths_B = np.where(cut_B, generator.integers(2, np.maximum(sessions.lengths, 3)), sessions.lengths)
    kept = np.repeat(lengths_B, sessions.lengths) > _positions(sessions)
    offsets = np.concatenate([[0], np.cumsum(lengths_B)])
    ends_T = np.zeros(offsets[-1], dtype=bool)
    ends_T[offsets[1:][asked_B] - 1] = True
    return Sessions(sessions.flat[kept], offsets), ends_T


def _gaps(sessions: Sessions) -> NDArray[np.bool_]:
    """The tokens that have a gap before them: all but the first of each session."""
    gaps_T = np.ones(len(sessions.flat), dtype=bool)
    gaps_T[sessions.offsets[:-1]] = False
    return gaps_T


def _ask_gaps(hidden: Hidden, gaps_T: NDArray[np.bool_]) -> Hidden:
    """Add a MASK before each token of `gaps_T`; the right answer there is NOTHING."""
    places = np.nonzero(gaps_T)[0]
    before_T = np.concatenate([[0], np.cumsum(gaps_T)])
    targets_T = np.zeros(len(gaps_T), dtype=np.int32)
    targets_T[hidden.chosen_T] = hidden.targets_N
    chosen = np.insert(hidden.chosen_T, places, True)
    sessions = Sessions(
        np.insert(hidden.sessions.flat, places, MASK), hidden.sessions.offsets + before_T[hidden.sessions.offsets]
    )
    return Hidden(sessions, chosen, np.insert(targets_T, places, NOTHING)[chosen])


def _positions(sessions: Sessions) -> Rows:
    """The place of each token within its session, from 0."""
    return np.arange(len(sessions.flat)) - np.repeat(sessions.offsets[:-1], sessions.lengths)

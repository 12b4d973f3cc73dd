"""What is hidden from the model, and what it must say instead.

Three questions, one answer each: which event stands at a hidden place; is anything missing in a gap between two events;
does the session end here, and if not, what comes next.
Shapes: B sessions, T tokens in all, N questions, R copies of sessions.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isang.model.batches import Rows, Sessions, Tokens
from isang.model.vocabulary import BEGIN, END, MARKS, MASK, NOTHING, PAD

MASKED_SHARE, RANDOM_SHARE = 0.8, 0.1
"""Of the chosen events 80 % become MASK, 10 % a random template and 10 % stay (Devlin et al. 2019, BERT)."""
ENDING_SHARE = 0.3
"""Of so many sessions the model must say how they go on: half of these are cut somewhere, half are whole."""


class Hidden(NamedTuple):
    """Sessions as the model sees them, and what it is asked."""

    sessions: Sessions
    chosen_T: NDArray[np.bool_]
    """The positions at which it must answer."""
    targets_N: Tokens
    """The right answers, in the order of these positions."""


def hide(sessions: Sessions, mask_fraction: float, vocabulary_size: int, generator: np.random.Generator) -> Hidden:
    """Training: hide about `mask_fraction` of the events, at least one per session, and ask at as many gaps.

    A gap beside a hidden event is not asked about: which of two neighbouring MASKs is the event could not be known.
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


def ask_in_turn(sessions: Sessions, event_passes: int, gap_passes: int) -> tuple[Hidden, Rows]:
    """Scoring: copies of each session in which all that can be asked is asked exactly once.

    In the first `event_passes` copies the events are hidden in turn; in the `gap_passes` others all events stand there
    and the gaps are asked about in turn; in the last one END alone is hidden, since a gap that is asked about elsewhere
    could hold what is not there yet. The copies of one pass stand side by side. Returns also where in `sessions.flat`
    each answer belongs (that of a gap to the token behind it), shape N.
    """
    passes = event_passes + gap_passes + 1
    places_T, offsets = sessions.places(np.tile(np.arange(len(sessions)), passes))
    copies = Sessions(sessions.flat[places_T], offsets)
    turn_T = np.repeat(np.arange(passes), len(sessions.flat))
    position_T = _positions(copies)

    ends_T = (copies.flat == END) & (turn_T == passes - 1)
    chosen_T = ends_T | ~np.isin(copies.flat, (PAD, BEGIN, END)) & (turn_T == position_T % event_passes)
    gaps_T = _gaps(copies) & (turn_T == event_passes + position_T % gap_passes)
    hidden = Sessions(np.where(chosen_T, np.int32(MASK), copies.flat), copies.offsets)
    return _ask_gaps(Hidden(hidden, chosen_T, copies.flat[chosen_T]), gaps_T), places_T[chosen_T | gaps_T]


def _cut_some(sessions: Sessions, generator: np.random.Generator) -> tuple[Sessions, NDArray[np.bool_]]:
    """Some sessions end early, and the last tokens at which the model must say how they go on."""
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
    """With a MASK more before each token of `gaps_T`; the right answer there is NOTHING."""
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

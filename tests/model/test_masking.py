"""What is hidden from the model."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isang.model.masking import hide, turns
from isang.model.vocabulary import BEGIN, END, MARKS, MASK, PAD

V = 30


def batch(generator: np.random.Generator, sessions: int, longest: int) -> np.ndarray:
    tokens_BL = np.full((sessions, longest + 2), PAD, dtype=np.int32)
    for row in range(sessions):
        events = generator.integers(len(MARKS), V, generator.integers(1, longest + 1))
        tokens_BL[row, : len(events) + 2] = [BEGIN, *events, END]
    return tokens_BL


@given(st.integers(0, 2**31), st.floats(0.01, 0.9))
def test_only_events_are_hidden_and_every_session_has_one(seed: int, fraction: float) -> None:
    generator = np.random.default_rng(seed)
    tokens_BL = batch(generator, 12, 20)
    hidden_BL, chosen_BL = hide(tokens_BL, fraction, V, generator)
    marks_BL = np.isin(tokens_BL, [PAD, BEGIN, END])
    assert not (chosen_BL & marks_BL).any()
    assert chosen_BL.any(axis=1).all()
    assert (hidden_BL == tokens_BL)[~chosen_BL].all(), "what is not chosen stays"
    assert not np.isin(hidden_BL[chosen_BL], [PAD, BEGIN, END]).any()


def test_shares_are_as_in_bert() -> None:
    """15 % chosen; of these 80 % masked, 10 % random (1 in V of which hits the same event), 10 % kept."""
    generator = np.random.default_rng(0)
    tokens_BL = batch(generator, 2_000, 60)
    hidden_BL, chosen_BL = hide(tokens_BL, 0.15, V, generator)
    events = ~np.isin(tokens_BL, [PAD, BEGIN, END])
    assert abs(chosen_BL.sum() / events.sum() - 0.15) < 0.01
    assert abs((hidden_BL[chosen_BL] == MASK).mean() - 0.8) < 0.02
    assert abs((hidden_BL[chosen_BL] == tokens_BL[chosen_BL]).mean() - 0.1) < 0.02


@given(st.integers(0, 2**31), st.integers(1, 10))
def test_scoring_hides_every_event_exactly_once_and_no_mark(seed: int, passes: int) -> None:
    tokens_BL = batch(np.random.default_rng(seed), 5, 30)
    turn_BL = turns(tokens_BL, passes)
    events = ~np.isin(tokens_BL, [PAD, BEGIN, END])
    assert ((turn_BL >= 0) == events).all()
    assert turn_BL.max() < passes

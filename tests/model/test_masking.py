"""What is hidden from the model."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isang.model.batches import Sessions, from_sequences
from isang.model.masking import hide, hide_in_turn
from isang.model.vocabulary import BEGIN, END, MARKS, MASK

V = 30


def batch(generator: np.random.Generator, sessions: int, longest: int) -> Sessions:
    sizes = generator.integers(1, longest + 1, sessions)
    events = [generator.integers(len(MARKS), V, size) for size in sizes]
    return from_sequences([np.array([BEGIN, *tokens, END], dtype=np.int32) for tokens in events])


@given(st.integers(0, 2**31), st.floats(0.01, 0.9))
def test_only_events_are_hidden_and_every_session_has_one(seed: int, fraction: float) -> None:
    generator = np.random.default_rng(seed)
    sessions = batch(generator, 12, 20)
    hidden = hide(sessions, fraction, V, generator)
    marks = np.isin(sessions.flat, [BEGIN, END])
    assert not (hidden.chosen_T & marks).any()
    assert np.logical_or.reduceat(hidden.chosen_T, sessions.offsets[:-1]).all()
    assert (hidden.sessions.flat == sessions.flat)[~hidden.chosen_T].all(), "what is not chosen stays"
    assert not np.isin(hidden.sessions.flat[hidden.chosen_T], [BEGIN, END]).any()
    assert hidden.targets_N.tolist() == sessions.flat[hidden.chosen_T].tolist()


def test_shares_are_as_in_bert() -> None:
    """15 % chosen; of these 80 % masked, 10 % random (1 in V of which hits the same event), 10 % kept."""
    generator = np.random.default_rng(0)
    sessions = batch(generator, 2_000, 60)
    hidden = hide(sessions, 0.15, V, generator)
    seen, right = hidden.sessions.flat[hidden.chosen_T], hidden.targets_N
    events = ~np.isin(sessions.flat, [BEGIN, END])
    assert abs(len(right) / events.sum() - 0.15) < 0.01
    assert abs((seen == MASK).mean() - 0.8) < 0.02
    assert abs((seen == right).mean() - 0.1) < 0.02


@given(st.integers(0, 2**31), st.integers(1, 10))
def test_scoring_hides_every_event_exactly_once_and_no_mark(seed: int, passes: int) -> None:
    sessions = batch(np.random.default_rng(seed), 5, 30)
    hidden, places = hide_in_turn(sessions, passes)
    assert sorted(places.tolist()) == np.nonzero(~np.isin(sessions.flat, [BEGIN, END]))[0].tolist()
    assert sessions.flat[places].tolist() == hidden.targets_N.tolist()
    assert (hidden.sessions.flat[hidden.chosen_T] == MASK).all()
    assert len(hidden.sessions) <= passes * len(sessions)

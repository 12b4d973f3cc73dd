"""What is hidden from the model, and what it is asked."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isang.model.batches import Sessions, from_sequences
from isang.model.masking import ENDING_SHARE, Hidden, ask_ends, ask_gaps_in_turn, hide, hide_in_turn
from isang.model.vocabulary import BEGIN, END, MARKS, MASK, NOTHING

V = 30


def batch(generator: np.random.Generator, sessions: int, longest: int) -> Sessions:
    sizes = generator.integers(1, longest + 1, sessions)
    events = [generator.integers(len(MARKS), V, size) for size in sizes]
    return from_sequences([np.array([BEGIN, *tokens, END], dtype=np.int32) for tokens in events])


def answered(hidden: Hidden) -> list[list[int]]:
    """The sessions with the right answers put in, and nothing where nothing was."""
    tokens = hidden.sessions.flat.copy()
    tokens[hidden.chosen_T] = hidden.targets_N
    whole = Sessions(tokens, hidden.sessions.offsets)
    return [[token for token in whole[index].tolist() if token != NOTHING] for index in range(len(whole))]


@given(st.integers(0, 2**31), st.floats(0.01, 0.9))
def test_the_right_answers_make_the_session_again_as_far_as_it_was_shown(seed: int, fraction: float) -> None:
    generator = np.random.default_rng(seed)
    sessions = batch(generator, 12, 20)
    hidden = hide(sessions, fraction, V, generator)
    for index, tokens in enumerate(answered(hidden)):
        assert tokens == sessions[index][: len(tokens)].tolist()
        assert len(tokens) >= 2
    asked = np.add.reduceat(hidden.chosen_T, hidden.sessions.offsets[:-1], dtype=np.int64)
    assert (asked >= 1).all(), "each session is asked something"
    assert not np.isin(hidden.sessions.flat, [NOTHING]).any(), "NOTHING is only ever an answer"
    assert not (hidden.targets_N == BEGIN).any()


@given(st.integers(0, 2**31), st.floats(0.01, 0.9))
def test_no_gap_is_asked_about_beside_a_hidden_token(seed: int, fraction: float) -> None:
    generator = np.random.default_rng(seed)
    hidden = hide(batch(generator, 12, 20), fraction, V, generator)
    targets = np.full(len(hidden.sessions.flat), -1)
    targets[hidden.chosen_T] = hidden.targets_N
    gaps = np.nonzero(targets == NOTHING)[0]
    assert (targets[gaps - 1] == -1).all()
    assert (targets[gaps + 1] == -1).all()


def test_shares_are_as_in_bert() -> None:
    """15 % of the events chosen; of these 80 % masked, 10 % random (1 in V of which hits the same event), 10 % kept.

    Of the gaps whose neighbours are not hidden 15 % are asked about, and of the sessions 30 % how they go on.
    """
    generator = np.random.default_rng(0)
    sessions = batch(generator, 4_000, 60)
    hidden = hide(sessions, 0.15, V, generator)
    last = hidden.sessions.offsets[1:] - 1
    assert abs(hidden.chosen_T[last].mean() - ENDING_SHARE) < 0.02
    assert abs((hidden.sessions.flat[last] == END).mean() + ENDING_SHARE - 1) < 0.02
    targets = np.full(len(hidden.chosen_T), -1)
    targets[hidden.chosen_T] = hidden.targets_N
    assert abs((targets[last] == END).mean() - ENDING_SHARE / 2) < 0.03
    inner = hidden.chosen_T.copy()
    inner[last] = False
    events = inner & (targets != NOTHING)
    shown = (hidden.sessions.flat >= len(MARKS) - 1).sum() + (events & (hidden.sessions.flat == MASK)).sum()
    assert abs(events.sum() / shown - 0.15) < 0.01
    assert abs((hidden.sessions.flat[events] == MASK).mean() - 0.8) < 0.02
    assert abs((hidden.sessions.flat[events] == targets[events]).mean() - 0.1) < 0.02
    assert abs((targets == NOTHING).sum() / shown - 0.15 * 0.85**2) < 0.01


@given(st.integers(0, 2**31), st.integers(1, 10))
def test_scoring_hides_every_event_exactly_once_and_no_mark(seed: int, passes: int) -> None:
    sessions = batch(np.random.default_rng(seed), 5, 30)
    hidden, places = hide_in_turn(sessions, passes)
    assert sorted(places.tolist()) == np.nonzero(~np.isin(sessions.flat, [BEGIN, END]))[0].tolist()
    assert sessions.flat[places].tolist() == hidden.targets_N.tolist()
    assert (hidden.sessions.flat[hidden.chosen_T] == MASK).all()
    assert len(hidden.sessions) <= passes * len(sessions)


@given(st.integers(0, 2**31), st.integers(1, 10))
def test_scoring_asks_about_every_gap_exactly_once(seed: int, passes: int) -> None:
    sessions = batch(np.random.default_rng(seed), 5, 30)
    asked, places = ask_gaps_in_turn(sessions, passes)
    assert sorted(places.tolist()) == np.nonzero(sessions.flat != BEGIN)[0].tolist(), "one before each token but BEGIN"
    assert (asked.targets_N == NOTHING).all()
    copies = [tokens for tokens in answered(asked) if tokens]
    originals = {tuple(sessions[index].tolist()) for index in range(len(sessions))}
    assert {tuple(tokens) for tokens in copies} == originals


@given(st.integers(0, 2**31))
def test_scoring_hides_every_end_once(seed: int) -> None:
    sessions = batch(np.random.default_rng(seed), 5, 30)
    asked, places = ask_ends(sessions)
    assert places.tolist() == (sessions.offsets[1:] - 1).tolist()
    assert (asked.targets_N == END).all()
    assert answered(asked) == [sessions[index].tolist() for index in range(len(sessions))]

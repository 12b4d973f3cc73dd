"""What is hidden from the model, and what it is asked."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isang.model.batches import Sessions, Tokens, from_sequences
from isang.model.masking import ENDING_SHARE, Hidden, Question, asked_gaps, hidden_ends, hidden_events, hide
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


@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(1, 10), st.integers(2, 10))
def test_scoring_asks_everything_exactly_once(seed: int, events: int, event_passes: int, gap_passes: int) -> None:
    """Each event and each END is hidden once, and each gap asked about once: one before each token but BEGIN."""
    tokens_GL = np.random.default_rng(seed).integers(len(MARKS), V, (3, events + 2)).astype(np.int32)
    tokens_GL[:, 0], tokens_GL[:, -1] = BEGIN, END
    places = np.arange(tokens_GL.shape[1])
    asked = []
    for question in hidden_events(tokens_GL, event_passes):
        assert put_right(question, tokens_GL).tolist() == tokens_GL.tolist()
        assert (question.meant_GA == question.meant_GA[0]).all()
        asked += places[question.places][question.meant_GA[0]].tolist()
    assert sorted(asked) == places[1:-1].tolist()

    asked = []
    for question in asked_gaps(tokens_GL, gap_passes):
        gaps = np.arange(question.tokens_GL.shape[1])[question.asked]
        assert (question.tokens_GL[:, gaps] == MASK).all()
        assert np.delete(question.tokens_GL, gaps, axis=1).tolist() == tokens_GL.tolist()
        assert question.tokens_GL[:, gaps + 1].tolist() == tokens_GL[:, question.places].tolist()
        asked += places[question.places].tolist()
    assert sorted(asked) == places[1:].tolist()

    question = hidden_ends(tokens_GL)
    assert question.meant_GA.all()
    assert places[question.places].tolist() == [events + 1]
    assert put_right(question, tokens_GL).tolist() == tokens_GL.tolist()


def put_right(question: Question, tokens_GL: Tokens) -> Tokens:
    """The copies with what was hidden put in again; all of it was MASK."""
    copy_GL = question.tokens_GL.copy()
    assert (copy_GL[:, question.asked][question.meant_GA] == MASK).all()
    copy_GL[:, question.asked][question.meant_GA] = tokens_GL[:, question.places][question.meant_GA]
    return copy_GL


def test_the_rest_of_a_long_session_is_asked_as_far_as_it_is_shown() -> None:
    """A piece without BEGIN: its first event is hidden too, but what was before it cannot be said."""
    tokens_GL = np.array([[9, 8, 7, 9, END]], dtype=np.int32)
    places = np.arange(5)
    events = [places[question.places][question.meant_GA[0]] for question in hidden_events(tokens_GL, 4)]
    assert sorted(np.concatenate(events).tolist()) == [0, 1, 2, 3]
    gaps = [places[question.places] for question in asked_gaps(tokens_GL, 3)]
    assert sorted(np.concatenate(gaps).tolist()) == [1, 2, 3, 4]


def test_an_open_end_is_not_asked_for() -> None:
    """Of two sessions of one length, one may go on: MASK stands at its end."""
    tokens_GL = np.array([[BEGIN, 9, END], [BEGIN, 9, MASK]], dtype=np.int32)
    assert hidden_ends(tokens_GL).meant_GA.tolist() == [[True], [False]]

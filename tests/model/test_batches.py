"""Sessions as tokens and the batches made of them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isang.model.batches import (
    Sessions,
    batches_per_epoch,
    cut,
    epoch_batches,
    from_sequences,
    length_batches,
    padded,
    to_sessions,
)
from isang.model.vocabulary import BEGIN, END, MARKS, PAD, UNSEEN, learn_vocabulary
from tests.synthetic import ORDER, RARE_EVENT, shop_dataset

lengths = st.lists(st.integers(2, 40), min_size=1, max_size=300).map(lambda values: np.array(values, dtype=np.int64))


def some_sessions() -> Sessions:
    return from_sequences([np.array([BEGIN, *tokens, END], dtype=np.int32) for tokens in ([5, 6], [7], [5, 6], [])])


def test_a_dataset_becomes_sessions_between_begin_and_end() -> None:
    dataset = shop_dataset(50)
    rows = np.arange(50)
    vocabulary = learn_vocabulary(dataset, rows)
    sessions = to_sessions(dataset, vocabulary)
    assert len(sessions) == 50
    for row in range(50):
        tokens = sessions[row]
        assert tokens[0] == BEGIN
        assert tokens[-1] == END
        names = [vocabulary.name(int(token)) for token in tokens[1:-1]]
        texts = dataset.templates["template"].to_list()
        assert names == [texts[event] for event in dataset.sessions["events"][row]]


def test_events_that_the_training_sessions_never_had_are_unseen() -> None:
    dataset = shop_dataset(40, anomalous_every=2)
    vocabulary = learn_vocabulary(dataset, np.arange(20))
    assert dataset.templates["template"][RARE_EVENT] not in vocabulary.templates
    assert vocabulary.tokens(dataset)[RARE_EVENT] == UNSEEN
    assert vocabulary.size == len(MARKS) + len(vocabulary.templates)


def test_events_are_matched_by_template_text_not_by_number() -> None:
    """The same templates under other numbers give the same tokens."""
    dataset = shop_dataset(30)
    vocabulary = learn_vocabulary(dataset, np.arange(30))
    turned = len(ORDER)
    templates = dataset.templates.with_columns(event=(dataset.templates["event"] + turned) % len(dataset.templates))
    renumbered = vocabulary.tokens(type(dataset)(dataset.sessions, templates.sort("event"), {}))
    tokens = vocabulary.tokens(dataset)
    for event in range(len(dataset.templates)):
        assert renumbered[(event + turned) % len(dataset.templates)] == tokens[event]


def test_distinct_sessions_and_their_places() -> None:
    sessions = some_sessions()
    distinct, inverse = sessions.distinct()
    assert len(distinct) == 3
    for row in range(len(sessions)):
        assert distinct[int(inverse[row])].tolist() == sessions[row].tolist()


def test_padding_stands_behind() -> None:
    tokens_BL = padded(some_sessions(), np.array([1, 0]))
    assert tokens_BL.tolist() == [[BEGIN, 7, END, PAD], [BEGIN, 5, 6, END]]


@given(lengths, st.integers(1, 50))
def test_cutting_loses_nothing(lengths: np.ndarray, limit: int) -> None:
    sessions = from_sequences([np.arange(length, dtype=np.int32) for length in lengths])
    pieces, starts = cut(sessions, limit)
    assert pieces.flat.tolist() == sessions.flat.tolist()
    assert pieces.lengths.max() <= limit
    assert set(sessions.offsets.tolist()) <= set(pieces.offsets.tolist()), "no piece spans two sessions"
    assert starts.tolist() == pieces.offsets[:-1].tolist()


@given(lengths, st.integers(1, 20), st.integers(0, 5), st.integers(0, 5))
def test_an_epoch_has_each_session_once(lengths: np.ndarray, batch_size: int, seed: int, epoch: int) -> None:
    batches = epoch_batches(lengths, batch_size, seed, epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert len(batches) == batches_per_epoch(len(lengths), batch_size)
    assert max(map(len, batches)) <= batch_size
    again = epoch_batches(lengths, batch_size, seed, epoch)
    assert all((one == other).all() for one, other in zip(batches, again, strict=True))


def test_batches_of_long_datasets_have_little_padding_and_change_from_epoch_to_epoch() -> None:
    lengths = np.random.default_rng(0).integers(4, 60, 20_000)
    batches = epoch_batches(lengths, 64, seed=0, epoch=0)
    tokens = sum(int(lengths[rows].max()) * len(rows) for rows in batches)
    assert lengths.sum() / tokens > 0.95
    other = epoch_batches(lengths, 64, seed=0, epoch=1)
    assert any((one != two).any() for one, two in zip(batches, other, strict=True) if len(one) == len(two))


@given(lengths, st.integers(1, 200))
def test_scoring_batches_hold_each_session_once_within_the_token_budget(lengths: np.ndarray, tokens: int) -> None:
    batches = list(length_batches(lengths, tokens))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(rows) == 1 or int(lengths[rows].max()) * len(rows) <= tokens for rows in batches)

"""Sessions as tokens and the batches made of them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.logs import store
from isang.logs.store import open_dataset, write_dataset
from isang.model.batches import (
    Sessions,
    batches_per_epoch,
    cut,
    epoch_batches,
    equal_length_batches,
    first_appearances,
    from_sequences,
    learn_sessions,
    length_batches,
    to_sessions,
)
from isang.model.vocabulary import BEGIN, END, MARKS, UNSEEN
from tests.synthetic import ORDER, RARE_EVENT, learn_vocabulary, shop_dataset

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


def test_tokens_in_a_mapped_file_are_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from a folder a few sessions at a time, in the order asked for; the file has no name to be left behind."""
    monkeypatch.setattr(store, "PIECE_SESSIONS", 7)
    dataset = shop_dataset(40)
    turned = dataclasses.replace(dataset, sessions=dataset.sessions.reverse())
    write_dataset(turned, tmp_path / "data")
    stored = open_dataset(tmp_path / "data")
    rows = np.array([5, 39, 0, 17])
    vocabulary = learn_vocabulary(stored, rows)
    assert vocabulary == learn_vocabulary(dataset, rows)
    in_memory = to_sessions(dataset, vocabulary, rows)
    (beside := tmp_path / "run").mkdir()
    _, mapped = learn_sessions(stored, rows, len(rows), beside=beside)
    assert isinstance(mapped.flat.base, np.memmap)
    assert mapped.flat.tolist() == in_memory.flat.tolist()
    assert mapped.offsets.tolist() == in_memory.offsets.tolist()
    assert list(beside.iterdir()) == []


def test_two_parts_of_sessions() -> None:
    sessions = some_sessions()
    for at in range(5):
        before, after = sessions.halves(at)
        assert [part.tolist() for part in (*before, *after)] == [part.tolist() for part in sessions]
        assert len(before.flat) + len(after.flat) == len(sessions.flat)


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


def test_vocabulary_and_sessions_in_one_reading_are_those_of_two(tmp_path: Path) -> None:
    dataset = shop_dataset(60)
    rows = np.random.default_rng(0).permutation(60)[:50]
    write_dataset(dataset, tmp_path / "data")
    vocabulary = learn_vocabulary(dataset, rows[:20])
    expected = to_sessions(dataset, vocabulary, rows)
    for source in (dataset, open_dataset(tmp_path / "data")):
        learned, sessions = learn_sessions(source, rows, 20, beside=tmp_path)
        assert learned == vocabulary
        assert sessions.flat.tolist() == expected.flat.tolist()
        assert sessions.offsets.tolist() == expected.offsets.tolist()


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=3), max_size=40))
def test_distinct_sessions_are_those_of_a_dictionary_in_order_of_appearance(sequences: list[list[int]]) -> None:
    sessions = from_sequences([np.array(sequence, dtype=np.int32) for sequence in sequences])
    places: dict[tuple[int, ...], int] = {}
    expected = [places.setdefault(tuple(sequence), len(places)) for sequence in sequences]
    distinct, inverse = sessions.distinct()
    assert inverse.tolist() == expected
    assert [tuple(distinct[index].tolist()) for index in range(len(distinct))] == list(places)


def test_sessions_are_taken_in_pieces_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions, rows = some_sessions(), np.random.default_rng(0).permutation(len(some_sessions()))
    whole = sessions.take(rows)
    monkeypatch.setattr("isang.model.batches.TAKEN_AT_ONCE", 2)
    pieces = sessions.take(rows)
    assert pieces.flat.tolist() == whole.flat.tolist()
    assert pieces.offsets.tolist() == whole.offsets.tolist()


def test_distinct_sessions_and_their_places() -> None:
    sessions = some_sessions()
    distinct, inverse = sessions.distinct()
    assert len(distinct) == 3
    for row in range(len(sessions)):
        assert distinct[int(inverse[row])].tolist() == sessions[row].tolist()


@given(st.data())
def test_taking_sessions(data: st.DataObject) -> None:
    sessions = some_sessions()
    rows = np.array(data.draw(st.lists(st.integers(0, 3))), dtype=np.int64)
    taken = sessions.take(rows)
    assert [taken[place].tolist() for place in range(len(rows))] == [sessions[int(row)].tolist() for row in rows]
    places, offsets = sessions.places(rows)
    assert sessions.flat[places].tolist() == taken.flat.tolist()
    assert offsets.tolist() == taken.offsets.tolist()


@given(lengths, st.integers(3, 50))
def test_cutting_loses_nothing_and_leaves_no_end_alone(lengths: np.ndarray, limit: int) -> None:
    sessions = from_sequences([np.arange(length, dtype=np.int32) for length in lengths])
    pieces, starts = cut(sessions, limit)
    assert pieces.flat.tolist() == sessions.flat.tolist()
    assert pieces.lengths.max() <= limit
    assert pieces.lengths.min() >= 2
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


def test_a_batch_is_a_random_draw_with_equal_lengths_side_by_side() -> None:
    """The mean lengths of batches scatter as those of random draws do, so that a loss shows no pattern of lengths."""
    lengths = np.random.default_rng(0).integers(4, 60, 20_000)
    batches = epoch_batches(lengths, 64, seed=0, epoch=0)
    assert all((np.diff(lengths[rows]) >= 0).all() for rows in batches)
    means = np.array([lengths[rows].mean() for rows in batches[:-1]])
    expected = lengths.std() / np.sqrt(64)
    assert 0.8 * expected < means.std() < 1.2 * expected
    other = epoch_batches(lengths, 64, seed=0, epoch=1)
    assert sorted(batches[0].tolist()) != sorted(other[0].tolist())


@given(lengths, st.integers(1, 200))
def test_scoring_batches_hold_each_session_once_within_the_token_budget(lengths: np.ndarray, tokens: int) -> None:
    batches = list(length_batches(lengths, tokens))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(rows) == 1 or lengths[rows].sum() <= tokens for rows in batches)


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=20).map(np.int32), max_size=20))
def test_first_appearances_keep_each_token_once_in_order(sequences: list[np.ndarray]) -> None:
    sessions = from_sequences(sequences)
    once = first_appearances(sessions)
    assert [once[index].tolist() for index in range(len(once))] == [
        list(dict.fromkeys(row.tolist())) for row in sequences
    ]


@given(lengths, st.integers(1, 200))
def test_batches_of_equal_length_hold_each_session_once(lengths: np.ndarray, tokens: int) -> None:
    batches = list(equal_length_batches(lengths, tokens))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(set(lengths[rows])) == 1 for rows in batches)
    assert all(len(rows) == 1 or lengths[rows].sum() <= tokens for rows in batches)


def test_an_event_without_a_template_is_unseen() -> None:
    dataset = shop_dataset(30)
    vocabulary = learn_vocabulary(dataset, np.arange(30))
    fewer = dataclasses.replace(dataset, templates=dataset.templates.head(5))
    tokens, known = to_sessions(fewer, vocabulary).flat, to_sessions(dataset, vocabulary).flat
    assert set(tokens[tokens != known].tolist()) == {UNSEEN}
    assert (tokens == known).any()

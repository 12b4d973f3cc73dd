"""Rare lines of failure among the sessions that are learned as normal are counted, and the first ones are named."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from isang.model.batches import Sessions, from_sequences
from isang.model.vocabulary import BEGIN, END, MARKS, Vocabulary
from isang.training.journal import suspicious_normal
from isang.training.journal.suspicious_normal import RARE_SHARE, NormalSessions, RareFailure, look_for_failures

VOCABULARY = Vocabulary(
    ("order <*> placed", "payment declined", "read failed on <*>", "disk <*> replaced", "retry <*>"),
    ("INFO", "INFO", "WARN", "FATAL", "INFO"),
)
PLACED, DECLINED, FAILED, REPLACED, RETRY = range(len(MARKS), len(MARKS) + 5)
TELLING = {DECLINED, FAILED, REPLACED, RETRY}


def of(sequences: list[list[int]]) -> Sessions:
    return from_sequences([np.array([BEGIN, *tokens, END], dtype=np.int32) for tokens in sequences])


def ids(count: int) -> pl.Series:
    return pl.Series([f"order {number}" for number in range(count)])


def test_failures_by_hand() -> None:
    """A level or a word tells of a failure; what stands in more than 2 in 100 sessions is usual; nothing twice."""
    sequences = [[PLACED]] * 200
    sequences[10] = [PLACED, FAILED, FAILED, REPLACED]
    sequences[20] = [FAILED]
    for row in range(100, 105):
        sequences[row] = [DECLINED]  # 2.5 %
    found = look_for_failures(of(sequences), VOCABULARY, np.ones(200, dtype=bool), ids(200))
    named = RareFailure("read failed on <*>", 2, "order 10"), RareFailure("disk <*> replaced", 1, "order 10")
    assert found == NormalSessions(200, with_rare_failures=2, templates=2, named=named)


def test_sessions_that_a_label_calls_normal_are_not_asked_about() -> None:
    sequences = [[PLACED]] * 198 + [[FAILED]] * 2
    unlabelled = np.ones(200, dtype=bool)
    unlabelled[198] = False
    found = look_for_failures(of(sequences), VOCABULARY, unlabelled, ids(200))
    assert found == NormalSessions(199, 1, 1, (RareFailure("read failed on <*>", 1, "order 199"),))
    nobody = look_for_failures(of(sequences), VOCABULARY, np.zeros(200, dtype=bool), ids(200))
    assert nobody == NormalSessions(unlabelled=0)


@given(st.lists(st.lists(st.integers(PLACED, RETRY), max_size=4), min_size=1, max_size=120), st.data())
def test_the_counts_are_those_of_counting_one_by_one(sequences: list[list[int]], data: st.DataObject) -> None:
    count = len(sequences)
    unlabelled = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    mine = [set(tokens) & TELLING for tokens, asked in zip(sequences, unlabelled, strict=True) if asked]
    frequent = {token for token in TELLING if sum(token in tokens for tokens in mine) > RARE_SHARE * len(mine)}
    rare = [tokens - frequent for tokens in mine]
    found = look_for_failures(of(sequences), VOCABULARY, np.array(unlabelled), ids(count))
    assert (found.unlabelled, found.with_rare_failures) == (len(mine), sum(map(bool, rare)))
    assert found.templates == len(set().union(*rare))


def test_parts_of_the_sessions_give_what_the_whole_gives() -> None:
    generator = np.random.default_rng(0)
    sequences = [generator.choice([PLACED, *TELLING], 3, p=[0.96, *[0.01] * 4]).tolist() for _ in range(500)]
    asked = np.array([False] * len(MARKS) + [False, True, True, True, True])
    rows, tokens = suspicious_normal._pairs(of(sequences), 0, 500, asked)
    split = [suspicious_normal._pairs(of(sequences), start, start + 100, asked) for start in range(0, 500, 100)]
    assert rows.tolist() == np.concatenate([part for part, _ in split]).tolist()
    assert tokens.tolist() == np.concatenate([part for _, part in split]).tolist()
    assert len(rows) > 20

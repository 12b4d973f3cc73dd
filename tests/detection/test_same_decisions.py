"""Threads and batches decide nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from isang.artifact import Model
from isang.detection.detectors import DETECTORS, fit
from isang.detection.detectors.encoder import masked_model
from isang.detection.detectors.timed_sessions import timed_sessions, untimed
from isang.detection.threshold.decisions import judge, judge_sessions
from isang.logs.store import Dataset
from isang.model.answered import Answered
from isang.model.batches import Sessions, from_sequences, to_sessions


@pytest.fixture(scope="module")
def sessions(trained: Model, dataset: Dataset) -> Sessions:
    """Sessions as they are, and each once more with two events exchanged."""
    found = to_sessions(dataset, trained.vocabulary, np.arange(450, 550))
    generator = np.random.default_rng(3)
    changed = []
    for row in range(len(found)):
        tokens = found[row].copy()
        one, other = generator.integers(1, len(tokens) - 1, 2)
        tokens[[one, other]] = tokens[[other, one]]
        changed.append(tokens)
    return from_sequences([*(found[row] for row in range(len(found))), *changed])


def decided(model: Model, sessions: Sessions) -> list[bool]:
    asked_anew = replace(model, answered=Answered())
    judged = judge_sessions(asked_anew, untimed(sessions, model.vocabulary.size))
    return [decision.anomalous for decision in judged[2]]


def test_sessions_are_judged_alone_as_in_company(trained: Model, sessions: Sessions) -> None:
    together = decided(trained, sessions)
    assert 0 < sum(together) < len(together)
    for size in (1, 256):
        parts = [sessions.take(np.arange(at, min(at + size, len(sessions)))) for at in range(0, len(sessions), size)]
        assert [anomalous for part in parts for anomalous in decided(trained, part)] == together


def test_batches_and_threads_change_no_decision(
    trained: Model, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = decided(trained, sessions)
    before = torch.get_num_threads()
    try:
        for threads, tokens in ((1, 64), (2, 64), (2, masked_model.SCORING_TOKENS)):
            torch.set_num_threads(threads)
            monkeypatch.setattr(masked_model, "SCORING_TOKENS", tokens)
            assert decided(trained, sessions) == expected
    finally:
        torch.set_num_threads(before)


def test_scores_that_are_known_are_those_that_would_be_worked_out(
    trained: Model, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isang.model.answered.MOST_NUMBERS", 400)  # some are forgotten on the way
    known = replace(trained, answered=Answered())
    for begin in (400, 450, 425, 400):
        rows = np.arange(begin, begin + 50)
        asked, expected = judge(known, dataset, rows), judge(replace(trained, answered=Answered()), dataset, rows)
        np.testing.assert_array_equal(asked.scores_DS, expected.scores_DS)
        assert asked.decisions == expected.decisions


def test_no_sessions_are_no_decisions(trained: Model) -> None:
    assert decided(trained, from_sequences([])) == []


def test_two_models_in_two_threads_give_what_each_gives_alone(trained: Model, dataset: Dataset) -> None:
    """The other model learned from the second half of the dataset; what each keeps is its own."""
    rows = np.arange(500, 1_000)
    known = timed_sessions(dataset, trained.vocabulary, rows)
    other = replace(trained, fitted=fit(DETECTORS, known), calibration=trained.calibration[100:])
    asked = timed_sessions(dataset, trained.vocabulary, np.arange(300, 700))
    alone = [judge_sessions(replace(model), asked)[1] for model in (trained, other)]
    assert not np.array_equal(*alone)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            together = pool.map(lambda model: judge_sessions(replace(model), asked)[1], (trained, other))
            for mine, expected in zip(together, alone, strict=True):
                np.testing.assert_array_equal(mine, expected)


def test_scoring_leaves_torchs_threads_as_they_are(trained: Model, sessions: Sessions) -> None:
    """Not even threads that begin while it scores see another number."""
    decided(trained, sessions)  # the threads that score are made once
    before, done, seen = torch.get_num_threads(), threading.Event(), set[int]()

    def look() -> None:
        while not done.is_set():
            look_once = threading.Thread(target=lambda: seen.add(torch.get_num_threads()))
            look_once.start()
            look_once.join()

    looking = threading.Thread(target=look)
    looking.start()
    decided(trained, sessions)
    done.set()
    looking.join()
    assert seen == {before}

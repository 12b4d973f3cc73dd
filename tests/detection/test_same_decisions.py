"""Threads and batches decide nothing."""

import numpy as np
import pytest
import torch

from isang.artifact import Model
from isang.detection.detectors.encoder import masked_model
from isang.detection.detectors.timed_sessions import untimed
from isang.detection.threshold.decisions import judge_sessions
from isang.logs.store import Dataset
from isang.model.batches import Sessions, from_sequences, to_sessions


@pytest.fixture(scope="module")
def sessions(trained: Model, dataset: Dataset) -> Sessions:
    """Sessions as they are, and each once more with two events exchanged."""
    found = to_sessions(dataset, trained.vocabulary, np.arange(400, 700))
    generator = np.random.default_rng(3)
    changed = []
    for row in range(len(found)):
        tokens = found[row].copy()
        one, other = generator.integers(1, len(tokens) - 1, 2)
        tokens[[one, other]] = tokens[[other, one]]
        changed.append(tokens)
    return from_sequences([*(found[row] for row in range(len(found))), *changed])


def decided(model: Model, sessions: Sessions) -> list[bool]:
    return [decision.anomalous for decision in judge_sessions(model, untimed(sessions, model.vocabulary.size))[2]]


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


def test_no_sessions_are_no_decisions(trained: Model) -> None:
    assert decided(trained, from_sequences([])) == []

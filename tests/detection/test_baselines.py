"""Trivial rules against answers made by hand and against slow definitions."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.detectors.baselines import (
    BASELINES,
    NEAREST_AMONG,
    edit_distance,
    error_line,
    two_gram,
    unseen_template,
)
from isang.logs.store import SESSIONS_SCHEMA, Dataset
from isang.model.batches import Sessions, to_sessions
from tests.synthetic import BROWSE, ORDER, RARE_EVENT


def of(dataset: Dataset, *sequences: tuple[int, ...]) -> Dataset:
    """The dataset with other sessions."""
    rows = [{"session_id": str(place), "events": list(events)} for place, events in enumerate(sequences)]
    return replace(dataset, sessions=pl.DataFrame(rows, schema=SESSIONS_SCHEMA))


def scored(baseline: object, model: Model, dataset: Dataset) -> list[float]:
    rows = np.arange(len(dataset.sessions))
    scores = baseline(model, dataset, rows, to_sessions(dataset, model.vocabulary, rows))  # type: ignore[operator]
    return [float(score) for score in scores]


def levenshtein(one: list[int], other: list[int]) -> int:
    """The textbook's table (Wagner and Fischer 1974)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def test_lines_with_an_error_and_lines_never_seen(trained: Model, dataset: Dataset) -> None:
    later = of(dataset, BROWSE, (*BROWSE, RARE_EVENT, RARE_EVENT), (RARE_EVENT,), ())
    assert scored(error_line, trained, later) == [0, 2, 1, 0]
    assert scored(unseen_template, trained, later) == [0, 2, 1, 0]


def test_steps_that_no_training_session_has(trained: Model, dataset: Dataset) -> None:
    swapped = (0, 2, 1, *BROWSE[3:])
    later = of(dataset, BROWSE, ORDER, swapped, BROWSE[:3], ())
    assert scored(two_gram, trained, later) == [0, 0, 3, 1, 1]


def test_the_edit_distance_is_that_of_the_nearest_normal_session(trained: Model, dataset: Dataset) -> None:
    later = of(dataset, BROWSE, BROWSE[:-1], (*BROWSE[:2], RARE_EVENT, *BROWSE[2:]), (8, 8, 8), ())
    tokens = to_sessions(later, trained.vocabulary)
    assert len(trained.normal) < NEAREST_AMONG

    def slowly(sessions: Sessions, index: int) -> float:
        own = sessions[index].tolist()[1:-1]
        normal = [trained.normal[row].tolist()[1:-1] for row in range(len(trained.normal))]
        return min(levenshtein(own, other) / max(len(own), len(other)) for other in normal)

    expected = [slowly(tokens, index) for index in range(len(tokens))]
    assert scored(edit_distance, trained, later) == pytest.approx(expected)
    assert expected[:2] == [0, 1 / 5]


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: baseline.name)
def test_every_rule_scores_every_session_and_says_the_same_of_the_same(
    trained: Model, dataset: Dataset, baseline: object
) -> None:
    later = of(dataset, BROWSE, ORDER, BROWSE, (RARE_EVENT,) * 3)
    scores = scored(baseline.score, trained, later)  # type: ignore[attr-defined]
    assert len(scores) == 4
    assert scores[0] == scores[2]
    assert np.isfinite(scores).all()

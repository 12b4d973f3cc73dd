"""Failure lines by hand, and new lines by their loudness."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.config import DetectionConfig
from isang.detection.detectors import DETECTORS, fit
from isang.detection.detectors.contract import Evidence
from isang.detection.detectors.lines.failure_lines import lines_of
from isang.detection.detectors.timed_sessions import TimedSessions, timed_sessions
from isang.detection.threshold.contamination import suspects, without_suspects
from isang.model.vocabulary import vocabulary_of
from isang.testing import dataset_of
from tests.detection.fitting import named
from tests.test_artifact import some_model

LEVELS = {"disk is slow": "WARNING", "disk is gone": "ERROR", "cache refused": "INFO"}
NORMAL = [["begin", "end"]] * 90 + [["begin", "disk is slow", "end"]] * 9 + [["disk is slow"] * 4]


@pytest.fixture(scope="module")
def model() -> Model:
    dataset = dataset_of(NORMAL, levels={"disk is slow": "WARNING"})
    vocabulary = vocabulary_of(dataset, np.arange(3))
    known = timed_sessions(dataset, vocabulary, np.arange(100))
    return replace(some_model(), vocabulary=vocabulary, fitted=fit(DETECTORS, known))


def seen_in(model: Model, *sessions: list[str]) -> TimedSessions:
    return timed_sessions(dataset_of(sessions, levels=LEVELS), model.vocabulary, np.arange(len(sessions)))


def scores(model: Model, name: str, *sessions: list[str]) -> list[float]:
    return [float(score) for score in named(name).score(Evidence(model, seen_in(model, *sessions)))]


def test_an_error_is_as_strange_as_it_is_unusual_here(model: Model) -> None:
    """10 of 100 sessions have a warning, 1 has four of them, none has an error."""
    found = scores(model, "failure_lines", ["begin"], ["disk is slow"], ["disk is slow"] * 3, ["disk is slow"] * 8)
    assert found == pytest.approx([0, -np.log(11 / 101), -np.log(2 / 101), -np.log(0.5 / 101)])
    error, refused = scores(model, "failure_lines", ["disk is gone"], ["cache refused"])
    assert error == pytest.approx(-np.log(np.exp(-2) / 101)), "one class louder than any"
    assert refused == pytest.approx(-np.log(11 / 101)), "a failure word is no louder than the warnings that come"


def test_lines_are_counted_by_class(model: Model) -> None:
    assert lines_of(seen_in(model, ["begin", "disk is gone", "disk is slow", "cache refused"])).tolist() == [[3, 2, 1]]


def test_a_new_line_is_as_loud_as_it_says(model: Model) -> None:
    found = scores(model, "unseen_event", ["begin"], ["hello"], ["cache refused"], ["disk is gone", "hello"])
    assert found == [0, 1, 2, 4]


def test_quiet_new_lines_in_the_held_out_stretch_stay_in_the_calibration_of_their_detector() -> None:
    """Each makes other detectors wonder, so that its session is suspected; a loud one is left out."""
    size = 2_000
    table = pl.DataFrame({detector.name: np.random.default_rng(0).random(size) for detector in DETECTORS})
    table = table.with_columns(unseen_event=pl.lit(0.0))
    quiet, loud = [10, 900, 1_500], [400]
    strange = np.isin(np.arange(size), quiet + loud)
    table = table.with_columns(
        transition=pl.when(pl.Series(strange)).then(90.0).otherwise("transition"),
        unseen_event=pl.when(pl.Series(np.isin(np.arange(size), quiet))).then(1.0)
        .when(pl.Series(np.isin(np.arange(size), loud))).then(4.0).otherwise("unseen_event"),
    )  # fmt: skip
    found = suspects(DETECTORS, table, np.ones(size, dtype=bool), DetectionConfig())
    assert set(quiet + loud) <= set(np.flatnonzero(found).tolist())
    left = without_suspects(DETECTORS, table, found)
    assert (left["unseen_event"] == 1).sum() == len(quiet)
    assert left["unseen_event"].max() == 1
    assert left["transition"].drop_nulls().max() < 1
    assert len(left.drop_nulls()) == size - found.sum()

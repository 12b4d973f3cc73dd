"""Rare templates by hand, and models that know nothing of rarity."""

from dataclasses import replace

import numpy as np
import pytest

from isang.artifact import Model
from isang.detection.detectors.rare_event import rarity, sessions_with
from isang.detection.detectors.scores import DETECTORS, Evidence, rare_event
from isang.detection.threshold.decisions import judge_sessions
from isang.model.batches import from_sequences
from isang.model.vocabulary import BEGIN, END, MARKS, UNSEEN

FIRST = len(MARKS)
NAMES = [detector.name for detector in DETECTORS]


def model_of(trained: Model) -> Model:
    """A thousand normal sessions: 998 of two lines, 2 with a third."""
    common, rare = [BEGIN, FIRST, FIRST + 1, END], [BEGIN, FIRST, FIRST + 2, FIRST + 2, END]
    normal = from_sequences([np.array(common, dtype=np.int32), np.array(rare, dtype=np.int32)])
    return replace(trained, normal=normal, normal_counts=np.array([998, 2]))


def test_sessions_are_counted_once(trained: Model) -> None:
    model = model_of(trained)
    assert sessions_with(model)[FIRST : FIRST + 4].tolist() == [1_000, 998, 2, 0]
    assert rarity(model)[FIRST] == 0
    assert rarity(model)[FIRST + 2] == pytest.approx(np.log(1_001 / 3))
    assert rarity(model)[:FIRST].tolist() == [0] * FIRST, "what was never seen is the business of another detector"


def test_the_rarest_line_counts(trained: Model) -> None:
    asked = [[BEGIN, END], [BEGIN, FIRST, UNSEEN, END], [BEGIN, FIRST, FIRST + 2, FIRST + 1, END]]
    scores = rare_event(Evidence(model_of(trained), from_sequences([np.array(one, dtype=np.int32) for one in asked])))
    assert scores == pytest.approx([0, 0, np.log(1_001 / 3)])


def test_a_model_that_was_calibrated_without_a_detector_does_not_hear_it(trained: Model) -> None:
    earlier = replace(trained, calibration=trained.calibration.drop("rare_event"))
    _, p_values_DS, decisions = judge_sessions(earlier, trained.normal)
    assert (p_values_DS[NAMES.index("rare_event")] == 1).all()
    assert not any(decision.anomalous for decision in decisions)

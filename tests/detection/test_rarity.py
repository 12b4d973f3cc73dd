"""Rare templates by hand."""

import numpy as np
import pytest

from isang.artifact import Model
from isang.detection.detectors.lines.rare_event import rarity, sessions_with
from isang.detection.detectors.scoring import score
from isang.model.batches import from_sequences
from isang.model.vocabulary import BEGIN, END, MARKS, UNSEEN
from tests.detection.fitting import named, seen, with_normal

FIRST = len(MARKS)


def model_of(trained: Model) -> Model:
    """A thousand normal sessions: 998 of two lines, 2 with a third."""
    common, rare = [BEGIN, FIRST, FIRST + 1, END], [BEGIN, FIRST, FIRST + 2, FIRST + 2, END]
    normal = from_sequences([np.array(common, dtype=np.int32), np.array(rare, dtype=np.int32)])
    return with_normal(trained, normal, np.array([998, 2]))


def test_sessions_are_counted_once(trained: Model) -> None:
    model = model_of(trained).fitted
    assert sessions_with(model)[FIRST : FIRST + 4].tolist() == [1_000, 998, 2, 0]
    assert rarity(model)[FIRST] == 0
    assert rarity(model)[FIRST + 2] == pytest.approx(np.log(1_001 / 3))
    assert rarity(model)[:FIRST].tolist() == [0] * FIRST, "what was never seen is the business of another detector"


def test_the_rarest_line_counts(trained: Model) -> None:
    asked = [[BEGIN, END], [BEGIN, FIRST, UNSEEN, END], [BEGIN, FIRST, FIRST + 2, FIRST + 1, END]]
    sessions = from_sequences([np.array(one, dtype=np.int32) for one in asked])
    assert score(named("rare_event"), seen(model_of(trained), sessions)) == pytest.approx([0, 0, np.log(1_001 / 3)])

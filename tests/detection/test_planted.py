"""What is planted is what was meant, and a detector that sees it is told apart from one that does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.artifact import Model
from isang.detection.decisions import judge
from isang.detection.planted import KINDS, REPEATS, Plant, plant
from isang.logs.store import Dataset
from isang.model.vocabulary import BEGIN, END, MARKS, UNSEEN

sessions = st.lists(st.integers(len(MARKS), 12), min_size=1, max_size=30).map(
    lambda events: np.array([BEGIN, *events, END], dtype=np.int32)
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(tokens=sessions, seed=st.integers(0, 1_000))
def test_a_planted_session_differs_in_just_the_way_that_its_kind_says(
    kind: Plant, tokens: np.ndarray, seed: int
) -> None:
    before = tokens.copy()
    planted = kind(tokens, np.random.default_rng(seed))
    assert (tokens == before).all(), "the session itself stays as it was"
    if planted is None:
        return
    assert planted[0] == BEGIN
    assert planted[-1] == END
    assert planted.tolist() != tokens.tolist()
    grown = len(planted) - len(tokens)
    if kind.__name__ == "unseen_event":
        assert grown == 1
        assert (planted == UNSEEN).sum() == 1
    elif kind.__name__ == "missing_event":
        assert grown == -1
    elif kind.__name__ == "early_end":
        assert -len(tokens) < grown < 0
        assert planted[:-1].tolist() == tokens[: len(planted) - 1].tolist()
    elif kind.__name__ == "swapped_order":
        assert sorted(planted) == sorted(tokens)
    else:
        assert grown == REPEATS


def test_the_share_found_is_reported_by_kind(trained: Model, dataset: Dataset) -> None:
    judged = judge(trained, dataset, np.arange(500, 1_000))
    labels = dataset.sessions["label"].to_numpy()[500:]
    result = plant(trained, judged, ~labels)
    assert [part["kind"] for part in result] == [kind.__name__ for kind in KINDS]
    by_kind = {part["kind"]: part for part in result}
    assert by_kind["unseen_event"]["found"]["value"] == 1
    assert by_kind["missing_event"]["found"]["value"] > 0.8
    assert all(part["planted"] == 300 for part in result)
    assert plant(trained, judged, ~labels) == result, "the same seed plants the same"
    assert plant(trained, judged, np.zeros(500, dtype=bool))[0]["found"]["value"] is None

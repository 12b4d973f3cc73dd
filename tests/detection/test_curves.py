"""What the pictures show, by hand and as laws."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isang.detection.evaluation.metrics import precision_recall
from isang.detection.evaluation.quality_curves import CURVE_POINTS, HIGHEST_SCORE, curves


@given(st.lists(st.tuples(st.floats(0, 400), st.sampled_from([True, False, None])), min_size=1, max_size=400))
def test_every_session_is_in_the_histogram_once_and_the_curve_has_its_ends(
    pairs: list[tuple[float, bool | None]],
) -> None:
    scores = np.array([score for score, _ in pairs])
    labelled = np.array([label is not None for _, label in pairs])
    anomalous = np.array([label is True for _, label in pairs])
    drawn = curves(scores, labelled, anomalous)
    histogram = drawn["scores"]
    assert sum(histogram["anomalous"]) == anomalous.sum()
    assert sum(histogram["normal"]) == (labelled & ~anomalous).sum()
    assert sum(histogram["unlabelled"]) == (~labelled).sum()
    assert histogram["edges"][-1] <= HIGHEST_SCORE
    curve = drawn["precision_recall"]
    if not anomalous.any():
        assert curve is None
        return
    points = list(zip(curve["score"], curve["precision"], curve["recall"], strict=True))
    every = list(zip(*(side.tolist() for side in precision_recall(scores[labelled], anomalous[labelled])), strict=True))
    assert set(points) <= set(every)
    assert points[0] == every[0]
    assert points[-1] == every[-1]
    assert len(points) <= CURVE_POINTS + 2

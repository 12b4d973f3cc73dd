"""How values are written into Korean sentences, and where labels stand."""

import pytest

from isang.runs.plots.label_placement import beside
from isang.runs.text.korean_particles import with_particles


@pytest.mark.parametrize(
    ("open_", "settled"),
    [
        ("0.2은(는)", "0.2는"),
        ("100,000(으)로", "100,000으로"),
        ("1e-06이(가)", "1e-06이"),
        ("1.97(으)로", "1.97로"),
        ("3 %(으)로", "3 %로"),
        ("6.6 σ을(를)", "6.6 σ를"),
        ("5.67시간을(를)", "5.67시간을"),
        ("2.5초을(를) 절약, 손실이(가)", "2.5초를 절약, 손실이"),
        ("0.0084(최고값의 84 %)(으)로", "0.0084(최고값의 84 %)로"),
        ("train_loss(으)로", "train_loss(으)로"),
        ("수준(평균)은 그대로", "수준(평균)은 그대로"),
    ],
)
def test_particles_follow_the_way_a_value_is_read(open_: str, settled: str) -> None:
    assert with_particles(open_) == settled


def test_labels_keep_to_the_side_where_the_line_does_not_run() -> None:
    falling, valley = [1.0, 0.4, 0.3, 0.29], [1.0, 0.2, 0.9]
    assert [beside(falling, index)["ha"] for index in range(4)] == ["center", "left", "left", "center"]
    assert beside(falling[::-1], 2)["ha"] == "right"
    assert beside(valley, 1)["xytext"][1] < 0
    assert beside([0.5], 0)["ha"] == "center"

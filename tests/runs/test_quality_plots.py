"""The pictures of an evaluation: what they show is in the evaluation, and the same evaluation gives the same bytes."""

from typing import Any
from xml.etree import ElementTree

from isang.runs.plots.quality_plots import pictures


def share(value: float | None) -> dict[str, float | None]:
    return {"value": value, "low": value, "high": value}


def evaluation() -> dict[str, Any]:
    """A small one, by hand."""
    metrics = {"precision": share(0.75), "recall": share(0.6), "average_precision": share(0.812)}
    silent = {"precision": share(None), "recall": share(0.0), "average_precision": share(0.1)}
    return {
        "measured": True,
        "sessions": {"labelled": 100, "anomalous": 5},
        "budget": {"asked_per_thousand": 2.0},
        "metrics": metrics,
        "baselines": [{"name": "error_line", "metrics": silent}, {"name": "count_vector", "metrics": metrics}],
        "curves": {
            "precision_recall": {"score": [5, 3, 0], "precision": [1, 0.75, 0.05], "recall": [0.2, 0.6, 1]},
            "scores": {"edges": [0, 2, 4, 6], "normal": [94, 1, 0], "anomalous": [2, 2, 1], "unlabelled": [0, 0, 0]},
        },
    }


def texts(svg: str) -> str:
    return " ".join(node.text or "" for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("text"))


def test_the_pictures_name_what_they_show() -> None:
    drawn = pictures(evaluation())
    assert sorted(drawn) == ["precision_recall.svg", "scores.svg"]
    curve, scores = texts(drawn["precision_recall.svg"]), texts(drawn["scores.svg"])
    for words in ("0.812", "isang at 2 per 1,000", "count vector", "any ERROR line: flags nothing", "0.050"):
        assert words in curve, words
    for words in ("normal (95)", "anomalous (5)", "alert: 2 per 1,000"):
        assert words in scores, words
    assert "unlabelled" not in scores
    assert pictures(evaluation()) == drawn


def test_without_labels_there_is_no_precision_to_draw() -> None:
    unlabelled = {"edges": [0, 2, 4], "normal": [0, 0], "anomalous": [0, 0], "unlabelled": [7, 3]}
    given = evaluation() | {
        "measured": False, "metrics": None, "baselines": [], "curves": {"precision_recall": None, "scores": unlabelled},
    }  # fmt: skip
    drawn = pictures(given)
    assert list(drawn) == ["scores.svg"]
    assert "unlabelled (10)" in texts(drawn["scores.svg"])

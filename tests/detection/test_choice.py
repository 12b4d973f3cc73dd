"""Which detectors carry the result is told from what was planted, and an encoder that adds nothing is named."""

from dataclasses import replace

import polars as pl

from isang.artifact import Model
from isang.detection.detectors import DETECTORS
from isang.detection.evaluation.choice import choice
from isang.summaries import encoder_says


def planted(model: Model, finder: str) -> Model:
    """The model as if one detector alone had found everything that was planted."""
    scores = {detector.name: [0.0] * 10 for detector in DETECTORS} | {finder: [1e6] * 10}
    return replace(model, planted=pl.DataFrame({"kind": ["missing_event"] * 10, **scores}))


def test_the_detector_that_finds_it_carries_it(trained: Model) -> None:
    found = choice(planted(trained, "event_counts"))
    assert found is not None
    assert found["detectors"][0]["name"] == "event_counts"
    assert found["detectors"][0]["alone"] == 1.0
    assert not found["encoder_adds"]
    assert "adds nothing" in encoder_says(found)[0]


def test_an_encoder_that_finds_it_alone_adds_something(trained: Model) -> None:
    found = choice(planted(trained, "masked_event"))
    assert found is not None
    assert found["encoder_adds"]
    assert (found["found"], found["without_encoder"]) == (1.0, 0.0)
    assert encoder_says(found) == []


def test_nothing_planted_says_nothing(trained: Model) -> None:
    assert choice(replace(trained, planted=None)) is None

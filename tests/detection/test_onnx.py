"""Scored with onnxruntime, sessions get the surprises and the decisions that they get with torch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isang.artifact import Model
from isang.detection.detectors.encoder import masked_model as measured
from isang.detection.detectors.encoder.masked_model import event_probabilities, gap_probabilities, surprise
from isang.logs.store import Dataset
from isang.model.batches import Sessions, to_sessions
from isang.model.onnx.export import read_onnx, write_onnx
from isang.model.onnx.scoring import OnnxEncoder
from tests.detection.fitting import judged_alone

pytest.importorskip("onnx", reason="needs the extra isang[onnx]")
pytest.importorskip("onnxruntime", reason="needs the extra isang[onnx]")


@pytest.fixture(scope="module")
def exported(trained: Model, tmp_path_factory: pytest.TempPathFactory) -> Model:
    file: Path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_onnx(trained.encoder, trained.vocabulary, file)
    return replace(trained, onnx=OnnxEncoder(read_onnx(file, trained.encoder, trained.vocabulary)))


@pytest.fixture(scope="module")
def sessions(trained: Model, dataset: Dataset) -> Sessions:
    return to_sessions(dataset, trained.vocabulary, np.arange(400, 1_000))


def test_decisions_and_scores_are_those_of_torch(trained: Model, exported: Model, sessions: Sessions) -> None:
    expected, found = judged_alone(trained, sessions).decisions, judged_alone(exported, sessions).decisions
    assert 0 < sum(decision.anomalous for decision in expected) < len(sessions)
    assert [decision.anomalous for decision in found] == [decision.anomalous for decision in expected]
    step = 10.0**-measured.DECIMALS  # a surprise at the edge of rounding may fall to the other side
    for mine, its in zip(surprise(exported, sessions), surprise(trained, sessions), strict=True):
        np.testing.assert_allclose(mine, its, rtol=0, atol=1.01 * step)


def test_onnxruntime_answers_and_not_torch(exported: Model) -> None:
    encoder = measured.scoring_encoder(exported)
    assert encoder is exported.onnx


def test_what_was_expected_instead_is_what_torch_expects(trained: Model, exported: Model, sessions: Sessions) -> None:
    tokens = sessions[0]
    for probabilities in (event_probabilities, gap_probabilities):
        expected = probabilities(trained, tokens, 2)
        assert expected.sum() == pytest.approx(1)
        np.testing.assert_allclose(probabilities(exported, tokens, 2), expected, rtol=0, atol=1e-5)


def test_batches_change_no_decision(exported: Model, sessions: Sessions) -> None:
    together = [decision.anomalous for decision in judged_alone(exported, sessions).decisions]
    alone = [
        decision.anomalous
        for row in range(100)
        for decision in judged_alone(exported, sessions.take(np.array([row]))).decisions
    ]
    assert alone == together[:100]

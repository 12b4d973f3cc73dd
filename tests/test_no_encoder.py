"""A model without an encoder does all that one with an encoder does, but for what asks the encoder."""

import json
from pathlib import Path

import pytest

from isang import stages, summaries
from isang.artifact import WEIGHTS, load_model, model_folder
from isang.config import from_dict
from isang.detection.releases.rewordings import judge_reworded
from isang.errors import InputError, UsageError
from isang.logs.store import read_dataset
from isang.service.models.gates import surprise_gate, training_gate
from tests.commands import isang
from tests.synthetic import shop_dataset, shop_labels, shop_log

WITHOUT = from_dict({"model": {"encoder": False}})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `shop.log`, its labels, and `out`, what `isang run --no-encoder` made of them."""
    folder = tmp_path_factory.mktemp("no_encoder")
    dataset = shop_dataset(800, anomalous_every=10)
    (folder / "shop.log").write_text(shop_log(dataset))
    (folder / "labels.csv").write_text(shop_labels(dataset))
    result = isang(
        "run", folder / "shop.log", "--labels", folder / "labels.csv", "--no-encoder", "--out", folder / "out"
    )
    assert result.returncode == 0, result.stderr
    assert "steps" not in result.stderr, "nothing is trained"
    (folder / "stdout.txt").write_text(result.stdout)
    return folder


def test_it_holds_no_weights_and_no_report_on_a_training(place: Path) -> None:
    run = place / "out" / "run"
    assert [path.name for path in run.iterdir()] == ["model"]
    assert WEIGHTS not in {path.name for path in (run / "model").iterdir()}
    model = load_model(run)
    assert model.encoder is None
    assert model.facts["validation_loss"] is None
    assert not {"masked_event", "missing_event", "early_end"} & set(model.fitted)
    printed = (place / "stdout.txt").read_text()
    assert "report" not in printed
    assert "the encoder adds nothing" not in printed, "there is none"


def test_it_finds_anomalies_and_is_measured(place: Path) -> None:
    evaluation = json.loads((place / "out" / "run" / "model" / "evaluation.json").read_text())
    assert evaluation["metrics"]["f1"]["value"] > 0.8
    assert evaluation["choice"]["encoder_adds"] is None
    assert evaluation["choice"]["found"] == evaluation["choice"]["without_encoder"]
    detected = stages.detect(place / "out", [place / "shop.log"])
    assert all(record["reasons"] for record in detected.anomalies)
    assert "anomalous" in summaries.of_detected(detected)


def test_it_follows_a_growing_log(place: Path) -> None:
    following = stages.follow(place / "out", [place / "shop.log"], idle_seconds=3600)
    try:
        live = [*following.poll()[1], *following.finish()]
    finally:
        following.close()
    at_once = {json.loads(line)["session_id"] for line in (place / "out" / "anomalies.jsonl").read_text().splitlines()}
    assert {record["session_id"] for record in live} == at_once


def test_a_reworded_line_is_recognised_by_what_it_follows(place: Path) -> None:
    dataset = read_dataset(place / "out" / "data")
    model = load_model(place / "out")
    known = model.vocabulary.templates[1]
    later = dataset.templates.with_columns(template=dataset.templates["template"].replace(known, f"{known} then"))
    half = dataset.sessions.tail(400)
    changed = type(dataset)(half, later, dataset.meta)
    _, _, taken = judge_reworded(model, changed)
    assert [(one.template, one.known) for one in taken] == [(f"{known} then", known)]


def test_what_asks_the_encoder_says_that_there_is_none(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match="no encoder"):
        stages.export(place / "out", tmp_path / "model.onnx")
    with pytest.raises(InputError, match="no encoder"):
        stages.detect(place / "out", [place / "shop.log"], onnx=tmp_path / "model.onnx")
    several = from_dict({"model": {"encoder": False}, "training": {"processes": 2}})
    with pytest.raises(UsageError, match="nothing that several processes could train"):
        stages.train(place / "out" / "data", tmp_path / "run", config=several)


def test_train_says_that_the_statistical_detectors_judge_alone(place: Path, tmp_path: Path) -> None:
    trained = stages.train(place / "out" / "data", tmp_path / "run", config=WITHOUT)
    assert "without an encoder" in summaries.of_training(trained)
    assert (model_folder(tmp_path / "run") / "manifest.json").is_file()


def test_the_gates_of_a_candidate_let_it_pass_where_there_is_nothing_to_compare(place: Path) -> None:
    model = load_model(place / "out")
    assert surprise_gate(model, model)["passed"]
    assert training_gate(None)["passed"]


def test_weights_that_the_settings_promise_must_be_there(place: Path, tmp_path: Path) -> None:
    """A folder that says it has an encoder and lists no weights was damaged."""
    import hashlib
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(place / "out" / "run" / "model", folder)
    config = json.loads((folder / "config.json").read_text())
    config["settings"]["model"]["encoder"] = True
    (folder / "config.json").write_text(json.dumps(config))
    manifest = json.loads((folder / "manifest.json").read_text())
    content = (folder / "config.json").read_bytes()
    manifest["files"]["config.json"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="does not list weights"):
        load_model(folder)


def test_a_small_log_gets_no_encoder_unless_somebody_asks_for_one(place: Path, tmp_path: Path) -> None:
    """Its second half beside its first is among the incidents, as nothing measures the model."""
    result = isang("run", place / "shop.log", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "no encoder is trained" in result.stderr
    assert load_model(tmp_path / "out" / "run").encoder is None
    settings = tmp_path / "isang.toml"
    settings.write_text("[model]\nencoder = true\nlayers = 1\nwidth = 16\nheads = 2\n[training]\nepochs = 1\n")
    asked = isang("train", tmp_path / "out" / "data", "--out", tmp_path / "asked", "--config", settings)
    assert asked.returncode == 0, asked.stderr
    assert load_model(tmp_path / "asked").encoder is not None

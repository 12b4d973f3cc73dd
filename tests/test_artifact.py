"""The model folder checks itself."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from isang.artifact import MANIFEST, Model, load_model, rules_of, save_model, with_evaluation
from isang.config import Config, ModelConfig
from isang.detection.detectors import DETECTORS, detectors_of, fit
from isang.detection.detectors.contract import NO_TABLE
from isang.detection.detectors.timed_sessions import timed_sessions
from isang.errors import InputError
from isang.logs.rules import Rules
from isang.logs.sessions.rule import SessionRule
from isang.model.encoder import Encoder
from isang.model.fitted import Fitted
from tests.synthetic import learn_vocabulary, shop_dataset


def some_model(layers: int = 1) -> Model:
    dataset = shop_dataset(40)
    vocabulary = learn_vocabulary(dataset, np.arange(40))
    config = Config(model=ModelConfig(layers=layers, width=16, heads=2, positions=64))
    return Model(
        encoder=Encoder(config.model, vocabulary.size).eval(),
        vocabulary=vocabulary,
        config=config,
        rules=Rules.new(config.logs, SessionRule("lines", "for tests", size=10)).to_dict(),
        template_table=dataset.templates,
        fitted=fit(DETECTORS, timed_sessions(dataset, vocabulary, np.arange(40))),
        calibration=pl.DataFrame({detector.name: [1.0, 2.0] for detector in DETECTORS}),
        facts={"dataset": "x", "trained_from": None, "trained_until": None, "period_sessions": 40},
    )


def test_a_model_survives_the_way_to_disk(tmp_path: Path) -> None:
    model = some_model()
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded.vocabulary == model.vocabulary
    assert loaded.config == model.config
    assert loaded.rules == model.rules
    assert loaded.facts == model.facts
    assert loaded.normal.flat.tolist() == model.normal.flat.tolist()
    assert loaded.normal_counts.tolist() == model.normal_counts.tolist()
    assert loaded.calibration.equals(model.calibration)
    assert list(loaded.fitted) == [detector.name for detector in DETECTORS]
    for name, table in model.fitted.items():
        assert loaded.fitted[name].equals(table), name
    assert loaded.template_table.equals(model.template_table)
    for name, weights in model.encoder.state_dict().items():
        assert torch.equal(loaded.encoder.state_dict()[name], weights), name


def test_a_model_whose_dataset_has_no_rules_reads_no_logs(tmp_path: Path) -> None:
    save_model(replace(some_model(), rules=None), tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded.rules is None
    assert loaded.planted is None
    with pytest.raises(InputError, match=r"no rules in its meta\.json"):
        rules_of(loaded)


def test_a_model_with_a_detector_that_is_not_installed_says_which(tmp_path: Path) -> None:
    model = some_model()
    fitted = Fitted(model.normal, model.normal_counts, model.fitted.size, {**model.fitted, "night_shift": NO_TABLE})
    calibration = model.calibration.with_columns(night_shift=1.0)
    save_model(replace(model, fitted=fitted, calibration=calibration), tmp_path / "model")
    with pytest.raises(InputError, match="detector night_shift, which this installation lacks"):
        detectors_of(load_model(tmp_path / "model"))


def test_scores_of_planted_anomalies_survive_the_way_to_disk(tmp_path: Path) -> None:
    scores = {detector.name: [1.5, 2.5] for detector in DETECTORS}
    planted = pl.DataFrame({"kind": ["missing_event", "slow_gap"], **scores})
    save_model(replace(some_model(), planted=planted), tmp_path / "model")
    loaded = load_model(tmp_path / "model").planted
    assert loaded is not None
    assert loaded.equals(planted)


def test_a_run_folder_will_do(tmp_path: Path) -> None:
    save_model(some_model(), tmp_path / "run" / "model")
    assert load_model(tmp_path / "run").rules == load_model(tmp_path / "run" / "model").rules


def test_an_evaluation_is_added_and_kept(tmp_path: Path) -> None:
    save_model(some_model(), tmp_path / "model")
    evaluation = {"schema": 1, "measured": False, "why_not_measured": "no labels"}
    with_evaluation(load_model(tmp_path / "model"), evaluation, tmp_path / "model")
    assert load_model(tmp_path / "model").evaluation == evaluation
    assert "Not measured: no labels" in (tmp_path / "model" / "README.md").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "weights.safetensors",
        "config.json",
        "templates.parquet",
        "calibration.parquet",
        "normal.parquet",
        "detectors/time_gap.parquet",
    ],
)
def test_a_changed_or_missing_file_is_named(tmp_path: Path, name: str) -> None:
    save_model(some_model(), tmp_path / "model")
    path = tmp_path / "model" / name
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(InputError, match=f"{name} differs from the manifest"):
        load_model(tmp_path / "model")
    path.unlink()
    with pytest.raises(InputError, match=f"{name} is missing"):
        load_model(tmp_path / "model")


def _manifest(folder: Path, change: Callable[[dict], None]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_a_model_of_another_format_is_refused(tmp_path: Path) -> None:
    save_model(some_model(), tmp_path / "model")
    _manifest(tmp_path / "model", lambda manifest: manifest.update(schema=99))
    with pytest.raises(InputError, match=r"format 99.*reads format 2"):
        load_model(tmp_path / "model")


def test_a_model_of_the_first_format_gets_a_clear_message(tmp_path: Path) -> None:
    save_model(some_model(), tmp_path / "model")
    _manifest(tmp_path / "model", lambda manifest: manifest.update(schema=1))
    with pytest.raises(InputError, match=r"format 1, .*train again on its dataset"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize("name", ["../secret", "detectors/../../secret", "detectors/..", "other/secret", "/secret"])
def test_a_manifest_cannot_point_outside_the_folder(tmp_path: Path, name: str) -> None:
    save_model(some_model(), tmp_path / "model")
    (tmp_path / "secret").write_text("x")
    _manifest(tmp_path / "model", lambda manifest: manifest["files"].update({name: {"sha256": "", "bytes": 1}}))
    with pytest.raises(InputError, match="is missing though the manifest lists it"):
        load_model(tmp_path / "model")


def test_two_trainings_mixed_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    """Hashes alone would not notice: the manifest is written anew, as a careless copy script would."""
    model = some_model()
    other = replace(model, encoder=Encoder(model.config.model, model.vocabulary.size + 3))
    save_model(other, tmp_path / "model")
    with pytest.raises(InputError, match="assembled from two trainings"):
        load_model(tmp_path / "model")


def test_what_is_no_model_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such model folder"):
        load_model(tmp_path / "nothing")
    with pytest.raises(InputError, match="not a model folder"):
        load_model(tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(InputError, match="it is not JSON"):
        load_model(tmp_path)

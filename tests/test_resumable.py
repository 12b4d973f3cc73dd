"""What may change where an attempt is taken up again, and what is said where something else does."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from isang.config import MAY_CHANGE_ON_RESUME, Config, TrainingConfig, deciding, to_dict
from isang.errors import InputError, UsageError
from isang.resumable import note_command

OTHERS: dict[str, Any] = {
    "max_minutes": 18.0, "checkpoint_minutes": 1.0, "patience": 7, "processes": 2, "tokens_per_pass": 64,
    "track": "mlflow",
}  # fmt: skip


def command(**training: Any) -> dict[str, Any]:
    config = replace(Config(), training=replace(TrainingConfig(), **training))
    return {"schema": 1, "logs": ["a.log"], "labels": None, "config": to_dict(config)}


def test_one_list_says_what_may_change_for_a_run_and_for_a_training(tmp_path: Path) -> None:
    assert set(OTHERS) == set(MAY_CHANGE_ON_RESUME) <= {field.name for field in fields(TrainingConfig)}
    note_command(tmp_path / "run.json", command())
    for name, other in OTHERS.items():
        note_command(tmp_path / "run.json", command(**{name: other}))
        assert f'"{name}": {"null" if other is None else ""}' in (tmp_path / "run.json").read_text()
        assert deciding(replace(TrainingConfig(), **{name: other})) == deciding(TrainingConfig())
    assert deciding(replace(TrainingConfig(), epochs=11)) != deciding(TrainingConfig())


def test_anything_else_is_refused_and_named(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    note_command(path, command())
    before = path.read_text()
    with pytest.raises(UsageError, match=r"other training\.epochs, logs; repeat its command with --resume"):
        note_command(path, {**command(epochs=11, max_minutes=3.0), "logs": ["b.log"]})
    assert path.read_text() == before
    path.write_text("[]")
    with pytest.raises(InputError, match=r"run\.json cannot be used: it must be an object"):
        note_command(path, command())

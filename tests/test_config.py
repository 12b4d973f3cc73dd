"""Settings are checked in one place, with messages that say what to do."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest

from isang.config import FLAGS, PRESETS, Config, from_dict, load, to_dict
from isang.errors import UsageError


def test_defaults_work() -> None:
    assert load() == Config()


def test_a_config_survives_the_way_through_plain_values() -> None:
    config = load(None, {"logs": {"window_lines": 7, "masks": {"ticket": r"T-\d+"}}, "training": {"epochs": 3}})
    assert from_dict(to_dict(config)) == config
    assert config.logs.masks == (("ticket", r"T-\d+"),)


def test_flags_win_over_the_file_and_unset_flags_do_not(tmp_path: Path) -> None:
    path = tmp_path / "isang.toml"
    path.write_text('[training]\nepochs = 4\nseed = 1\n[model]\npreset = "tiny"\n')
    config = load(path, {"training": {"epochs": 9, "seed": None}, "model": {"preset": None}})
    assert (config.training.epochs, config.training.seed, config.model.width) == (
        9,
        1,
        PRESETS["tiny"]["model"]["width"],
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_way_to_what_is_said_beside_it(preset: str) -> None:
    config = load(None, {"model": {"preset": preset, "heads": 1}, "training": {"batch_size": 7}})
    assert (config.model.heads, config.training.batch_size) == (1, 7)
    assert config.model.width == PRESETS[preset]["model"]["width"]


def test_the_default_is_the_preset_small_and_base_is_only_larger() -> None:
    assert from_dict({"model": {"preset": "small"}}) == Config()
    assert from_dict({"model": {"preset": "base"}}).training == Config().training


def test_the_reference_trains_by_its_recipe() -> None:
    """AdamW from 2e-5 along a cosine to 1e-6, 10 epochs of 128 sessions per step, never stopped early."""
    training = from_dict({"model": {"preset": "reference"}}).training
    assert training.learning_rate * training.final_rate_fraction == pytest.approx(1e-6)
    assert (training.epochs, training.min_steps, training.patience) == (10, 0, 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"logs": {"gap_seconds": -1}}, r"logs.gap_seconds must be > 0, got -1.*--gap"),
        ({"training": {"epochs": "ten"}}, "training.epochs must be a value of type int, got 'ten'"),
        ({"training": {"epochs": True}}, "type int"),
        ({"training": {"epoch": 3}}, "unknown setting in .training.: 'epoch'; known are .*epochs"),
        ({"trainning": {}}, "unknown section: 'trainning'"),
        ({"model": {"preset": "huge"}}, "tiny, small, base, reference, got 'huge'"),
        ({"model": {"width": 10, "heads": 4}}, "multiple"),
        ({"logs": {"masks": {"bad": "("}}}, "regular expression"),
        ({"logs": {"window_lines": 5, "window_seconds": 5}}, "exclude each other"),
        ({"logs": {"window_lines": 0}}, "set --window or window_lines under"),
        ({"detection": {"alerts_per_thousand": float("nan")}}, "alerts_per_thousand"),
        ({"training": 3}, "section"),
        ({"model": {"preset": "reference"}, "training": 3}, "section"),
        ({"logs": {"masks": 3}}, "regular expressions, got 3"),
        ({"logs": {"masks": ["ticket"]}}, "regular expressions"),
        ({"training": {"learning_rate": 10**400}}, "far too large"),
        ({"training": {"learning_rate": -1}}, "set --learning-rate or learning_rate under .training."),
        ({"training": {"mask_fraction": 1}}, "set mask_fraction under .training. in the settings file"),
    ],
)
def test_mistakes_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        from_dict(given)


def test_a_settings_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"settings: cannot read .*none\.toml: No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[training\n")
    with pytest.raises(UsageError, match="not a TOML file"):
        load(tmp_path / "bad.toml")


def test_a_section_that_is_none_is_named_whatever_the_flags(tmp_path: Path) -> None:
    path = tmp_path / "isang.toml"
    path.write_text("model = 3\n")
    for flags in ({}, {"model": {"preset": None}}, {"model": {"preset": "tiny"}}):
        with pytest.raises(UsageError, match="must be a section of settings, got 3"):
            load(path, flags)


def test_the_flags_that_messages_name_exist() -> None:
    from typer.main import get_command

    from isang.cli import app

    commands = get_command(app).commands.values()  # type: ignore[attr-defined]
    options = {option for command in commands for parameter in command.params for option in parameter.opts}
    assert {f"--{flag}" for flag in FLAGS.values()} <= options


@pytest.mark.parametrize("section", [field.name for field in dataclasses.fields(Config)])
def test_every_setting_says_what_it_means(section: str) -> None:
    """Each field is followed by a docstring in the source."""
    import ast
    import inspect

    import isang.config

    kind = type(getattr(Config(), section)).__name__
    tree = ast.parse(inspect.getsource(isang.config))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind)
    for field, after in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(after, ast.Expr), f"{ast.unparse(field.target)} has no docstring"

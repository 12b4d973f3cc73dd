"""The commands that docs/feedback.md shows do what it says."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from isang.cli import app
from isang.service.storage.database import Database
from tests.service.test_reproducing import home

__all__ = ["home"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "feedback.md"
COMMANDS = re.findall(r"^    isang (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture
def names(shop: Path, home: Path, tmp_path: Path) -> dict[str, str]:
    """What the words of the page stand for."""
    shutil.copytree(shop / "out", tmp_path / "out")
    result = json.loads((tmp_path / "out" / "incidents.json").read_text())["incidents"][0]
    database = Database(home / "isang.db")
    incident = database.incidents()[0]["id"]
    database.close()
    return {
        "out/isang": str(tmp_path / "out"), "FINGERPRINT": result["fingerprint"], "isang-home": str(home),
        "SESSION": result["examples"][0]["session_id"], "INCIDENT": incident, "DIR": str(tmp_path / "out"),
    }  # fmt: skip


def test_every_command_of_the_page_runs(names: dict[str, str]) -> None:
    assert len(COMMANDS) > 6
    runner, answers = CliRunner(), []
    for command in COMMANDS:
        words = [answers[-1] if word == "ID" else names.get(word, word) for word in command.split()]
        done = runner.invoke(app, words)
        assert done.exit_code == 0, (command, done.output, done.exception)
        answers += re.findall(r"take it back with --undo (\w+)", done.output)
        if "--dry-run" in words:
            assert "nothing was written" in done.output
        if words[0] == "reproduce":
            assert "reproduced: the same score and the same reasons" in done.output
    assert len(answers) == 2

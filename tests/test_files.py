"""Results appear complete or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from isang.errors import OutputError, UsageError
from isang.files import being_written, folder_being_written, partial_folder, refuse_existing, to_json, write_text


class Interrupted(Exception):
    """Stands for whatever ends the work in the middle."""


def test_a_file_keeps_its_old_content_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    write_text(path, "old")
    with pytest.raises(Interrupted), being_written(path) as beside:
        beside.write_text("half")
        raise Interrupted
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["result.txt"]


def test_a_folder_appears_only_when_complete(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with pytest.raises(Interrupted), folder_being_written(folder) as building:
        (building / "half").write_text("x")
        raise Interrupted
    assert list(tmp_path.iterdir()) == []
    with folder_being_written(folder) as building:
        (building / "whole").write_text("x")
        assert not folder.exists()
    assert [item.name for item in folder.iterdir()] == ["whole"]
    assert not partial_folder(folder).exists()


def test_overwriting_replaces_the_whole_folder_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with folder_being_written(folder) as building:
        (building / "meta.json").write_text("{}")
        (building / "old").write_text("x")
    with folder_being_written(folder, overwrite=True) as building:
        (building / "new").write_text("x")
        assert (folder / "old").exists()
    assert [item.name for item in folder.iterdir()] == ["new"]
    assert [item.name for item in tmp_path.iterdir()] == ["out"]


def test_results_are_not_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="did not write"):
        refuse_existing(tmp_path, overwrite=True)
    (tmp_path / "meta.json").write_text("{}")
    with pytest.raises(UsageError, match="--overwrite"):
        refuse_existing(tmp_path, overwrite=False)
    refuse_existing(tmp_path, overwrite=True)
    with pytest.raises(UsageError, match="must be a folder"):
        refuse_existing(tmp_path / "mine", overwrite=True)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="file"):
        write_text(tmp_path / "file" / "below", "x")


def test_a_kill_leaves_the_earlier_state(tmp_path: Path) -> None:
    """SIGKILL in the middle of overwriting: the earlier folder is still whole, and the next attempt succeeds."""
    folder = tmp_path / "out"
    with folder_being_written(folder) as building:
        (building / "state").write_text("old")
        (building / "state.json").write_text("{}")
    code = (
        "import sys, time, pathlib; from isang.files import folder_being_written\n"
        f"with folder_being_written(pathlib.Path({str(folder)!r}), overwrite=True) as building:\n"
        "    (building / 'state').write_text('new'); print('writing', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        os.kill(process.pid, signal.SIGKILL)
    assert (folder / "state").read_text() == "old"
    with folder_being_written(folder, overwrite=True) as building:
        assert list(building.iterdir()) == [], "what the killed attempt left must not mix with the new content"
        (building / "state").write_text("new")
    assert (folder / "state").read_text() == "new"


def test_what_killed_writers_left_goes_with_the_next_writing(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    left, alive, other = (
        tmp_path / f".{name}.partial" for name in (f"a[1].{ended.pid}", f"a[1].{os.getpid()}", "a[1].x")
    )
    for path in (left, alive, other):
        path.write_text("half")
    write_text(tmp_path / "a[1]", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a[1]", other.name])


def test_json_refuses_what_is_not_json() -> None:
    assert to_json({"이름": 1}, indent=None) == '{"이름": 1}\n'
    with pytest.raises(ValueError, match="JSON"):
        to_json(float("nan"))

"""Several processes train as one would, and end together."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isang import stages
from isang.cli import main
from isang.config import load
from isang.logs.store import write_dataset
from tests.synthetic import shop_dataset
from tests.training.runs import losses, records

SETTINGS = """
[model]
layers = 1
width = 32
heads = 2
positions = 64
dropout = 0
[training]
epochs = 30
min_steps = 0
batch_size = 33
patience = 0
checkpoint_minutes = 1e-9
"""
STEPS = 90
"""30 epochs of 80 sessions: the last batch of an epoch has 14, so that neither batch is shared evenly."""


def train_command(folder: Path, out: str) -> list[str]:
    if not (folder / "data").exists():
        write_dataset(shop_dataset(200), folder / "data")
        (folder / "settings.toml").write_text(SETTINGS)
    words = ["train", folder / "data", "--out", folder / out, "--config", folder / "settings.toml"]
    return [sys.executable, "-m", "isang", *map(str, words)]


def wait_for(arrived: Callable[[], object], process: subprocess.Popen[Any] | None = None) -> None:
    """Until it has arrived, or the process has ended."""
    while not arrived() and (process is None or process.poll() is None):
        time.sleep(0.01)


def ranks_of(launcher: int) -> dict[int, int]:
    """The process number of each rank."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    ranks = {}
    for child in children:
        found = re.search(rb"(?:^|\0)RANK=(\d+)", Path(f"/proc/{child}/environ").read_bytes())
        if found:
            ranks[int(found[1])] = int(child)
    return ranks


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds the processes in /proc")
def test_a_process_that_dies_ends_the_others_and_two_processes_equal_one(tmp_path: Path) -> None:
    """Two processes, one of them killed, then their launcher; resumed by two, they do what one would have done.

    Sums of float32 in another order differ in the last bits; over 90 steps the losses stay within 1e-3 of each other.
    """
    shared = [*train_command(tmp_path, "shared"), "--processes", "2"]
    partial = tmp_path / "shared.partial"
    with subprocess.Popen(shared, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as launcher:
        wait_for(lambda: list(partial.glob("checkpoints/step_00000001?")), launcher)
        os.kill(ranks_of(launcher.pid)[1], signal.SIGKILL)
        _, said = launcher.communicate()
    assert launcher.returncode == 128 + signal.SIGKILL
    assert "process 2 of 2 was ended by SIGKILL, and the others with it; repeat the command with --resume" in said

    with subprocess.Popen([*shared, "--resume"], stderr=subprocess.DEVNULL) as launcher:
        wait_for(lambda: list(partial.glob("checkpoints/step_00000003?")), launcher)
        ranks = ranks_of(launcher.pid)
        launcher.kill()
    wait_for(lambda: not any(Path(f"/proc/{process}").exists() for process in ranks.values()))

    resumed = subprocess.run([*shared, "--resume"], capture_output=True, text=True)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.startswith(f"trained for {STEPS} steps; best validation loss"), "one process speaks"
    stages.train(tmp_path / "data", tmp_path / "alone", config=load(tmp_path / "settings.toml"), with_report=False)

    one, two = dict(losses(tmp_path / "alone")), dict(losses(tmp_path / "shared"))
    assert list(one) == list(two) == list(range(1, STEPS + 1))
    assert list(two.values()) == pytest.approx(list(one.values()), rel=1e-3)
    assert list(two.values())[:30] == pytest.approx(list(one.values())[:30], rel=1e-5)
    for kind, name in (("validation", "validation_loss"), ("epoch_end", "mean_loss"), ("step", "gradient_norm")):
        last_one, last_two = records(tmp_path / "alone", kind)[-1], records(tmp_path / "shared", kind)[-1]
        assert last_two[name] == pytest.approx(last_one[name], rel=1e-2)
    assert records(tmp_path / "shared", "plan")[0]["devices"] == 2


def test_more_processes_than_the_machine_bears_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["isang", *train_command(tmp_path, "run")[3:], "--processes", "4000"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    assert "--processes must be at most" in capsys.readouterr().err


def test_a_process_that_accelerate_starts_alone_says_what_starts_several(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `accelerate launch --cpu --num_processes 2` leaves in the environment (accelerate 1.15)."""
    monkeypatch.setattr(sys, "argv", ["isang", *train_command(tmp_path, "run")[3:]])
    for name, value in {"ACCELERATE_MIXED_PRECISION": "no", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    assert "torchrun --nproc-per-node N -m isang train" in capsys.readouterr().err

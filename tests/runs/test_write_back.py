"""Verdicts written back into the runs that they are about, read again by the tools themselves where they are here."""

import struct
from pathlib import Path

import numpy as np
import pytest

from isang import stages
from isang.errors import UsageError
from isang.runs.read.lines.event_bytes import checksum
from isang.runs.read.readers.wandb import identity_of


def events(folder: Path, losses: np.ndarray) -> Path:
    """A TensorBoard folder with one series."""
    folder.mkdir(parents=True, exist_ok=True)
    content = b""
    for step, loss in enumerate(losses):
        summary = b"\x0a\x0b" + b"\x0a\x04loss" + b"\x15" + struct.pack("<f", loss)
        event = b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + bytes([step]) + b"\x2a\x0d" + summary
        length = struct.pack("<Q", len(event))
        content += length + struct.pack("<I", checksum(length)) + event + struct.pack("<I", checksum(event))
    (folder / "events.out.tfevents.1700000000.host").write_bytes(content)
    return folder


DIVERGED = np.concatenate([3 * np.exp(-np.arange(60) / 10), 9 + 0.1 * np.sin(np.arange(60))])


def test_a_text_beside_the_events_changes_no_verdict(tmp_path: Path) -> None:
    """It is one file, however often it is written."""
    folder = events(tmp_path / "run", DIVERGED)
    found = []
    for _ in range(2):
        (report,) = stages.report([folder], language="en", write_back=True)
        found.append([(finding.id, finding.verdict, finding.statement["en"]) for finding in report.findings])
    assert found[0] == found[1]
    assert ("divergence", "problem") in [entry[:2] for entry in found[0]]
    written = [path.name for path in folder.iterdir()]
    assert len([name for name in written if name.endswith(".isang")]) == 1
    assert len(written) == 2


def test_tensorboard_reads_the_text(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = events(tmp_path / "run", DIVERGED)
    stages.report([folder], language="en", write_back=True)
    read = accumulator.EventAccumulator(str(folder))
    read.Reload()
    (text,) = read.Tensors("isang/text_summary")
    assert "Divergence" in text.tensor_proto.string_val[0].decode()
    assert read.PluginTagToContent("text") == {"isang/text_summary": b""}
    assert len(read.Scalars("loss")) == 120


def test_a_log_that_is_neither_and_a_folder_of_several_runs_are_refused(tmp_path: Path) -> None:
    """Nothing is written."""
    log = tmp_path / "train.log"
    log.write_text("".join(f"step={i} loss={3 / i:.4f}\n" for i in range(1, 90)))
    with pytest.raises(UsageError, match="TensorBoard folder or a W&B run"):
        stages.report([log], write_back=True)
    for name in ("a", "b"):
        events(tmp_path / "runs" / name, DIVERGED)
    with pytest.raises(UsageError, match="give the folder of each"):
        stages.report([tmp_path / "runs"], write_back=True)
    with pytest.raises(UsageError, match="--follow"):
        stages.report([tmp_path / "runs" / "a"], tmp_path / "out", follow=True, write_back=True)
    assert not list(tmp_path.rglob("*.isang"))


def test_an_offline_run_of_wandb_gets_tags_and_a_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = wandb.init(project="p", dir=str(tmp_path), tags=["mine"], settings=wandb.Settings(silent=True))
    for step, loss in enumerate(DIVERGED):
        run.log({"train/loss": loss}, step=step)
    run.finish()
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    stages.report([folder], language="en", write_back=True)
    wandb.teardown()  # its service writes the rest
    (added,) = [path for path in (tmp_path / "wandb").glob("offline-run-*/*.wandb") if path.parent != folder]
    assert identity_of(added).id == run.id
    content = added.read_bytes()
    assert all(text in content for text in (b"isang:divergence", b"mine", b"isang/first", b"isang/problems"))

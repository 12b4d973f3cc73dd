"""Reading run logs: every line accounted for, every step once, whatever the format."""

import bz2
import gzip
import json
import lzma
import math
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isang.errors import InputError
from isang.runs.read.choice import Asked
from isang.runs.read.folders import read_runs, series_of
from isang.runs.read.lines.event_bytes import checksum
from isang.runs.read.table import RunTable
from isang.runs.statistics.forecast import forecast
from isang.training.checkpoint import TrainingProgress
from isang.training.journal.journal import RunJournal
from isang.training.objective import Validation
from isang.training.step import Step

OWN = """2026-11-23 10:30:00,123 INFO isang 0.1.0 training log 1
2026-11-23 10:30:00,124 INFO plan epochs=2 steps=4 batches_per_epoch=2 batch_size=128 batch_size_per_device=64 \
devices=2 vocabulary_size=34 sessions=256 validation_sessions=20 learning_rate=0.001 schedule=cosine warmup_steps=1
2026-11-23 10:30:00,125 INFO environment python=3.11.7 cores=2 torch=2.13.0
2026-11-23 10:30:05,123 INFO step=1/4 epoch=1/2 loss=3.500000 loss_sum=910 events=260 running_mean=3.500000 \
learning_rate=4.76e-05 gradient_norm=1.23 seconds=0.051
2026-11-23 10:30:06,123 INFO step=2/4 epoch=1/2 loss=3.100000 loss_sum=806 events=260 running_mean=3.300000 \
learning_rate=1.0e-03 gradient_norm=1.20 seconds=0.050
2026-11-23 10:30:07,000 INFO validation step=2/4 epoch=1/2 validation_loss=3.000000 loss_sum=300 events=100
2026-11-23 10:30:07,001 INFO epoch_end epoch=1/2 mean_loss=3.300000 validation_loss=3.000000 learning_rate=1.0e-03 \
seconds=7
2026-11-23 10:30:08,123 INFO step=3/4 epoch=2/2 loss=2.900000 loss_sum=754 events=260 running_mean=2.900000 \
learning_rate=5.0e-04 gradient_norm=1.10 seconds=0.052
2026-11-23 10:30:09,123 INFO step=4/4 epoch=2/2 loss=nan loss_sum=nan events=260 running_mean=nan \
learning_rate=0.0e+00 gradient_norm=inf seconds=0.051
2026-11-23 10:30:10,000 INFO validation step=4/4 epoch=2/2 validation_loss=2.800000 loss_sum=280 events=100
2026-11-23 10:30:10,001 INFO epoch_end epoch=2/2 mean_loss=2.900000 validation_loss=2.800000 learning_rate=0.0 seconds=3
2026-11-23 10:30:10,002 INFO done steps=4 seconds=10.0 best_epoch=2 best_validation_loss=2.8
"""


def written(folder: Path, content: str | bytes, name: str = "run.log") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def only(path: Path, **options: str) -> RunTable:
    tables = read_runs(path, Asked(**options))
    assert len(tables) == 1
    return tables[0]


def assert_accounted(table: RunTable) -> None:
    source = table.source
    assert sum(source.used.values()) + sum(source.ignored.values()) + source.failed == source.lines


def test_our_own_log_is_read_without_loss(tmp_path: Path) -> None:
    table = only(written(tmp_path, OWN))
    assert table.source.format == "isang training log"
    assert table.step.tolist() == [1, 2, 3, 4]
    assert table.epoch.tolist() == [1, 1, 2, 2]
    assert table.column("batch_loss")[:3].tolist() == [3.5, 3.1, 2.9]
    assert table.logged_nan["batch_loss"].tolist() == [3]
    assert table.column("running_mean")[:3].tolist() == [3.5, 3.3, 2.9]
    assert table.column("learning_rate").tolist() == [4.76e-5, 1e-3, 5e-4, 0.0]
    assert table.column("gradient_norm").tolist() == [1.23, 1.2, 1.1, math.inf]
    assert table.column("step_seconds").tolist() == [0.051, 0.05, 0.052, 0.051]
    assert table.column("validation_loss")[[1, 3]].tolist() == [3.0, 2.8]
    lines = table.epoch_lines
    assert [(line.epoch, line.step, line.mean_loss, line.validation_loss, line.seconds) for line in lines] == [
        (1, 2, 3.3, 3.0, 7.0),
        (2, 4, 2.9, 2.8, 3.0),
    ]
    assert table.source.used == {"step": 4, "validation": 2, "epoch": 2, "plan": 1, "environment": 1, "done": 1}
    assert table.source.ignored == {"prose": 1}
    stated = {
        "epochs": 2, "planned_steps": 4, "batches_per_epoch": 2, "batch_size": 128, "batch_size_per_device": 64,
        "devices": 2, "vocabulary_size": 34, "learning_rate": 0.001, "warmup_steps": 1, "completed": True,
        "best_epoch": 2,
        "started": "2026-11-23T10:30:00.123000", "ended": "2026-11-23T10:30:10.002000",
    }  # fmt: skip
    for fact, value in stated.items():
        expected = value if not isinstance(value, str) else value[:-3]
        assert table.facts[fact] == expected, fact
    assert table.loss == "batch_loss"
    assert table.loss_window == 1
    assert_accounted(table)


def test_an_interval_line_says_how_many_steps_it_stands_for(tmp_path: Path) -> None:
    lines = [
        f"2026-11-23 10:30:0{i},000 INFO step={10 * i}/100 epoch=1/1 loss={4 - i / 10:.6f} steps=10"
        for i in range(1, 6)
    ]
    table = only(written(tmp_path, "2026-11-23 10:30:00,123 INFO isang 0.1.0 training log 1\n" + "\n".join(lines)))
    assert table.loss == "interval_loss"
    assert table.loss_window == 10
    assert table.step.tolist() == [10, 20, 30, 40, 50]


def test_a_deliberate_stop_is_known(tmp_path: Path) -> None:
    text = OWN.replace(
        "INFO done steps=4", "INFO stopped step=4/9 reason=patience\n2026-11-23 10:30:11,000 INFO done steps=4"
    )
    table = only(written(tmp_path, text))
    assert table.facts["stop_reason"] == "patience"
    assert table.source.used["stopped"] == 1
    assert_accounted(table)


def test_a_stated_resume_counts_even_where_no_step_was_done_twice(tmp_path: Path) -> None:
    text = OWN.replace(
        "2026-11-23 10:30:08,123 INFO step=3/4", "2026-11-23 11:00:00,000 INFO resumed step=2/4\n"
        "2026-11-23 11:00:01,123 INFO step=3/4",
    )  # fmt: skip
    table = only(written(tmp_path, text))
    assert [(r.step_before, r.step_after, r.kind) for r in table.restarts] == [(2, 3, "resume")]
    assert table.source.used["resumed"] == 1
    assert table.step.tolist() == [1, 2, 3, 4]
    assert_accounted(table)


def test_every_line_that_the_journal_writes_is_used(tmp_path: Path) -> None:
    state = TrainingProgress(best_epoch=1, best_validation_loss=0.5)
    journal = RunJournal(tmp_path, steps=6, epochs=2, resume=False)
    journal.plan(epochs=2, steps=6, batches_per_epoch=3, batch_size=8, devices=1, vocabulary_size=20, patience_steps=3)
    journal.environment(torch="2.0")
    for number in range(1, 6):
        if number == 4:
            journal.close()
            journal = RunJournal(tmp_path, steps=6, epochs=2, resume=True)
            journal.resumed(state)
        state.epoch = (number - 1) // 3
        state.count(30.0 / number, 10, 0.5)
        journal.step(Step(30.0 / number, 10, 1e-3, 2.0, 0.5), state)
        if number in (2, 3):
            journal.validation(Validation(np.full(5, 4.0 / number), np.full(5, 2.0)), state)
        if number == 3:
            journal.epoch(state, 20.0 / 3 / 10, 1e-3)
    journal.done(state, "patience")
    journal.close()
    table = only(journal.path)
    assert table.source.used == {
        "step": 5, "validation": 2, "epoch": 1, "plan": 1, "environment": 1, "resumed": 1, "stopped": 1, "done": 1,
    }  # fmt: skip
    assert table.source.ignored == {"prose": 1}  # the heading
    assert_accounted(table)
    assert (table.facts["stop_reason"], table.facts["planned_steps"]) == ("patience", 6)
    assert [restart.kind for restart in table.restarts] == ["resume"]
    assert table.points("validation_loss")[0].tolist() == [2, 3]


def test_the_reference_log_is_read_whole(shared_data: Path) -> None:
    path = shared_data / "runs" / "training_20260105_090738.log.zst"
    table = only(path)
    with path.open("rb") as file:
        content = zstandard.ZstdDecompressor().stream_reader(file).read()
    updates = re.findall(rb"loss=([\d.]+), avg=([\d.]+), lr=([\d.e-]+), step=(\d+)\]", content)
    assert len(updates) == len(table.step) == 192_520
    assert table.column("batch_loss").tolist() == [float(u[0]) for u in updates]
    assert table.column("running_mean").tolist() == [float(u[1]) for u in updates]
    assert table.column("learning_rate").tolist() == [float(u[2]) for u in updates]
    assert table.step.tolist() == [int(u[3]) for u in updates]
    assert table.source.used["step"] == 192_520
    assert table.source.ignored["repeats a step"] == content.count(b"[Step ")
    assert table.source.lines == content.count(b"\n") + content.count(b"\r") - content.count(b"\r\n")
    assert (table.epoch == (table.step - 1) // 19_252 + 1).all()
    assert_accounted(table)


COUNTED: dict[str, Callable[[str], int]] = {
    "colog_training/ablation_study_results_01000__casper-rw__training.log": lambda t: len(
        re.findall(r"^Epoch: ", t, re.M)
    ),
    "deepspeed_chat/step1_supervised_finetuning.log": lambda t: len(re.findall(r"^ppl: ", t, re.M)) - 1,
    "deepspeed_chat/step2_reward_model_finetuning.log": lambda t: t.count("with loss"),
    "deepspeed_misc/vit_cifar_training.log": lambda t: len(re.findall(r"^Epoch: \[", t, re.M)),
    "hf_mt5_azerbaijani/trainer_state.json": lambda t: t.count('"loss":'),
    "lightning_genrisk/version_0/metrics.csv": lambda t: len(t.splitlines()) - 1,
    "lightning_genrisk/version_4/metrics.csv": lambda t: len(t.splitlines()) - 1,
    "lightning_genrisk/version_6/metrics.csv": lambda t: len(t.splitlines()) - 1,
    "modded_nanogpt/llmc_main.log": lambda t: t.count("trl:"),
    "modded_nanogpt/scaleup1b_spiky.txt": lambda t: len(re.findall(r"^step:\d+/\d+ train_loss:", t, re.M)),
    "modded_nanogpt/softcap.txt": lambda t: len(re.findall(r"^step:\d+/\d+ val_loss:", t, re.M)),
    "torchtitan/qwen3_14b_run100.log": lambda t: len(re.findall(r"loss: +\d", t)),
    "twins_vit/svt_s.txt": lambda t: t.count('"train_loss"'),
    "twins_vit/upernet_svt_s.txt": lambda t: t.count('"loss"'),
    "multipowerlaw_25m/cosine_24000.csv": lambda t: len(t.splitlines()) - 1,
    "multipowerlaw_25m/wsdcon_9.csv": lambda t: len(t.splitlines()) - 1,
}


@pytest.mark.parametrize("name", COUNTED)
def test_step_lines_found_are_those_counted_independently(shared_data: Path, name: str) -> None:
    path = shared_data / "runs" / name
    table = only(path)
    assert table.source.used["step"] == COUNTED[name](path.read_text(encoding="utf-8", errors="replace"))
    assert (np.diff(table.step) > 0).all()
    assert_accounted(table)


def test_a_file_with_resumes_and_two_trials(shared_data: Path) -> None:
    path = shared_data / "runs" / "detectron2_nyu" / "metrics.json"
    first, second = read_runs(path)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    trials: list[list[int]] = [[]]
    for record in records:
        if "total_loss" in record:
            step = record["iteration"]
            if trials[-1] and step < trials[-1][0] + 40 < trials[-1][-1]:
                trials.append([])
            while trials[-1] and trials[-1][-1] >= step:  # a resume does these again
                trials[-1].pop()
            trials[-1].append(step)
    assert [table.points("interval_loss")[0].tolist() for table in (first, second)] == trials
    assert [r.kind for r in first.restarts] == ["resume"] * 3
    assert [r.kind for r in second.restarts] == ["trial", "resume", "resume"]
    assert first.loss_window == 20
    assert_accounted(first)


def test_an_event_file_gives_every_scalar(shared_data: Path) -> None:
    table = only(shared_data / "runs" / "torchtitan" / "events.out.tfevents.0")
    assert table.step.tolist() == list(range(1, 11))
    assert table.has("batch_loss")
    assert table.series["loss_metrics/global_avg_loss"] == 10
    assert_accounted(table)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_packed_log_is_the_same_log(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    plain = only(written(tmp_path, OWN))
    packed = only(written(tmp_path, pack(OWN.encode()), "packed"))
    assert packed.column("batch_loss").tobytes() == plain.column("batch_loss").tobytes()
    assert packed.source.lines == plain.source.lines


def zstandard_of_unknown_size(content: bytes) -> bytes:
    """Two frames whose headers name no size, as a pipe through `zstd` writes them."""
    packer = zstandard.ZstdCompressor(write_content_size=False)
    half = len(content) // 2
    return packer.compress(content[:half]) + packer.compress(content[half:])


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress, zstandard_of_unknown_size]
)
def test_a_packed_log_that_was_cut_off_is_told(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    lines = "".join(f"step={n} loss={3 + (n * 7919 % 1000) / 1000}\n" for n in range(1, 5_001))
    content = pack(lines.encode())
    assert len(only(written(tmp_path, content)).step) == 5_000
    for cut in (8, 12, len(content) // 3, len(content) // 2 + 7, len(content) - 9, len(content) - 1):
        with pytest.raises(InputError, match="damaged or cut-off archive"):
            read_runs(written(tmp_path, content[:cut], "run.log.packed"))


def test_series_are_listed_without_a_loss(tmp_path: Path) -> None:
    path = written(tmp_path, "step=1 accuracy=0.5\nstep=2 accuracy=0.6\n", "a.log")
    assert series_of(path) == [("a.log", {"step": 2, "accuracy": 2})]
    written(tmp_path, OWN, "b.log")
    assert [name for name, _ in series_of(tmp_path)] == ["b.log", "a.log"]
    with pytest.raises(InputError, match="no line with a named number"):
        series_of(written(tmp_path, "nothing here\n", "c.log"))


def test_line_ends_do_not_matter(tmp_path: Path) -> None:
    plain = only(written(tmp_path, OWN))
    for end in ("\r\n", "\r"):
        other = only(written(tmp_path, OWN.replace("\n", end), "other"))
        assert other.source.lines == plain.source.lines
        assert other.column("running_mean").tobytes() == plain.column("running_mean").tobytes()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("packed", [False, True])
def test_logs_of_other_encodings(tmp_path: Path, encoding: str, packed: bool) -> None:
    text = ("\ufeff" if encoding == "utf-16-be" else "") + "시작\n" + "".join(
        f"step={n} loss={9 - n}.5\n" for n in range(1, 6)
    )  # fmt: skip
    content = text.encode(encoding)
    table = only(written(tmp_path, gzip.compress(content) if packed else content))
    assert table.column("batch_loss").tolist() == [8.5, 7.5, 6.5, 5.5, 4.5]
    assert_accounted(table)


def test_steps_below_zero_have_no_forecast(tmp_path: Path) -> None:
    table = only(written(tmp_path, "step,loss\n" + "".join(f"{-n},{1 + n / 100}\n" for n in range(100)), "m.csv"))
    assert forecast(table)["verdict"] == "cannot_tell"


def test_lines_repeated_by_each_rank_count_once(tmp_path: Path) -> None:
    lines = [
        f"[rank{rank}] step: {step} | loss: {5 - step / 10} | lr: 1e-3" for step in range(1, 21) for rank in (0, 1)
    ]
    table = only(written(tmp_path, "\n".join(lines)))
    assert table.step.tolist() == list(range(1, 21))
    assert table.source.ignored["repeats a step"] == 20
    assert_accounted(table)


def test_a_resume_makes_the_steps_after_the_checkpoint_void(tmp_path: Path) -> None:
    steps = [*range(1, 61), *range(41, 101)]
    text = "\n".join(f"step={s} loss={3 - s / 100 + (0.001 if i >= 60 else 0):.4f}" for i, s in enumerate(steps))
    table = only(written(tmp_path, text))
    assert table.step.tolist() == list(range(1, 101))
    assert [(r.step_before, r.step_after, r.kind) for r in table.restarts] == [(60, 41, "resume")]
    assert table.column("batch_loss")[45] == pytest.approx(3 - 46 / 100 + 0.001)
    assert table.source.ignored["done again after a resume"] == 20


def test_steps_out_of_order_are_sorted_and_said(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(np.arange(1, 101))
    table = only(written(tmp_path, "step,loss\n" + "\n".join(f"{s},{1 / s:.6f}" for s in order), "m.csv"))
    assert table.step.tolist() == list(range(1, 101))
    assert table.column("batch_loss")[9] == pytest.approx(0.1)
    assert any("out of order" in note.en for note in table.source.notes)


def test_steps_that_start_anew_in_each_epoch_go_on(tmp_path: Path) -> None:
    rows = [{"epoch": e, "iter": i, "loss": 3 - e / 10, "lr": 0.1} for e in (1, 2, 3) for i in (10, 20, 30)]
    table = only(written(tmp_path, "\n".join(map(json.dumps, rows)), "log.json"))
    assert table.step.tolist() == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert table.epoch.tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_two_columns_of_one_name_are_both_kept(tmp_path: Path) -> None:
    table = only(written(tmp_path, "step,loss,loss\n1,3,9\n2,2,8\n", "m.csv"))
    assert table.column("batch_loss").tolist() == [3, 2]
    assert table.column("loss_2").tolist() == [9, 8]
    assert any("two columns" in note.en for note in table.source.notes)


@pytest.mark.parametrize(
    ("line", "step", "loss"),
    [
        ("{{'loss': {loss}, 'grad_norm': 1.5, 'learning_rate': 5e-05, 'epoch': 0.0{step}, 'step': {step}}}", 7, 2.25),
        ("iter {step}: loss {loss}, time 123.45ms, mfu 1.2%", 7, 2.25),
        ("step {step}/100 | train loss {loss} | norm 0.91 | lr 6.00e-04 | (62.1 ms | 8443 tok/s)", 7, 2.25),
        ("[2024-01-02 03:04:05,678] [INFO] Step: {step}, Loss: {loss}, LR: 0.1", 7, 2.25),
        ("\x1b[31mstep: {step:2d}  \x1b[32mloss: {loss}  \x1b[39mgrad_norm: 19.25", 7, 2.25),
        (" iteration {step:8d}/   500 | consumed samples: 16 | elapsed time per iteration (ms): 1234.5 | "
         "learning rate: 1.5E-06 | lm loss: {loss} | loss scale: 65536.0 | skipped iterations:   0 |", 7, 2.25),
        ("global_step={step};loss={loss};lr=0.1", 7, 2.25),
        ("Epoch 1/10:   0%|          | {step}/100 [00:0{step}<00:09,  1.06s/it, loss={loss}]", 7, 2.25),
    ],
)  # fmt: skip
def test_lines_of_many_tools(tmp_path: Path, line: str, step: int, loss: float) -> None:
    text = "\n".join(line.format(step=s, loss=loss + (s - step) / 4) for s in range(1, 10))
    table = only(written(tmp_path, text))
    assert table.step.tolist() == list(range(1, 10))
    assert table.column(table.loss)[step - 1] == loss
    assert_accounted(table)


def test_a_folder_is_a_folder_of_runs(tmp_path: Path) -> None:
    for number in (1, 2):
        written(tmp_path, OWN, f"run{number}.log")
    written(tmp_path, "nothing to see\n", "notes.txt")
    assert [table.name for table in read_runs(tmp_path)] == ["run1.log", "run2.log"]


def test_naming_the_loss(tmp_path: Path) -> None:
    path = written(tmp_path, "step,alpha,beta\n1,3,9\n2,2,8\n", "m.csv")
    with pytest.raises(InputError, match=r"alpha \(2\).*--loss NAME"):
        read_runs(path)
    assert only(path, loss="beta").column("batch_loss").tolist() == [9, 8]
    with pytest.raises(InputError, match="no series 'gamma'"):
        read_runs(path, Asked(loss="gamma"))


def test_one_step_and_nan_everywhere(tmp_path: Path) -> None:
    assert only(written(tmp_path, "step=1 loss=2.5\n")).step.tolist() == [1]
    table = only(written(tmp_path, "\n".join(f"step={s} loss=nan" for s in range(1, 51))))
    assert table.logged_nan["batch_loss"].tolist() == list(range(50))


def test_a_very_long_line_is_counted_and_passed_over(tmp_path: Path) -> None:
    text = b"step=1 loss=3\n" + b"x" * 20_000_000 + b"\nstep=2 loss=2\n"
    table = only(written(tmp_path, text))
    assert table.column("batch_loss").tolist() == [3, 2]
    assert table.source.lines == 3
    assert_accounted(table)


BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "spaces": (b" \n\n ", "is empty"),
    "prose": (b"hello world\nnothing here\n", "no line with a named number"),
    "no loss": (b"step=1 accuracy=0.5\nstep=2 accuracy=0.6\n", "holds no loss; the series found are .*accuracy"),
    "binary": (bytes(range(256)) * 40, "binary"),
    "cut gzip": (gzip.compress(OWN.encode())[:100], "damaged or cut-off"),
    "cut zstd": (zstandard.compress(OWN.encode() * 50)[:60], "(damaged or cut-off|is empty|no line)"),
    "cut xz": (lzma.compress(OWN.encode())[:100], "damaged or cut-off"),
    "cut json": (b'{\n "log_history": [\n {"loss": 1.5, "step": 1},\n', "cut-off or damaged JSON"),
    "json": (b'{\n "name": "x"\n}', "no training log"),
    "deep json": (b"[" * 100_000, "(cut-off or damaged|no training log|no line)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_in_words(tmp_path: Path, name: str) -> None:
    content, words = BAD[name]
    with pytest.raises(InputError, match=words):
        read_runs(written(tmp_path, content))


def test_no_file_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        read_runs(tmp_path / "absent.log")
    with pytest.raises(InputError, match="is empty"):
        read_runs(tmp_path)


def event(step: int, value: float, tag: bytes = b"loss") -> bytes:
    """One record of an event file, written by hand from the format's description."""
    content = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(content)]) + content
    number = b""
    rest = step
    while rest > 127:
        number, rest = number + bytes([rest & 127 | 128]), rest >> 7
    body = (
        b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + number + bytes([rest]) + b"\x2a" + bytes([len(summary)])
    )
    body += summary
    length = struct.pack("<Q", len(body))
    return length + struct.pack("<I", checksum(length)) + body + struct.pack("<I", checksum(body))


def test_the_checksum_is_castagnoli() -> None:
    crc = 0xE3069283  # of "123456789", the published check value of CRC-32C
    assert checksum(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_a_cut_and_a_damaged_event_file(tmp_path: Path) -> None:
    whole = b"".join(event(step, 3 - step / 1000) for step in range(1, 301))
    table = only(written(tmp_path, whole))
    assert table.column("batch_loss") == pytest.approx([3 - s / 1000 for s in range(1, 301)], abs=1e-6)
    cut = only(written(tmp_path, whole[:-5]))
    assert len(cut.step) == 299
    assert cut.source.failed == 1
    damaged = bytearray(whole)
    damaged[len(event(1, 0.0)) * 10 + 20] ^= 1
    table = only(written(tmp_path, bytes(damaged)))
    assert len(table.step) == 299
    assert table.source.failed == 1
    assert_accounted(table)


PIECES = st.sampled_from(
    ["step", "loss", "epoch", "=", ":", " ", "\n", "\r", ",", "{", "}", "[", "]", "/", "nan", "inf", "1", "2.5", "-3e4",
     "%|", "val_loss", "lr", "\x1b[31m", "에폭", "|", '"', "'", "\t", "2024-01-01 00:00:00", "1e999", "9" * 30, "\x00"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=400), st.lists(PIECES, max_size=120).map(lambda p: "".join(p).encode())))
def test_any_bytes_give_runs_or_an_input_error(tmp_path: Path, content: bytes) -> None:
    try:
        tables = read_runs(written(tmp_path, content))
    except InputError:
        return
    for table in tables:
        assert (np.diff(table.step) > 0).all()
        assert all(len(column) == len(table.step) for column in table.columns.values())
        assert_accounted(table)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_anywhere_gives_runs_or_an_input_error(tmp_path: Path, data: st.DataObject) -> None:
    whole = data.draw(
        st.sampled_from(
            [OWN.encode(), b"".join(event(s, 1 / s) for s in range(1, 20)), b"step,loss\n1,2\n2,1\n",
             b'{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n', b'{\n"log_history": [{"loss": 1, "step": 1}]}']
        )
    )  # fmt: skip
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))]
    try:
        tables = read_runs(written(tmp_path, bytes(content)))
    except InputError:
        return
    for table in tables:
        assert_accounted(table)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=40), st.sampled_from([1, 7, 100]),
    st.sampled_from(["step={s} loss={v!r}", "step: {s}, loss: {v!r}", "| step {s} | loss {v!r} |"]),
)  # fmt: skip
def test_what_was_written_is_read(tmp_path: Path, values: list[float], every: int, line: str) -> None:
    text = "\n".join(line.format(s=every * (i + 1), v=value) for i, value in enumerate(values))
    table = only(written(tmp_path, text))
    assert table.step.tolist() == [every * (i + 1) for i in range(len(values))]
    assert table.column("batch_loss").tolist() == values


def test_a_gradient_norm_that_was_logged_as_nan_is_not_taken_for_a_gap(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("".join(f"{{'loss': 0.0, 'grad_norm': nan, 'step': {step}}}\n" for step in range(1, 21)))
    table = read_runs(log)[0]
    assert table.logged_nan["gradient_norm"].tolist() == list(range(20))

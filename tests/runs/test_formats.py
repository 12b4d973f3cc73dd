"""Formats beyond lines of `name=value`: boxes, printed frames, notebooks, histories, bare numbers, folders."""

import json
from pathlib import Path

import numpy as np
import pytest

from isang.errors import InputError, UsageError
from isang.runs.read import table as t
from isang.runs.read.folders import read_runs
from isang.runs.read.readers import READERS, reader_of
from isang.runs.read.readers.laws import check_reader
from isang.runs.read.readers.reader import Reader
from isang.runs.read.table import RunTable

N = 30
FALL = np.round(2 * np.exp(-np.arange(N) / 8) + 0.5, 4)
TABLE = "".join(f"<tr><td>{10 * n + 10}</td><td>{v}</td><td>{v + 1:.4f}</td></tr>" for n, v in enumerate(FALL))


def only(path: Path) -> RunTable:
    (table,) = read_runs(path)
    return table


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def losses(table: RunTable) -> list[float]:
    values = table.column(table.loss)
    return values[~np.isnan(values)].tolist()


def notebook(*outputs: dict[str, object]) -> str:
    cell = {"cell_type": "code", "execution_count": 3, "source": ["fit()"], "outputs": list(outputs)}
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "loss 9"}, cell], "nbformat": 4}, indent=1)


def test_a_box_is_a_row(tmp_path: Path) -> None:
    box = (
        "-" * 30
        + "\n| time/            |         |\n|    total_timesteps | {} |\n| train/ | |\n|    loss | {} |\n"
        + "-" * 30
    )
    table = only(
        written(tmp_path, "a.txt", "\n".join(box.format(2048 * (n + 1), v) for n, v in enumerate(FALL)) + "\n")
    )
    assert table.step.tolist() == [2048 * (n + 1) for n in range(N)]
    assert (losses(table), table.loss_name) == (FALL.tolist(), "train/loss")
    source = table.source
    assert source.lines == sum(source.used.values()) + sum(source.ignored.values()) + source.failed


def test_a_box_of_another_shape_is_prose_as_before(tmp_path: Path) -> None:
    lines = [f"step={n} loss={v}\n| one |\n" for n, v in enumerate(FALL)]
    assert losses(only(written(tmp_path, "a.txt", "".join(lines)))) == FALL.tolist()


def test_a_printed_frame_is_a_table_with_an_index(tmp_path: Path) -> None:
    rows = [f"{n:<4}{n + 1:7d}{v:12.4f}{v + 1:12.4f}" for n, v in enumerate(FALL)]
    table = only(written(tmp_path, "a.txt", "\n".join(["      epoch  train_loss    val_loss", *rows]) + "\n"))
    assert (table.step.tolist(), losses(table)) == (list(range(1, N + 1)), FALL.tolist())
    rows = [f"{n:<4}{v:12.4f}{v + 1:12.4f}" for n, v in enumerate(FALL)]
    assert (
        losses(only(written(tmp_path, "b.txt", "\n".join(["            loss    val_loss", *rows]) + "\n")))
        == FALL.tolist()
    )


@pytest.mark.parametrize("heading", [",epoch,loss", "Unnamed: 0,epoch,loss", '"","epoch","loss"', "epoch,loss"])
def test_a_column_without_a_name_is_an_index(tmp_path: Path, heading: str) -> None:
    text = "\n".join([heading, *(f"{n + 100},{n + 1},{v}" for n, v in enumerate(FALL))]) + "\n"
    table = only(written(tmp_path, "a.csv", text))
    assert (table.step.tolist(), losses(table)) == (list(range(1, N + 1)), FALL.tolist())
    assert set(table.series) == {"epoch", "loss"}


def test_a_comma_may_be_the_decimal_sign(tmp_path: Path) -> None:
    text = "\n".join(["epoch;loss", *(f"{n + 1};{f'{v:.4f}'.replace('.', ',')}" for n, v in enumerate(FALL))])
    assert losses(only(written(tmp_path, "a.csv", text))) == FALL.tolist()
    text = "\n".join(["step;loss", *(f"{(n + 1) * 1000:,};{v}" for n, v in enumerate(FALL))])
    table = only(written(tmp_path, "b.csv", text))
    assert (table.step[-1], losses(table)) == (N * 1000, FALL.tolist())


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"loss": FALL.tolist(), "val_loss": FALL.tolist()}), json.dumps(FALL.tolist()),
        json.dumps({"history": {"loss": FALL.tolist()}, "params": {"epochs": 3}}),
        json.dumps({"train": {"logloss": FALL.tolist()}, "eval": {"logloss": FALL.tolist()}}),
        "\n".join(map(str, FALL)) + "\n", "loss\n" + "\n".join(map(str, FALL)) + "\n",
    ],
)  # fmt: skip
def test_histories_and_bare_numbers(tmp_path: Path, text: str) -> None:
    assert losses(only(written(tmp_path, "history.json", text))) == FALL.tolist()


def test_nested_records_and_times_in_words(tmp_path: Path) -> None:
    rows = [
        {"info": {"learner": {"p": {"stats": {"total_loss": float(v)}}}}, "training_iteration": n + 1,
         "config": {"lr": 1.0}, "elapsed_time": f"1:{n:02d}:30"} for n, v in enumerate(FALL)
    ]  # fmt: skip
    table = only(written(tmp_path, "result.json", "\n".join(map(json.dumps, rows))))
    assert losses(table) == FALL.tolist()
    assert not table.has(t.LEARNING_RATE)
    assert np.diff(table.column(t.TIME)).tolist() == [60.0] * (N - 1)


def test_a_notebook_is_read_by_its_outputs(tmp_path: Path) -> None:
    stream = {"output_type": "stream", "name": "stdout", "text": [f"step {n} loss {v}\n" for n, v in enumerate(FALL)]}
    assert losses(only(written(tmp_path, "a.ipynb", notebook(stream)))) == FALL.tolist()
    head = "<table><tr><th>Step</th><th>Training Loss</th><th>Validation Loss</th></tr>"
    shown = {
        "output_type": "display_data",
        "data": {"text/html": [head + TABLE + "</table>"], "text/plain": ["<HTML>"]},
    }
    table = only(written(tmp_path, "b.ipynb", notebook(shown)))
    assert (losses(table), table.step[-1]) == (FALL.tolist(), 10 * N)
    assert table.column(t.VALIDATION_LOSS) == pytest.approx(FALL + 1)
    with pytest.raises(InputError, match="no output"):
        read_runs(written(tmp_path, "c.ipynb", notebook()))


def test_numbers_may_stand_before_their_names(tmp_path: Path) -> None:
    lines = [
        f" {n + 1}: {v}, {v + 1:.4f} avg loss, 0.001000 rate, 3.1 seconds, {64 * n} images" for n, v in enumerate(FALL)
    ]
    table = only(written(tmp_path, "a.txt", "\n".join(lines) + "\n"))
    assert (table.step.tolist(), losses(table)) == (list(range(1, N + 1)), FALL.tolist())
    assert set(table.column(t.LEARNING_RATE).tolist()) == {0.001}


def test_the_sets_of_a_line_are_told_apart(tmp_path: Path) -> None:
    lines = [f"Epoch {n} | Train: loss={v}, acc=0.5 | Val: loss={v + 1:.4f}, acc=0.4" for n, v in enumerate(FALL, 1)]
    table = only(written(tmp_path, "a.txt", "\n".join(lines) + "\n"))
    assert (losses(table), table.metric) == (FALL.tolist(), "val/acc")
    assert table.column(t.VALIDATION_LOSS) == pytest.approx(FALL + 1)


def test_a_pointer_says_what_it_is(tmp_path: Path) -> None:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:4f4f\nsize 45778\n"
    with pytest.raises(InputError, match="Git LFS pointer"):
        read_runs(written(tmp_path, "trainer_state.json", text))


def rows_of(column: str, values: np.ndarray) -> str:
    return f"step,{column}\n" + "".join(f"{n + 1},{v}\n" for n, v in enumerate(values))


def test_folders_of_data_sets_are_one_run(tmp_path: Path) -> None:
    written(tmp_path, "shop/learn/metrics.csv", rows_of("loss", FALL))
    written(tmp_path, "shop/test/metrics.csv", rows_of("loss", FALL + 1))
    table = only(tmp_path)
    assert (table.name, losses(table)) == ("shop", FALL.tolist())
    assert table.column(t.VALIDATION_LOSS) == pytest.approx(FALL + 1)
    written(tmp_path, "alone/train/metrics.csv", rows_of("loss", FALL + 3))
    assert [run.name for run in read_runs(tmp_path)] == ["shop", "alone/train"]


def test_what_an_earlier_checkpoint_repeats_is_left_out(tmp_path: Path) -> None:
    for last in (10, 20, N):
        history = [{"step": n + 1, "loss": float(v)} for n, v in enumerate(FALL[:last])]
        written(tmp_path, f"checkpoint-{last}/trainer_state.json", json.dumps({"log_history": history}))
    table = only(tmp_path)
    assert (table.name, losses(table)) == (f"checkpoint-{N}", FALL.tolist())
    assert sum("repeats values of this run" in note.en for note in table.source.notes) == 2


def test_copies_in_other_formats_are_left_out_and_equal_runs_are_not(tmp_path: Path) -> None:
    written(
        tmp_path, "one/vis_data/scalars.json", "".join(f'{{"step": {n}, "loss": {v}}}\n' for n, v in enumerate(FALL))
    )
    written(tmp_path, "one/20260105.log", "".join(f"step {n} loss {v:.3f}\n" for n, v in enumerate(FALL)))
    written(tmp_path, "two/metrics.csv", rows_of("loss", FALL))
    assert sorted(run.name for run in read_runs(tmp_path)) == ["one", "two"]


def test_a_tool_s_own_log_is_no_run(tmp_path: Path) -> None:
    run = tmp_path / "run-20260105_090000-ab12cd34"
    written(run, "files/output.log", "".join(f"step {n}/1000 | train_loss {v}\n" for n, v in enumerate(FALL)))
    written(run, "files/wandb-summary.json", '{"_step": 29, "train_loss": 0.5}')
    written(run, "logs/debug.log", "2026-01-05 09:00:00,002 config {'auxiliary_loss_multiplier': 0.0001}\n")
    written(run, "files/notes.csv", "step,price\n1,2\n2,3\n3,4\n")
    table = only(run)
    assert (table.name, losses(table)) == (run.name, FALL.tolist())
    assert "files of the folder that hold no loss: files/notes.csv" in [note.en for note in table.source.notes]
    written(run, "README.md", "Trained with\n- loss: 1.16.0\n")
    assert only(run).name == run.name


def test_the_place_of_a_reader_does_not_matter(tmp_path: Path) -> None:
    texts = [rows_of("loss", FALL), json.dumps({"loss": FALL.tolist()}), '{"step": 1, "loss": 2}\n', "step=1 loss=2\n",
             notebook(), "1.5\n1.4\n1.3\n", '{"log_history": []}']  # fmt: skip
    for text in texts:
        path = written(tmp_path, "a", text)
        found = {reader_of(text.encode(), path, order) for order in (READERS, READERS[::-1])}
        assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("delimited", rows_of("loss", FALL)), ("json document", json.dumps({"loss": FALL.tolist()})),
        ("json lines", "".join(f'{{"step": {n}, "loss": {v}}}\n' for n, v in enumerate(FALL))),
        ("numbers", "".join(f"{v}\n" for v in FALL)),
        ("notebook", notebook({"output_type": "stream", "text": [f"step {n} loss {v}\n" for n, v in enumerate(FALL)]})),
    ],
)  # fmt: skip
def test_our_readers_keep_the_laws(tmp_path: Path, name: str, text: str) -> None:
    (reader,) = (each for each in READERS if each.name == name)
    check_reader(reader, written(tmp_path, "own/file", text), FALL.tolist())


def test_a_reader_is_checked() -> None:
    with pytest.raises(UsageError, match="needs a name"):
        Reader("", lambda head, path: 1.0, lambda path: [])
    with pytest.raises(UsageError, match="number from 0 to 1"):
        Reader("mine", lambda head, path: 7.0, lambda path: []).certainty(b"", Path("a"))

"""Labels files in the forms that people have."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import zstandard

from isang.errors import InputError
from isang.logs.labels import attach_labels, read_labels


def sessions(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"session_id": names, "start": [datetime(2024, 1, 1, tzinfo=UTC)] * len(names)}).with_columns(
        label=pl.lit(None, dtype=pl.Boolean)
    )


@pytest.mark.parametrize(
    "content",
    [
        "BlockId,Label\na,Normal\nb,Anomaly\n",
        "\ufeffsession_id,anomalous\r\na,0\r\nb,1\r\n",
        "Trace_ID\tis_anomaly\na\tfalse\nb\ttrue\n",
        "id;label\na;-\nb;KERNDTLB\n",
        '{"session": "a", "label": false}\n{"session": "b", "label": true}\n',
    ],
)
def test_the_usual_forms_are_read(tmp_path: Path, content: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content, encoding="utf-8")
    assert read_labels(path).table.select("session_id", "label").rows() == [("a", False), ("b", True)]


def test_parquet_and_compressed_files_are_read(tmp_path: Path) -> None:
    table = pl.DataFrame({"id": ["a", "b"], "label": [False, True], "fault": [None, "delay"]})
    table.write_parquet(tmp_path / "labels.parquet")
    assert read_labels(tmp_path / "labels.parquet").table.rows() == [("a", False, None), ("b", True, "delay")]
    (tmp_path / "labels.csv.zst").write_bytes(zstandard.compress(b"id,label,kind\na,0,\nb,1,delay\n"))
    assert read_labels(tmp_path / "labels.csv.zst").table.rows() == [("a", False, None), ("b", True, "delay")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,label\na,0\n", "no session id column; its columns are name, label"),
        ("id,score\na,0\n", "no label column"),
        ("id,label\na,perhaps\n", "'perhaps' is not understood"),
        ("id,label\na,0\nb,1\na,1\n", "labels 'a' both normal and anomalous"),
        ("id,label\n", "holds no labels"),
        ("", "no table of labels"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=said):
        read_labels(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_labels(tmp_path / "absent.csv")


def test_attaching_counts_what_fits_and_what_does_not(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,label\na,1\nb,0\nb,0\nelsewhere,1\n")
    attached, report = attach_labels(sessions("c", "a", "a#2", "b", "odd#x"), read_labels(path))
    assert attached.select("session_id", "label").rows() == [
        ("c", None), ("a", True), ("a#2", True), ("b", False), ("odd#x", None),
    ]  # fmt: skip
    assert report.to_dict() == {
        "labelled": 3, "anomalous": 2, "labels_without_session": 1, "sessions_without_label": 2, "duplicates": 1,
    }  # fmt: skip


def test_labels_of_other_logs_are_an_error_that_shows_both(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,label\nblk_1,1\n")
    with pytest.raises(InputError, match=r"'blk_1'.*'app.log:1'"):
        attach_labels(sessions("app.log:1"), read_labels(path))

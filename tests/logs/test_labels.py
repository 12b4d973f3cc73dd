"""Labels files in the forms that people have."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import zstandard

from isang.errors import InputError
from isang.logs.sessions.labels import attach_labels, read_labels


def sessions(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"session_id": names, "start": [datetime(2024, 1, 1, tzinfo=UTC)] * len(names)}).with_columns(
        label=pl.lit(None, dtype=pl.Boolean), kind=pl.lit(None, dtype=pl.String), source=pl.lit("app.log")
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


def test_the_kind_of_an_anomaly_is_kept_and_null_for_what_is_normal(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,label,fault\na,normal,none\nb,anomaly,Disk full\nc,anomaly,\n")
    assert read_labels(path).table["kind"].to_list() == [None, "Disk full", None]
    path.write_text("id,label\na,-\nb,KERNDTLB\n")
    assert read_labels(path).table["kind"].to_list() == [None, "KERNDTLB"]


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
    assert report == {
        "source": str(path), "labelled": 3, "anomalous": 2, "anomalous_by_file": 2, "anomalous_by_alerts": 0,
        "anomalous_by_both": 0, "labels_without_session": 1, "sessions_without_label": 2, "duplicates": 1,
    }  # fmt: skip


def test_a_session_is_anomalous_if_the_file_or_the_alert_column_says_so(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,label,kind\na,0,\nb,1,disk full\nc,1,\nd,0,\n")
    given = sessions("a", "b", "c", "d", "e", "f").with_columns(label=pl.Series([True, False, True, None, True, None]))
    attached, report = attach_labels(given, read_labels(path))
    assert attached["label"].to_list() == [True, True, True, False, True, None]
    assert attached["kind"].to_list() == [None, "disk full", None, None, None, None]
    assert {name: report[name] for name in report if "anomalous" in name} == {
        "anomalous": 4, "anomalous_by_file": 2, "anomalous_by_alerts": 3, "anomalous_by_both": 1,
    }  # fmt: skip


def test_a_label_holds_for_an_identifier_in_every_log(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,label\na,1\na@b.log,0\n7,1\n")
    given = sessions("a@app.log", "a@app.log#2", "a@b.log", "app.log:7").with_columns(
        source=pl.Series(["app.log", "app.log", "b.log", "app.log"])
    )
    attached, _ = attach_labels(given, read_labels(path))
    assert attached["label"].to_list() == [True, True, False, None]


def test_labels_of_other_logs_are_an_error_that_shows_both(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,label\nblk_1,1\n")
    with pytest.raises(InputError, match=r"'blk_1'.*'app.log:1'"):
        attach_labels(sessions("app.log:1"), read_labels(path))

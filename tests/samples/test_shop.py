"""The shipped recording: complete, consistent with its truth, small, and silent about where it was made."""

import csv
import io
import itertools
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from isang.logs.input.chunks import read_all
from isang.logs.sessions.labels import read_labels
from isang.samples import shop

PROGRAMS = (
    "api", "catalogue", "gateway-access", "gateway-error", "orders", "payment", "postgres", "redis", "stock",
)  # fmt: skip
DOCS = Path(__file__).resolve().parents[2] / "docs" / "sample.md"


@cache
def texts() -> dict[str, str]:
    return {path.name.partition(".")[0]: text(path) for path in shop().logs}


def text(path: Path) -> str:
    return read_all(path, max_bytes=1 << 28).decode()


@cache
def requests() -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader(io.StringIO(text(shop().labels))))


@cache
def faults() -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader(io.StringIO(shop().faults.read_text())))


def test_all_its_files_are_there_and_small() -> None:
    sample = shop()
    assert [path.name for path in sample.logs] == [f"{program}.log.zst" for program in PROGRAMS]
    assert sample.card.is_file()
    assert sum(path.stat().st_size for path in sample.folder.iterdir()) <= 2_000_000


def test_it_has_the_promised_number_of_lines() -> None:
    assert 150_000 <= sum(content.count("\n") for content in texts().values()) <= 300_000


def test_each_request_is_logged_once_by_the_gateway() -> None:
    logged = re.findall(r" rid=([0-9a-f]{10})$", texts()["gateway-access"], re.MULTILINE)
    assert sorted(logged) == sorted(row["request_id"] for row in requests())
    assert max(Counter(logged).values()) == 1


def test_the_client_saw_the_status_that_the_gateway_logged() -> None:
    pairs = re.findall(r'" (\d{3}) \d+ "[^"]*" rt=\S+ rid=(\w+)$', texts()["gateway-access"], re.MULTILINE)
    logged = {request_id: status for status, request_id in pairs}
    assert all(logged[row["request_id"]] == row["status"] for row in requests())


def test_a_request_is_anomalous_when_it_deviates_and_a_fault_did_it() -> None:
    kinds = {fault["kind"] for fault in faults()}
    for row in requests():
        if row["anomalous"] == "true":
            assert row["deviation"]
            assert row["fault"] in kinds
        else:
            assert row["fault"] == ""


def test_at_least_ten_kinds_of_fault_hit_at_least_ten_requests_each() -> None:
    hit = Counter(row["fault"] for row in requests() if row["fault"])
    assert len(hit) >= 10
    assert min(hit.values()) >= 10


def test_the_first_part_is_free_of_faults_and_the_second_is_not_full_of_them() -> None:
    first = min(fault["start"] for fault in faults())
    before = [row for row in requests() if row["start"] < first]
    after = [row for row in requests() if row["start"] >= first]
    assert len(before) > len(after)
    assert not any(row["anomalous"] == "true" for row in before)
    assert 0.03 <= sum(row["anomalous"] == "true" for row in after) / len(after) <= 0.08


def test_faults_do_not_overlap() -> None:
    ordered = sorted(faults(), key=lambda fault: fault["start"])
    assert all(one["end"] < other["start"] for one, other in itertools.pairwise(ordered))


def test_errors_are_logged_on_ordinary_requests_too() -> None:
    anomalous = {row["request_id"] for row in requests() if row["anomalous"] == "true"}
    ids = set(re.findall(r" ERROR .*?([0-9a-f]{10})[\]} ]", texts()["catalogue"]))
    assert len(ids - anomalous) > 50


def test_isang_reads_its_labels() -> None:
    labels = read_labels(shop().labels).table
    assert labels.height == len(requests())
    assert int(labels["label"].sum()) == sum(row["anomalous"] == "true" for row in requests())
    assert set(labels["kind"].drop_nulls()) - {""} == {fault["kind"] for fault in faults()}


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_log_tells_about_the_machine(program: str) -> None:
    assert not re.search(r"/(tmp|root|home)\b", texts()[program])


def test_the_lines_that_the_documentation_shows_are_in_the_logs() -> None:
    if not DOCS.is_file():
        pytest.skip("the documentation is not part of this installation")
    lines = {line for content in texts().values() for line in content.splitlines()}
    shown = [
        line
        for block in re.findall(r"^```text\n(.*?)^```$", DOCS.read_text(), re.M | re.S)
        for line in block.splitlines()
    ]
    assert len(shown) > 50
    assert [line for line in shown if line not in lines and not line.startswith("… ")] == []


def test_the_card_names_the_true_counts() -> None:
    card = shop().card.read_text()
    lines = sum(content.count("\n") for content in texts().values())
    anomalous = sum(row["anomalous"] == "true" for row in requests())
    for number in (lines, len(requests()), anomalous):
        assert f"{number:,}" in card

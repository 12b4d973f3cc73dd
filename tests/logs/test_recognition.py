"""Logs in the shapes of many programs: the time, level and message of their first two lines."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from isang.logs.input.chunks import Chunk
from isang.logs.parsing.records import Records, parse_chunk, recognise_source

REFERENCE = datetime(2026, 6, 30, tzinfo=UTC)
AT = datetime(2026, 5, 6, 10, 0, tzinfo=UTC)
FORMS = [
    "20260506T1000{:02}Z", "Wed May  6 10:00:{:02}.000", "6 May 2026 10:00:{:02}", "06-05-2026 10:00:{:02}",
    "2026.05.06 10:00:{:02}", "20260506-10:00:{:02}.000", "2026. 5. 6. 오전 10:00:{:02}", "2026/5/6 10:00:{:02}",
    "06.05.26 10:00:{:02}", "Wed May  6 19:00:{:02} KST 2026", "2026-05-06 19:00:{:02}+09",
    "05/06/2026, 10:00:{:02} AM", "2026年5月6日 上午10:00:{:02}", "6. Mai 2026 10:00:{:02}", "6 mai 2026 10:00:{:02}",
    "6 de mayo de 2026 10:00:{:02}",
    "10:00:{:02} 2026-05-06",
    "06May2026 10:00:{:02}", "17780616{:02}", "17780616{:02}000", "17780616{:02}000000", "2026-05-06-10.00.{:02}.000",
    "2026-05-06|10:00:{:02}", "2026-05-06 | 10:00:{:02}", "06.05.2026;10:00:{:02}", "2026-05-06,10:00:{:02}",
    "[2026-05-06] [10:00:{:02}]", "2026-05-06-19.00.{:02}.000000+540", "06-May-26 10.00.{:02}.000000 AM",
]  # fmt: skip
INSIDE = [
    ("{at} [depot] [ERROR] shelf", "shelf"),
    ("web01 {at} ERROR shelf", "shelf"),
    ("[4711] {at} ERROR shelf", "shelf"),
    ("[{at}] [Counter thread/ERROR]: shelf", "shelf"),
    ("{at}|ERROR    |Counter|1|shelf", "Counter|1|shelf"),
    ("{at} 심각 shelf", "shelf"),
    ("{at} FEHLER shelf", "shelf"),
    ("api-1  | {at} ERROR shelf", "shelf"),
    ('date=2026-05-06 time=10:00:00 devname="fw" level="error" msg="shelf"', "shelf"),
    ("May  6 10:00:00 depot1 x[7]: E0506 10:00:00.000000 7 sync.go:1] shelf", "shelf"),
    ('May  6 10:00:00 depot1 x[7]: {{"level": "error", "msg": "shelf"}}', "shelf"),
    ('api-1  | time={at} level=error msg="shelf"', "shelf"),
    ('{{"at": "{at}", "severity": "error", "detail": {{"msg": "shelf"}}}}', "shelf"),
    ('{{"start_time": "{at}", "level": "error", "requestMethod": "GET", "responseCode": 500, "requestPath": "/a"}}',
     "GET /a Internal_Server_Error"),
]  # fmt: skip


def read(lines: list[str]) -> Records:
    source = recognise_source(pl.Series(lines), given=None, zone="UTC", reference=REFERENCE)
    return parse_chunk(Chunk("\n".join(lines), 1, None), source)


@pytest.mark.parametrize("form", FORMS)
def test_times_are_read_in_the_form_that_the_lines_show(form: str) -> None:
    lines = [f"{form.format(second)} {('ERROR', 'INFO')[second % 2]} shelf counted" for second in range(10, 30)]
    frame = read(lines).frame
    assert frame.height == 20
    assert frame["level"].to_list()[:2] == ["ERROR", "INFO"]
    assert frame["message"].unique().to_list() == ["shelf counted"]
    assert (frame["time"][1] - frame["time"][0]).total_seconds() == 1
    assert "1778" in form or frame["time"][0].replace(year=2026) == AT.replace(second=10)


def test_times_without_leading_zeros_count_milliseconds_behind_a_colon() -> None:
    at = [10 * 3_600_000 + 7_000 * n + 37 * n % 1000 for n in range(150)]
    lines = [
        f"20260506-{ms // 3_600_000}:{ms // 60_000 % 60}:{ms // 1000 % 60}:{ms % 1000}|Shelf|7|counted" for ms in at
    ]
    frame = read(lines).frame
    assert [(time - AT) // timedelta(milliseconds=1) for time in frame["time"]] == [ms - at[0] for ms in at]


@pytest.mark.parametrize(("line", "message"), INSIDE)
def test_level_and_message_are_found_wherever_they_stand(line: str, message: str) -> None:
    frame = read([line.format(at=f"2026-05-06 10:00:{second:02}") for second in range(20)]).frame
    assert frame["level"].unique().to_list() in (["ERROR"], ["SEVERE"])
    assert frame["message"].unique().to_list() == [message]
    assert frame["time"][0].replace(year=2026) == AT  # what lacks a year is settled by the whole log


@pytest.mark.parametrize(("days", "month"), [((12, 13), 5), ((30, 31), 5)])
def test_the_whole_sample_tells_day_and_month(days: tuple[int, int], month: int) -> None:
    for form in ("{0:02}/{1:02}/2026", "{1:02}/{0:02}/2026"):
        frame = read([f"{form.format(day, month)} 10:00:00 shelf counted" for day in days]).frame
        assert [(time.month, time.day) for time in frame["time"]] == [(month, day) for day in days]


def test_what_nothing_decides_is_a_doubt_with_its_flag() -> None:
    lines = pl.Series([f"05/06/2026 10:00:{second:02} shelf counted" for second in range(9)])
    source = recognise_source(lines, given=None, zone="UTC", reference=REFERENCE)
    assert any("--date-order" in doubt.en for doubt in source.doubts)
    settled = recognise_source(lines, given=None, zone="UTC", reference=REFERENCE, date_order="day-first")
    assert not settled.doubts


def test_numbers_that_rise_are_never_called_no_time_without_a_doubt() -> None:
    lines = pl.Series([f"{7000 + 13 * n} shelf {n} counted" for n in range(20)])
    source = recognise_source(lines, given=None, zone="UTC", reference=REFERENCE)
    assert any("--layout" in doubt.en for doubt in source.doubts)


def test_stack_traces_and_preambles_do_not_vote() -> None:
    trace = ["java.lang.IllegalStateException: no", *["\tat a.B.c(B.java:7)"] * 40]
    lines = ["+ prepare"] * 30
    for second in range(20):
        lines += [f"2026-05-06 10:00:{second:02} ERROR shelf failed", *trace]
    frame = read(lines).frame
    assert frame["message"].to_list() == ["shelf failed"] * 20


def test_a_time_on_a_line_of_its_own_stands_above_its_record() -> None:
    lines = [text for n in range(9) for text in (f"2026-05-06T10:00:{n:02}Z", "shelf advanced", "  page 7")]
    frame = read(lines).frame
    assert frame["message"].to_list() == ["shelf advanced"] * 9
    assert frame["time"][0] == AT


def test_json_without_a_message_is_its_keys_and_few_words() -> None:
    lines = [f'{{"ts": 17780616{n:02}, "kind": "{"ab"[n % 2]}x", "id": "q{n}z", "bytes": {n}}}' for n in range(10, 50)]
    assert set(read(lines).frame["message"]) == {"ts kind=ax id bytes", "ts kind=bx id bytes"}

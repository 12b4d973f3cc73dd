"""Times and levels in unusual forms and places: told by what nearly all lines have there."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from isang.logs.input.chunks import Chunk
from isang.logs.parsing.records import SourceLayout, parse_chunk, recognise_source

WRITTEN = datetime(2026, 3, 4, 12, tzinfo=UTC)
FIRST = datetime(2025, 11, 4, 9, 58, 1, tzinfo=UTC)
MESSAGES = ("opened pool 12", "no answer from 10.0.0.7", "checkpoint written", "lease closed after 18 ms")
LEVELS = ("INFO", "WARNING", "ERROR")
LETTERS = {level: level[0] for level in LEVELS}
SMALL = {level: level.lower() for level in LEVELS}


def read(lines: list[str]) -> tuple[SourceLayout, pl.DataFrame]:
    source = recognise_source(pl.Series(lines), given=None, zone="UTC", reference=WRITTEN)
    return source, parse_chunk(Chunk("\n".join(lines), 1, None), source).frame


def log(line: Callable[[datetime, str, str], str]) -> list[str]:
    """Forty records, three seconds apart; one may have several lines."""
    records = [
        line(FIRST + timedelta(seconds=3 * n), LEVELS[n % 3], MESSAGES[n * 7 % 4]) for n in range(40)
    ]  # fmt: skip
    return "\n".join(records).split("\n")


WITH_LEVELS: dict[str, Callable[[datetime, str, str], str]] = {
    "the day of the year": lambda t, level, m: f"{t:%Y-%jT%H:%M:%S},250:{level}:{m}",
    "between pairs of colons": lambda t, level, m: f"Thread-7::{level}::{t:%Y-%m-%d %H:%M:%S},250::vds::71::(run) {m}",
    "letters behind a word": lambda t, level, m: f"{t:%Y/%m/%d %H:%M:%S}.250  00264F {LETTERS[level]} shm {m}",
    "letters behind two words": lambda t, level, m: f"[{t:%Y-%m-%d %H:%M:%S}] 0000001a Wrapper {LETTERS[level]}   {m}",
    "stars": lambda t, level, m: f"{t:%d.%m.%Y %H:%M:%S}.250 *{level}* [qtp7] com.day.cq {m}",
    "a named level": lambda t, level, m: f'{t:%Y-%m-%dT%H:%M:%SZ} h1 NSX 31 [nsx@6876 level="{level}" sub="d"] {m}',
    "brackets further on": lambda t, level, m: f"{t:%Y-%m-%d %H:%M:%S} +0000 /Stage[main]/Ntp ({SMALL[level]}): {m}",
    "a column behind the message": lambda t, level, m: f'"{t:%Y-%m-%d %H:%M:%S}"\t"{m}"\tid=u7\t{level}\tdc=x',
    "words beside levels": lambda t, level, m: (
        f"{level.replace('WARNING', 'STATUS')}  | jvm 1 | {t:%Y/%m/%d %H:%M:%S} | {m}"
    ),
    "a heading": lambda t, level, m: f"={level} REPORT==== {t.day}-{t:%b-%Y::%H:%M:%S} ===\n{m}\n",
    "the level at the end of a first line": lambda t, level, m: (
        f"{t:%Y-%m-%d-%H.%M.%S}.250000+000 I100E412   LEVEL: {level}\nPID     : 44\nMESSAGE : {m}\n"
    ),
    "a letter glued to the date": lambda t, level, m: (
        f"{LETTERS[level]}{t:%y%m%d %H:%M:%S}.250 7 util/x.go:15 [n1] 3  {m}"
    ),
    "behind a process and its thread": lambda t, level, m: f"[{t.timestamp():.0f}] unbound[12:1] {SMALL[level]}: {m}",
    "JSON behind": lambda t, level, m: f'{SMALL[level]}: {m} {{"service":"api","timestamp":"{t:%Y-%m-%d %H:%M:%S}"}}',
}
WITHOUT_LEVELS: dict[str, Callable[[datetime, str, str], str]] = {
    "a colon behind the zone": lambda t, _, m: f"{t:%Y-%m-%dT%H:%M:%S}.250Z: {m}",
    "month, day and short year": lambda t, _, m: f"{t:%b-%d-%y %H:%M:%S} [Worker_1] {m}",
    "month, day and year": lambda t, _, m: f"{t:%b/%d/%Y %H:%M:%S} dhcp {m}".lower(),
    "colons within the date": lambda t, _, m: f"{t:%Y:%m:%d-%H:%M:%S} utm1 proxy[15]: {m}",
    "a name like a level's": lambda t, _, m: f"[{t.timestamp():.0f}] SERVICE ALERT: host3;disk;CRITICAL;HARD;3;{m}",
    "a French month within an access log": lambda t, _, m: (
        f'10.0.0.1 -  -  [{t.day}/nov./{t:%Y:%H:%M:%S} +0000] "{m}" 9'
    ),
    "far behind, in brackets": lambda t, _, m: (
        f"[pid: 88|app: 0|req: 1/1] 127.0.0.1 () {{38 vars in 696 bytes}} [{t:%a %b} {t.day:2} {t:%H:%M:%S %Y}] {m}"
    ),
}


@pytest.mark.parametrize("name", [*WITH_LEVELS, *WITHOUT_LEVELS])
def test_times_and_levels_are_found(name: str) -> None:
    levels = name in WITH_LEVELS
    _, records = read(log((WITH_LEVELS | WITHOUT_LEVELS)[name]))
    assert records.height == 40
    first, last = records["time"][0], records["time"][-1]
    assert FIRST <= first < FIRST + timedelta(seconds=1)
    assert last - first == timedelta(seconds=117)
    expected = [LEVELS[n % 3] for n in range(40)] if levels else [None] * 40
    found = records["level"].to_list()
    assert [level.replace("STATUS", "WARNING") if level else None for level in found] == expected


def test_quoted_messages_in_brackets_are_messages() -> None:
    said = ('"no answer from store"', "Welcome", '"region is gone"')
    lines = [f"[2026/03/04 09:58:{n:02}.250 +00:00] [INFO] [a.go:{n}] [{said[n % 3]}] [conn={n}]" for n in range(40)]
    _, records = read(lines)
    assert records["message"].to_list()[:2] == ['no answer from store"] [conn=0]', "Welcome] [conn=1]"]


def test_counts_with_a_letter_are_seconds_since_a_start() -> None:
    _, records = read([f"[T+{seconds:07.2f}] pump {seconds:.0f} is on" for seconds in (1, 1.5, 9.25, 70, 300, 301)])
    times = records["time"].to_list()
    assert [(time - times[0]).total_seconds() for time in times] == [0, 0.5, 8.25, 69, 299, 300]


def test_a_number_that_counts_the_lines_is_no_time_in_doubt() -> None:
    source, records = read(
        [f"{n} {word} fetch {n * 7}" for n, word in enumerate(["verbose", "http", "warn", "silly"] * 9)]
    )
    assert source.layouts[0][0].name == "npm"
    assert records["level"].to_list()[:3] == ["VERBOSE", "HTTP", "WARN"]
    assert not source.doubts


def test_marks_of_build_runners_are_levels() -> None:
    marks = ("##[error]", "##[warning]", "", "")
    _, records = read(
        [f"{FIRST + timedelta(seconds=n):%Y-%m-%dT%H:%M:%S}.2500000Z {marks[n % 4]}step {n}" for n in range(40)]
    )
    assert records["level"].to_list()[:4] == ["ERROR", "WARNING", None, None]


def test_times_in_messages_that_do_not_rise_are_no_times_of_the_lines() -> None:
    _, records = read([f"backup of host {n % 4} is planned for 2026-03-01 {n * 7 % 24:02}:00:00" for n in range(40)])
    assert records["time"].null_count() == 40


def test_months_within_sentences_that_do_not_rise_are_no_times_of_the_lines() -> None:
    _, records = read([f"backup of host {n % 4} is planned for Mar  {n * 7 % 9 + 1} 10:00:00" for n in range(40)])
    assert records["time"].null_count() == 40


def test_levels_in_a_column_of_lines_without_times() -> None:
    words = ("INFO", "WARN", "INFO")
    _, records = read([f"node{n % 2}:123:45{n % 7} [{n % 4}] NCCL {words[n % 3]} channel {n} is up" for n in range(40)])
    assert records["level"].to_list()[:3] == ["INFO", "WARN", "INFO"]
    assert records["message"][1] == "channel 1 is up"


def test_columns_of_drive_letters_are_no_levels() -> None:
    _, records = read(
        [
            f"{FIRST + timedelta(seconds=n):%Y-%m-%d %H:%M:%S} mounted drive {'CDEF'[n % 4]} of host {n % 7}"
            for n in range(40)
        ]
    )
    assert records["level"].null_count() == 40

"""Several programs that write into one log: each line is read by its program's layout, at its own time."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from isang.logs.input.chunks import Chunk
from isang.logs.parsing.inferred.continuations import stand_alone
from isang.logs.parsing.known_layouts import KNOWN, KnownLayout, known_layout, read_as_known
from isang.logs.parsing.records import parse_chunk, recognise_source
from isang.logs.parsing.timeline import RecordTimeline

WRITTEN = datetime(2026, 3, 4, 12, tzinfo=UTC)
FIRST = datetime(2026, 3, 4, 9, 58, 1, 250_000, tzinfo=UTC)
WORDS = ("opened pool", "no answer from node", "checkpoint of region", "lease closed after ms")
LEVELS = ("INFO", "WARN", "ERROR")

Line = Callable[[datetime, str, str], str]


def app(t: datetime, level: str, said: str) -> str:
    return f"{t:%Y-%m-%d %H:%M:%S},250 {level} app.orders: {said}"


def postgresql(t: datetime, level: str, said: str) -> str:
    return f"{t:%Y-%m-%d %H:%M:%S}.250 UTC [31] {level.replace('INFO', 'LOG').replace('WARN', 'FATAL')}:  {said}"


def zookeeper(t: datetime, level: str, said: str) -> str:
    return f"{t:%Y-%m-%d %H:%M:%S},250 [myid:1] - {level}  [main:X@31] - {said}"


def spring(t: datetime, level: str, said: str) -> str:
    return f"{t:%Y-%m-%dT%H:%M:%S}.250Z {level:5} 1 --- [main] c.e.Shop : {said}"


def dotted(t: datetime, level: str, said: str) -> str:
    return f"{t:%d.%m.%Y %H:%M:%S},250 {level} {said}"


def dotted_behind_a_name(t: datetime, level: str, said: str) -> str:
    return f"worker-3 {t:%d.%m.%Y %H:%M:%S},250 {level} {said}"


def structured(t: datetime, level: str, said: str) -> str:
    return json.dumps({"ts": f"{t:%Y-%m-%dT%H:%M:%S}.250Z", "level": level, "msg": said})


def klog(t: datetime, level: str, said: str) -> str:
    return f"{level[0]}{t:%m%d %H:%M:%S}.250000       1 server.go:31] {said}"


def timeless(_: datetime, __: str, said: str) -> str:
    return said


def mixed(programs: Sequence[Line], wrap: str = "{line}", count: int = 240) -> tuple[list[str], list[str], list[str]]:
    """Lines of several programs in an irregular order, a second apart, the program of each and its level."""
    lines, written_by, levels = [], [], []
    for n in range(count):
        program = programs[n * n * 7 // 11 % len(programs)]
        level = LEVELS[n * 5 // 3 % 3]
        line = program(FIRST + timedelta(seconds=n), level, f"{WORDS[n * n // 5 % 4]} {n % 17}")
        lines.append(wrap.format(line=line, name=program.__name__, time=FIRST + timedelta(seconds=n)))
        written_by.append(program.__name__)
        levels.append(level)
    return lines, written_by, levels


def read(lines: list[str]) -> pl.DataFrame:
    source = recognise_source(pl.Series(lines), given=None, zone="UTC", reference=WRITTEN)
    timeline = RecordTimeline(source.clock, WRITTEN, None)
    found = parse_chunk(Chunk("\n".join(lines), 1, None), source).frame
    records = pl.concat([*timeline.add(found.with_columns(pl.col("time").cast(pl.Int64))), *timeline.finish()])
    return records.with_columns(pl.col("time").cast(pl.Datetime("us", "UTC")))


MIXTURES: dict[str, tuple[Sequence[Line], str]] = {
    "two layouts that one made layout would read": ((app, postgresql), "{name:10} | {line}"),
    "one time in two places": ((dotted, dotted_behind_a_name), "{line}"),
    "Java beside ZooKeeper": ((zookeeper, spring), "{line}"),
    "a year beside none": ((structured, klog), "{line}"),
    "none beside a year": ((klog, structured, klog), "[pod/x-7f9c/{name}] {line}"),
    "programs behind syslog": ((klog, app), "{time:%b} {time.day:2} {time:%H:%M:%S} host1 {name}[7]: {line}"),
    "one without a time": ((app, structured, timeless), "{line}"),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_each_line_is_read_by_its_program_s_layout(name: str) -> None:
    lines, written_by, levels = mixed(*MIXTURES[name])
    records = read(lines)
    assert records["line"].to_list() == list(range(1, len(lines) + 1))
    off = [abs(time - FIRST - timedelta(seconds=n)) for n, time in enumerate(records["time"])]
    dated = [n for n, program in enumerate(written_by) if program != "timeless"]
    assert max(off[n] for n in dated) < timedelta(seconds=1)
    short = {"WARNING": "WARN", "FATAL": "WARN", "LOG": "INFO"}
    found = [short.get(level or "", level) for level in records["level"]]
    assert [found[n] for n in dated] == [levels[n] for n in dated]


@pytest.mark.parametrize("name", MIXTURES)
def test_a_model_remembers_how_a_mixture_was_read(name: str) -> None:
    lines = pl.Series(mixed(*MIXTURES[name])[0])
    source = recognise_source(lines, given=None, zone="UTC", reference=WRITTEN)
    kept = json.loads(json.dumps(known_layout(source).to_dict()))
    KNOWN(kept, "layouts")
    known = KnownLayout.from_dict(kept)
    assert known == known_layout(source)
    again = read_as_known(lines, [known], given=None, zone="UTC", reference=WRITTEN)
    assert (known_layout(again), again.unknown) == (known, ())


def test_lines_of_another_program_are_not_read_as_the_rest_of_a_known_one() -> None:
    first = recognise_source(
        pl.Series(mixed(*MIXTURES["one without a time"])[0]), given=None, zone="UTC", reference=WRITTEN
    )
    others = pl.Series(
        [f"{FIRST + timedelta(seconds=n):%b %d %H:%M:%S} h1 sshd[{n}]: closed by {n}" for n in range(60)]
    )
    read_by = read_as_known(others, [known_layout(first)], given=None, zone="UTC", reference=WRITTEN)
    assert [layout.name for layout, _ in read_by.unknown] == ["syslog"]


def test_lines_behind_some_kinds_of_records_go_on_with_them() -> None:
    lines = []
    for n in range(200):
        lines.append(app(FIRST + timedelta(seconds=n), LEVELS[n % 3], f"{WORDS[n % 4]} {n}"))
        if n % 4 == 1:
            lines += ["SELECT id FROM orders", f"WHERE customer = {n}"]
    records = read(lines)
    assert records.height == 200


def test_lines_that_never_come_again_are_no_events_of_their_own() -> None:
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
    said = [f"{words[n % 8]} {words[n // 8 % 8]} {words[n * 3 % 7]}" for n in range(60)]
    lines = pl.Series([line for n in range(60) for line in (f"record {words[n % 3]}", said[n])])
    assert not stand_alone(lines, pl.Series([False, True] * 60))

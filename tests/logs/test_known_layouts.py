"""What a model was trained with decides how further logs are read."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from isang.config import LogsConfig
from isang.errors import InputError
from isang.logs.parsing.inferred.time_words import may_name_a_month
from isang.logs.parsing.known_layouts import KnownLayout, known_of, read_as_known
from isang.logs.parsing.records import SourceLayout, as_written, normalised, recognise_source
from isang.logs.prepare import prepare
from isang.logs.rules import Rules

REFERENCE = datetime(2026, 6, 30, tzinfo=UTC)
LOGS = {
    "spaced": [f"2026-05-06 10:00:{n:02} INFO shelf {n} counted" for n in range(40)],
    "log4j": [f"2026-05-06 10:00:{n:02},000 INFO [main] acme.Depot: shelf {n} counted" for n in range(40)],
    "syslog": [f"May  6 10:00:{n:02} depot1 counter[7]: shelf {n} counted" for n in range(40)],
    "json": [f'{{"at": "2026-05-06T10:00:{n:02}Z", "kind": "count", "shelf": {n}}}' for n in range(40)],
    "nested": [f'May  6 10:00:{n:02} depot1 x[7]: {{"level": "info", "msg": "shelf {n}"}}' for n in range(40)],
    "dates": [f"06/05/2026 10:00:{n:02} shelf {n} counted" for n in range(40)],
}


def _korean(time: datetime) -> str:
    half = "오전" if time.hour < 12 else "오후"
    return f"{time.year}년 {time.month}월 {time.day}일 {half} {(time.hour + 11) % 12 + 1}:{time:%M:%S}"


FORMS = {
    "epoch": lambda time: f"{time.timestamp():.0f} ",
    "epoch with a fraction": lambda time: f"{time.timestamp():.3f} ",
    "milliseconds": lambda time: f"{time.timestamp() * 1e3:.0f} ",
    "microseconds": lambda time: f"[{time.timestamp() * 1e6:.0f}] ",
    "nanoseconds": lambda time: f"{time.timestamp() * 1e9:.0f} ",
    "twelve hours": lambda time: f"{time:%m/%d/%Y %I:%M:%S %p} ",
    "twelve hours, day first": lambda time: f"{time:%d.%m.%Y %I:%M:%S %p}: ",
    "korean": lambda time: f"[{_korean(time)}] ",
    "korean dots": lambda time: f"{time.year}. {time.month}. {time.day}. {time:%H:%M:%S} ",
    "access": lambda time: f'10.1.2.3 - - [{time:%d/%b/%Y:%H:%M:%S} +0000] "GET /gates HTTP/1.1" 200 17 ',
    "comma": lambda time: f"{time:%Y-%m-%d %H:%M:%S},250 INFO ",
    "glog": lambda time: f"I{time:%Y%m%d %H:%M:%S}.000000  4711 gate.cc:17] ",
    "klog": lambda time: f"I{time:%m%d %H:%M:%S}.000000  4711 gate.go:17] ",
    "two numbers with a dot": lambda time: f"[{time:%m.%d %H:%M:%S}] ",
    "two numbers, day first": lambda time: f"{time:%d/%m %H:%M:%S} ",
    "ctime": lambda time: f"[{time:%a %b %d %H:%M:%S %Y}] [core:error] ",
    "iso with a zone": lambda time: f"{time + timedelta(hours=9):%Y-%m-%dT%H:%M:%S}+09:00 ",
    "time alone": lambda time: f"{time:%H:%M:%S} ",
    "compact": lambda time: f"{time:%Y%m%d%H%M%S} ",
    "word before": lambda time: f"depot INFO {time:%Y/%m/%d %H:%M:%S} ",
}


def _lines(form: str, first: datetime) -> tuple[pl.Series, list[datetime]]:
    times = [first + timedelta(seconds=97 * n) for n in range(150)]
    return pl.Series([f"{FORMS[form](time)}gate {n} of {n % 7} opened" for n, time in enumerate(times)]), times


@pytest.mark.parametrize("form", FORMS)
def test_further_lines_have_the_times_that_they_name(form: str) -> None:
    reference = datetime(2026, 6, 1, 3, tzinfo=UTC)
    sample, _ = _lines(form, datetime(2026, 5, 14, 1, 1, 1, tzinfo=UTC))
    own = recognise_source(sample, given=None, zone="UTC", reference=reference)
    (known,) = known_of([own])
    remembered = KnownLayout.from_dict(json.loads(json.dumps(known.to_dict())))
    further, times = _lines(form, datetime(2026, 5, 29, 2, 2, 2, tzinfo=UTC))
    source = read_as_known(further, (remembered,), given=None, zone="UTC", reference=reference)
    assert not source.unknown
    found = normalised(as_written(further, source), source)
    assert found["message"].null_count() == 0
    at = found["time"].to_list()
    if source.clock is not None and source.clock.lacks == "year":
        at = [time.replace(year=2026) for time in at]
    if source.clock is not None and source.clock.lacks == "date":
        at, times = [time.time() for time in at], [time.time() for time in times]  # type: ignore[misc]
    assert [time.replace(microsecond=0) if hasattr(time, "date") else time for time in at] == times


def test_a_model_of_other_readers_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("\n".join(LOGS["syslog"]))
    dataset = prepare([str(tmp_path / "a.log")], replace(LogsConfig(), session_by="none")).dataset
    same = Rules.of(dataset)
    assert same.of_other_readers() is None
    before = Rules.from_dict(
        {name: value for name, value in dataset.meta["rules"].items() if name != "readers"}, dataset.templates
    )
    warnings = prepare([str(tmp_path / "a.log")], LogsConfig(), rules=before).dataset.meta["warnings"]
    assert any("version 1 of the readers" in warning for warning in warnings)


def recognised(name: str) -> SourceLayout:
    return recognise_source(pl.Series(LOGS[name]), given=None, zone="UTC", reference=REFERENCE)


def read(name: str, known: tuple[KnownLayout, ...]) -> SourceLayout:
    return read_as_known(pl.Series(LOGS[name]), known, given=None, zone="UTC", reference=REFERENCE)


@pytest.mark.parametrize("name", LOGS)
def test_what_is_remembered_is_what_was_recognised(name: str) -> None:
    source = recognised(name)
    (known,) = known_of([source, source])
    assert KnownLayout.from_dict(known.to_dict()) == known
    again = read(name, (known,))
    assert [shape for shape, _ in again.layouts] == [shape for shape, _ in source.layouts]
    assert (again.clocks, again.unknown) == (source.clocks, ())


@pytest.mark.parametrize("name", LOGS)
def test_a_layout_from_a_model_folder_reads_as_the_one_that_was_recognised(name: str) -> None:
    """Times too, although the clocks are other objects then."""
    lines, source = pl.Series(LOGS[name]), recognised(name)
    (known,) = known_of([source])
    restored = KnownLayout.from_dict(known.to_dict())
    again = replace(source, layouts=tuple((shape, 1.0) for shape in restored.layouts), clocks=restored.clocks)
    before, after = (normalised(as_written(lines, each), each) for each in (source, again))
    assert before["time"].null_count() == 0
    assert after.equals(before)


def test_a_known_layout_that_parses_the_lines_is_taken() -> None:
    general = known_of([recognised("spaced")])
    again = read("log4j", general)  # log4j would say more, but the model did not learn by it
    assert again.layouts[0][0] == general[0].layouts[0]
    assert again.unknown == ()


def test_the_order_of_day_and_month_is_remembered() -> None:
    day_first = recognise_source(
        pl.Series(LOGS["dates"]), given=None, zone="UTC", reference=REFERENCE, date_order="day-first"
    )
    again = read("dates", known_of([day_first]))
    assert again.clocks == day_first.clocks


def test_where_all_known_ways_read_alike_no_other_is_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    """One way and the same with a layout more, which none of the lines needs: the shorter one reads them."""
    one, mixed = recognised("log4j"), recognise_source(
        pl.Series(LOGS["log4j"] + LOGS["dates"]), given=None, zone="UTC", reference=REFERENCE
    )  # fmt: skip
    known = known_of([mixed, one])
    assert len(known) == len(mixed.layouts) == 2
    sought: list[pl.Series] = []
    monkeypatch.setattr("isang.logs.parsing.known_layouts.recognise_source", lambda sample, **_: sought.append(sample))
    again = read("log4j", known)
    assert known_of([again]) == (known[1],)
    assert not sought


@pytest.mark.parametrize(
    "text", [f"{{}}12 {name} 2026 10:00:00 x" for name in ("May", "MAI", "oktober", "août", "5월")]
)
def test_a_date_with_a_month_in_words_is_never_ruled_out(text: str) -> None:
    for line in (text.format(""), text.format("a nova march "), text.replace(" 2026", "").format("")):
        assert may_name_a_month(line)
    assert not may_name_a_month("nova-api marched 2026-05-06 10:00:00 to 12 hosts")


def test_a_layout_that_is_not_known_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("\n".join(LOGS["syslog"]))
    (tmp_path / "b.log").write_text("\n".join(LOGS["json"]))
    config = replace(LogsConfig(), session_by="none")
    learned = prepare([str(tmp_path / "a.log")], config)
    rules = Rules.of(learned.dataset)
    assert [known.layouts[0].name for known in rules.layouts] == ["syslog"]
    same = prepare([str(tmp_path / "a.log")], config, rules=rules)
    assert not any("not trained with" in text for text in same.dataset.meta["warnings"])
    other = prepare([str(tmp_path / "b.log")], config, rules=rules)
    assert other.dataset.meta["sources"][0]["unknown_layouts"] == [{"name": "json", "lines": 40}]
    assert any("about 40 of 40 lines are read by the layout json" in text for text in other.dataset.meta["warnings"])


def test_rules_with_layouts_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("\n".join(LOGS["syslog"]))
    dataset = prepare([str(tmp_path / "a.log")], replace(LogsConfig(), session_by="none")).dataset
    rules = dict(dataset.meta["rules"])
    known = rules["layouts"][0]
    broken = known | {"layouts": [known["layouts"][0] | {"pattern": "("}]}
    for layouts in (
        [broken],
        [known | {"clocks": []}],
        [known | {"containers": ["box"]}],
        [{"containers": [], "layouts": [], "clocks": []}],
        [{}],
        "none",
    ):
        with pytest.raises(InputError, match="cannot be used"):
            Rules.from_dict(rules | {"layouts": layouts}, dataset.templates)


def test_times_that_the_known_order_cannot_read_are_read_in_the_other() -> None:
    """One day's log tells nothing of day and month; a day later than the twelfth does."""

    def of_day(day: int) -> list[str]:
        return [f"{day:02}/05/2026 10:00:{n:02} shelf {n} counted" for n in range(40)]

    learned = recognise_source(
        pl.Series(of_day(4)), given=None, zone="UTC", reference=REFERENCE, date_order="month-first"
    )
    later = read_as_known(pl.Series(of_day(14)), known_of([learned]), given=None, zone="UTC", reference=REFERENCE)
    written = as_written(pl.Series(of_day(14)), later)
    assert normalised(written, later)["time"].to_list() == [
        datetime(2026, 5, 14, 10, 0, n, tzinfo=UTC) for n in range(40)
    ]
    assert "another order of day and month" in later.doubts[-1].en
    same = read_as_known(pl.Series(of_day(5)), known_of([learned]), given=None, zone="UTC", reference=REFERENCE)
    assert same.clocks == learned.clocks
    assert not same.doubts

"""What logs show that no session shows: values that were never there, rates that were never so high or low."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.detection.whole.over_time.course import hours_of, period_of
from isang.detection.whole.over_time.lines import lines_of
from isang.detection.whole.over_time.volume import LEAST_WINDOWS, Then, changes, counted
from isang.detection.whole.values.new_values import new_values, with_few_values
from isang.logs.store import Dataset
from isang.logs.templates.slots import Sampled, seen_values
from isang.logs.templates.slots import slots_of as rows_of
from isang.model.vocabulary import Vocabulary, vocabulary_of
from isang.testing import dataset_of


def slots_of(
    texts: dict[int, str], messages: list[tuple[int, str]], fields: list[tuple[int, str]] | None = None
) -> pl.DataFrame:
    """The slots of messages, and of lines that have fields alone."""
    sampled = [Sampled(event, text, None, 0, 1) for event, text in messages]
    sampled += [Sampled(event, "", told, 0, 1) for event, told in fields or ()]
    return rows_of(texts, seen_values(texts, sampled))


TEMPLATES = {0: "answered status=<*> for <*>", 1: "retry <*> of 3"}


def messages(count: int, statuses: tuple[str, ...], start: int = 0) -> list[tuple[int, str]]:
    """Answers with the statuses in turn, each for another request, and retries."""
    answers = [(0, f"answered status={statuses[n % len(statuses)]} for req-{start + n}") for n in range(count)]
    return [*answers, *((1, f"retry {n % 3 + 1} of 3") for n in range(count // 10))]


def found(before: list[tuple[int, str]], now: list[tuple[int, str]]) -> list[tuple[int, int, str, float]]:
    known, seen = with_few_values(slots_of(TEMPLATES, before)), slots_of(TEMPLATES, now)
    return [(one.event, one.slot, one.value, one.p_value) for one in new_values(known, seen)]


def test_a_status_that_was_never_there_is_found_with_its_reason() -> None:
    before, now = messages(10_000, ("200", "201")), [*messages(1_000, ("200", "201"), 10_000), *messages(19, ("503",))]
    ((event, slot, value, p_value),) = found(before, now)
    assert (event, slot, value) == (0, 0, "503")
    assert p_value < 0.01
    known, seen = with_few_values(slots_of(TEMPLATES, before)), slots_of(TEMPLATES, now)
    (one,) = new_values(known, seen)
    assert one.says == "`status` is 503 in 19 lines; in 10,000 lines of the training period it was 200, 201."
    assert "503" in one.says_ko


def test_a_field_with_a_value_that_it_never_had_is_found_unless_it_had_but_one() -> None:
    def fields(printers: tuple[str, ...], process: int) -> list[tuple[int, str]]:
        return [(0, json.dumps({"printer": printers[n % len(printers)], "pid": str(process)})) for n in range(2_000)]

    none: list[tuple[int, str]] = []
    known = with_few_values(slots_of(TEMPLATES, none, fields=fields(("zeb-1", "zeb-2"), 7)))
    seen = slots_of(TEMPLATES, none, fields=fields(("zeb-1", "pdf"), 812))
    (one,) = new_values(known, seen)
    assert (one.slot, one.name, one.value) == (None, "printer", "pdf")
    assert one.says.startswith("`printer` is pdf in 1,000 lines;")


def test_high_cardinality_and_growing_values_say_nothing() -> None:
    before = messages(10_000, ("200", "201"))
    assert with_few_values(slots_of(TEMPLATES, before))["event"].to_list() == [0, 1]
    assert found(before, messages(1_000, ("200", "201"), 50_000)) == []


def test_one_line_beside_as_many_as_in_training_is_no_surprise() -> None:
    before, now = messages(1_000, ("200",)), [*messages(1_000, ("200",)), *messages(1, ("404",))]
    (one,) = found(before, now)
    assert one[3] > 0.1


def test_values_alike_in_training_and_later_raise_nothing() -> None:
    """Each of 200 slots has values of its own, drawn alike; few of 20 later logs may have anything told."""
    generator, alarms = np.random.default_rng(0), 0
    texts = {event: f"part {chr(97 + event % 26)}{event} is <*>" for event in range(200)}

    def log(lines: int) -> list[tuple[int, str]]:
        events = generator.integers(0, 200, lines)
        states = generator.choice(["up", "down", "late"], lines, p=[0.9, 0.09, 0.01])
        return [(int(e), texts[int(e)].replace("<*>", str(s))) for e, s in zip(events, states, strict=True)]

    known = with_few_values(slots_of(texts, log(20_000)))
    for _ in range(20):
        alarms += any(one.p_value <= 0.1 for one in new_values(known, slots_of(texts, log(2_000))))
    assert alarms <= 6


HOURS = 3


def heartbeat_log(seed: int, *, minutes: int = 60 * HOURS) -> list[list[str]]:
    generator = np.random.default_rng(seed)
    return [["heartbeat ok", *["request served"] * int(generator.poisson(20))] for _ in range(minutes * 6)]


@pytest.fixture(scope="module")
def normal() -> tuple[pl.DataFrame, Vocabulary]:
    dataset = timed(heartbeat_log(0))
    vocabulary = known_of(dataset)
    table = counted(lines_of(dataset, vocabulary, None))
    assert table is not None
    return table, vocabulary


def known_of(dataset: Dataset) -> Vocabulary:
    return vocabulary_of(dataset, dataset.templates["event"].to_numpy().astype(np.int64))


def timed(sessions: list[list[str]]) -> Dataset:
    return dataset_of(sessions, every_seconds=10.0, levels={"request failed": "ERROR"})


def test_normal_rates_are_no_change(normal: tuple[pl.DataFrame, Vocabulary]) -> None:
    assert changes(normal[0], lines_of(timed(heartbeat_log(1)), normal[1], None))[0] == []


def test_a_heartbeat_that_stops_is_silent(normal: tuple[pl.DataFrame, Vocabulary]) -> None:
    sessions = heartbeat_log(2)
    for session in sessions[600:720]:
        session.remove("heartbeat ok")
    found, _ = changes(normal[0], lines_of(timed(sessions), normal[1], None))
    assert (found[0].series, found[0].kind) == ("heartbeat ok", "none")
    assert 15 * 60 <= (found[0].last - found[0].first).total_seconds() <= 22 * 60


def test_more_requests_than_ever_are_one_change_from_beginning_to_end(
    normal: tuple[pl.DataFrame, Vocabulary],
) -> None:
    sessions = heartbeat_log(3)
    for session in sessions[600:660]:
        session.extend(["request served"] * 40)
    found, _ = changes(normal[0], lines_of(timed(sessions), normal[1], None))
    assert {change.series for change in found} == {"request served", "all lines"}
    assert all(change.kind == "more" for change in found)


def test_a_short_log_or_one_without_a_clock_has_no_rates() -> None:
    short = timed(heartbeat_log(4, minutes=5))
    vocabulary = known_of(short)
    assert len(short.sessions) < LEAST_WINDOWS * 6
    assert counted(lines_of(short, vocabulary, None)) is None
    timeless = replace(short, sessions=short.sessions.with_columns(start=pl.lit(None), gaps_ms=pl.lit(None)))
    timeless = replace(timeless, sessions=timeless.sessions.cast(short.sessions.schema))
    assert counted(lines_of(timeless, vocabulary, None)) is None


DAY = 24 * 6
"""Windows of ten minutes."""


def busy_by_day(days: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(lines in windows of ten minutes, hours of the week) of a log that is ten times as busy at noon as at night."""
    hour = np.arange(days * DAY) / 6
    rate = 20 + 180 * (0.5 - 0.5 * np.cos(2 * np.pi * hour / 24)) ** 2
    counts = np.random.default_rng(seed).poisson(rate).astype(np.float64)
    return counts, hours_of(np.arange(days * DAY) * 600.0)


def test_a_course_of_a_day_is_found_where_it_is_and_not_where_it_is_not() -> None:
    counts, hours = busy_by_day(6, 0)
    assert period_of(hours, 2 * np.sqrt(counts)) == 24
    assert period_of(hours[: 2 * DAY], 2 * np.sqrt(counts[: 2 * DAY])) is None
    flat = np.random.default_rng(1).poisson(50, len(hours)).astype(np.float64)
    assert period_of(hours, 2 * np.sqrt(flat)) is None


def test_a_weekend_makes_a_course_of_a_week() -> None:
    counts, hours = busy_by_day(28, 2)
    weekend = hours >= 5 * 24
    assert period_of(hours, 2 * np.sqrt(np.where(weekend, counts / 4, counts))) == 168


def test_what_is_usual_at_noon_is_more_than_ever_at_night() -> None:
    counts, hours = busy_by_day(6, 3)
    now, hours_now = busy_by_day(1, 4)
    usual, _ = Then.of(counts, hours).scores(now, hours_now)
    now[12] = 120  # two o'clock; at noon it would be 200
    more, _ = Then.of(counts, hours).scores(now, hours_now)
    without_course, _ = Then(counts, hours, None).scores(now, hours_now)
    assert usual.max() < 4 < more[12]
    assert without_course[12] < 1
    assert Then.of(counts, hours).usual(int(hours_now[12])) == pytest.approx(25, abs=8)

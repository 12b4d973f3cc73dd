"""Times that lack something take it from their neighbours, however the records come in."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isang.logs.parsing import timestamps
from isang.logs.parsing.timeline import NO_TIME, RecordTimeline
from isang.logs.parsing.timestamps import Clock

REFERENCE = datetime(2024, 6, 30, tzinfo=UTC)


def run_on(clock: Clock | None, times: list[int | None], *, chunk: int = 1000) -> list[int]:
    timeline = RecordTimeline(clock, REFERENCE, None)
    records = pl.DataFrame({"time": times}, schema={"time": pl.Int64})
    settled = [part for given in records.iter_slices(chunk) for part in timeline.add(given)]
    return pl.concat([*settled, *timeline.finish()])["time"].to_list()


def read(clock: Clock, texts: list[str]) -> list[int | None]:
    times = pl.DataFrame({"text": texts}).select(
        timestamps.to_utc(pl.col("text"), clock, zone="UTC", reference=REFERENCE).cast(pl.Int64)
    )
    return times.to_series().to_list()


def as_dates(times: list[int]) -> list[datetime]:
    return [datetime.fromtimestamp(time / 1e6, UTC) for time in times]


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_year_less_times_run_on_past_new_year(chunk: int) -> None:
    texts = [f"{day} 10:00:00" for day in ("Dec 30", "Jan  2", "May  1", "Dec 31", "Jan  1", "Feb 29")]
    times = as_dates(run_on(timestamps.SYSLOG, read(timestamps.SYSLOG, texts), chunk=chunk))
    assert [time.year for time in times] == [2022, 2023, 2023, 2023, 2024, 2024]


def test_times_without_a_date_run_on_past_midnight() -> None:
    texts = ["23:59:58.000", "23:59:59.000", "00:00:01.000"]
    times = as_dates(run_on(timestamps.TIME_ONLY, read(timestamps.TIME_ONLY, texts)))
    assert [(time.day, time.hour) for time in times] == [(29, 23), (29, 23), (30, 0)]


def test_the_last_time_is_not_after_the_file_was_written() -> None:
    (december,) = as_dates(run_on(timestamps.SYSLOG, read(timestamps.SYSLOG, ["Dec 31 10:00:00"])))
    assert december.year == REFERENCE.year - 1
    (evening,) = as_dates(run_on(timestamps.TIME_ONLY, read(timestamps.TIME_ONLY, ["23:59:59"])))
    assert (evening.month, evening.day) == (6, 29)


def test_records_without_a_time_take_that_of_a_neighbour() -> None:
    assert run_on(timestamps.ISO, [None, None, 5, None, 7, None]) == [5, 5, 5, 5, 7, 7]
    assert run_on(timestamps.ISO, [None, None]) == [NO_TIME] * 2
    assert run_on(None, [None, None]) == [NO_TIME] * 2


@settings(deadline=None)
@given(
    times=st.lists(st.one_of(st.none(), st.integers(0, 4 * 10**13)), min_size=1, max_size=30),
    clock=st.sampled_from([timestamps.ISO, timestamps.SYSLOG, timestamps.TIME_ONLY]),
    chunk=st.integers(1, 30),
)
def test_the_chunks_do_not_matter(times: list[int | None], clock: Clock, chunk: int) -> None:
    assert run_on(clock, times, chunk=chunk) == run_on(clock, times)

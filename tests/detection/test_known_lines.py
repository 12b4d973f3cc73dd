"""Silences of what is regular, and kinds of lines outside of sessions that were never there."""

import numpy as np
import polars as pl
import pytest

from isang.detection.whole.over_time.known_lines import known_lines, novelty, silences, times_of
from isang.detection.whole.over_time.lines import Lines

NAMES = ("served", "compacted", "rare")
HOUR = 3_600


def log(seed: int, hours: float, without: tuple[float, float] | None = None, start: float = 1e9) -> Lines:
    """Requests at random, a compaction each minute or so but for the seconds `without`, something rare."""
    generator = np.random.default_rng(seed)
    seconds = hours * HOUR
    at = {0: np.sort(generator.uniform(0, seconds, int(seconds / 2))), 1: 50 + np.arange(0, seconds - 60, 60.0)}
    at[1] = at[1] + generator.normal(0, 3, len(at[1]))
    if without:
        at[1] = at[1][(at[1] < without[0]) | (at[1] >= without[1])]
    at[2] = np.sort(generator.uniform(0, seconds, 3))
    table = pl.concat([
        pl.DataFrame({"start": (start + at[event]) // 10 * 10, "event": [event] * len(at[event])}) for event in at
    ])  # fmt: skip
    table = table.group_by("start", "event").len().sort("start", "event")
    return Lines(
        table["start"].to_numpy(), 10.0, table["len"].cast(pl.Int64).to_numpy(), table["event"].to_numpy(),
        np.zeros(len(table), dtype=np.int64), NAMES, np.array([0, 0, 0]), ["app.log"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def known() -> pl.DataFrame:
    found = known_lines(log(0, 3), ["served"])
    assert found is not None
    return found


def test_what_comes_as_regularly_as_before_is_not_silent(known: pl.DataFrame) -> None:
    assert all(silences(known, log(seed, 0.5))[0].p_value > 0.02 for seed in range(1, 11))


def test_a_job_that_stops_for_some_minutes_is_silent(known: pl.DataFrame) -> None:
    found = silences(known, log(11, 0.5, without=(600, 960)))
    assert (found[0].series, found[0].p_value < 0.02) == ("compacted", True)
    assert 350 <= found[0].seconds <= 430
    assert found[0].usual == pytest.approx(60, abs=10)
    assert all(one.p_value > 0.02 for one in found[1:])


def test_a_job_that_stops_for_good_is_silent(known: pl.DataFrame) -> None:
    found = silences(known, log(12, 0.5, without=(1_200, 1_800)))
    assert (found[0].series, found[0].p_value < 0.02) == ("compacted", True)


def test_a_pause_of_the_whole_log_is_no_silence_of_its_lines(known: pl.DataFrame) -> None:
    first, second = log(13, 0.5), log(14, 0.5, start=1e9 + 10 * HOUR)
    joined = Lines(
        np.concatenate([first.start_C, second.start_C]), 10.0, np.concatenate([first.lines_C, second.lines_C]),
        np.concatenate([first.event_C, second.event_C]), np.concatenate([first.source_C, second.source_C]), NAMES,
        first.loudness, first.sources,
    )  # fmt: skip
    assert all(one.p_value > 0.02 for one in silences(known, joined))


def test_new_kinds_of_lines_surprise_less_where_they_come_often(known: pl.DataFrame) -> None:
    """The chance is 1 - (1 + d / T)^-(n + 1/2) of a stretch of d seconds after n in T."""
    settled = 0.75 * float(known["first"][0])
    seconds = 800.0
    assert novelty(known, seconds, loud=True) == pytest.approx(1 - (1 + seconds / settled) ** -0.5)
    late = pl.DataFrame(
        [(f"new {n}", 3, True, 0.5 + n / 100, []) for n in range(20)], schema=known.schema, orient="row"
    )
    assert novelty(pl.concat([known, late]), seconds, loud=True) > 0.5
    assert novelty(pl.concat([known, late]), seconds, loud=False) == novelty(known, seconds, loud=False)
    chances = [novelty(known, seconds, loud=True, kinds=kinds) for kinds in (1, 3, 4, 8, 20)]
    assert chances[0] == chances[1] > chances[2] > chances[3] > chances[4] >= 0


def test_a_quiet_night_is_no_silence() -> None:
    """Requests at random, a tenth as many at night; a night alone, later, has nothing that a whole day had not."""

    def requests(seed: int, hours: float, begin: float) -> Lines:
        generator = np.random.default_rng(seed)
        steps = generator.exponential(1.0, 40_000)
        at, now = [], begin * HOUR
        for step in steps:
            now += step * (10 + 90 * (0.5 + 0.5 * np.cos(2 * np.pi * now / (24 * HOUR))) ** 2)
            at.append(now)
        starts, counts = np.unique(np.array(at) // 10 * 10, return_counts=True)
        kept = starts < (begin + hours) * HOUR
        return Lines(
            starts[kept], 10.0, counts[kept], np.zeros(kept.sum(), dtype=np.int64),
            np.zeros(kept.sum(), dtype=np.int64), ("served",), np.array([0]), ["app.log"],
        )  # fmt: skip

    known = known_lines(requests(0, 96, 0), [])
    assert known is not None
    p_values = [silences(known, requests(seed, 8, 24 * seed - 4))[0].p_value for seed in range(5, 15)]
    assert sum(p_value <= 0.02 for p_value in p_values) <= 1


def test_lines_without_times_have_no_series(known: pl.DataFrame) -> None:
    lines = log(0, 1)
    none = lines.only(np.zeros(len(lines.start_C), dtype=bool))
    assert times_of(none) == {}
    assert silences(known, none) == []

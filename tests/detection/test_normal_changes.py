"""What changes without anything being wrong is no incident: the load, a start, the next of numbered names."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.detection.causes.grouping import incidents_of
from isang.detection.causes.quiet import quiet_once
from isang.detection.whole.over_time.known_lines import known_lines, silences
from isang.detection.whole.over_time.lines import Lines, lines_of
from isang.detection.whole.over_time.load import MOST, load
from isang.detection.whole.over_time.volume import changes, counted
from isang.detection.whole.values.new_values import _is_next
from isang.logs.store import Dataset
from isang.model.vocabulary import Vocabulary, vocabulary_of
from isang.model.wording import loudness_of
from isang.testing import dataset_of
from tests.detection.test_incidents import HOUR, new

STEPS = ("order taken", "stock held", "card charged", "parcel packed")


def shop_log(seed: int, minutes: int, load: float = 1.0, stuck: float = 0.0) -> Dataset:
    """A shop whose steps are taken `load` times as often; of the stock a share `stuck` more is held again."""
    generator = np.random.default_rng(seed)
    sessions = []
    for _ in range(minutes * 6):
        orders = int(generator.poisson(6 * load))
        again = int(generator.poisson(6 * stuck))
        sessions.append(["alive", *list(STEPS) * orders, *["stock held"] * again])
    return dataset_of(sessions, every_seconds=10.0)


@pytest.fixture(scope="module")
def normal() -> tuple[pl.DataFrame, Vocabulary]:
    dataset = shop_log(0, 120)
    vocabulary = vocabulary_of(dataset, dataset.templates["event"].to_numpy().astype(np.int64))
    table = counted(lines_of(dataset, vocabulary, None))
    assert table is not None
    return table, vocabulary


def beyond(normal: tuple[pl.DataFrame, Vocabulary], dataset: Dataset) -> dict[str, tuple[float, float]]:
    found, _ = changes(normal[0], lines_of(dataset, normal[1], None))
    return {one.series: (one.score, one.beyond_load) for one in found}


def test_twice_the_load_explains_what_all_lines_have_in_common(normal: tuple[pl.DataFrame, Vocabulary]) -> None:
    found = beyond(normal, shop_log(1, 20, load=2.0))
    assert found["all lines"][0] > 3
    assert all(left < 2 for _, left in found.values())


def test_one_step_that_is_repeated_is_no_load(normal: tuple[pl.DataFrame, Vocabulary]) -> None:
    found = beyond(normal, shop_log(2, 20, stuck=3.0))
    score, left = found["stock held"]
    assert left == score > 4


def test_a_load_that_is_too_large_is_told(normal: tuple[pl.DataFrame, Vocabulary]) -> None:
    assert beyond(normal, shop_log(3, 20, load=4 * MOST))["all lines"][1] > 4


def test_the_load_is_the_median_of_the_kinds_by_their_lines() -> None:
    usual = np.array([[10.0] * 9, [10.0] * 9, [10.0] * 9, [1.0] * 9])
    assert load(usual * np.array([[2.0], [2.0], [2.0], [1.0]]), usual) == pytest.approx(np.full(9, 2.0))
    assert load(usual * np.array([[9.0], [1.0], [1.0], [1.0]]), usual) == pytest.approx(np.ones(9))
    assert load(5 * usual[:2], usual[:2]) == pytest.approx(np.ones(9))  # two kinds say nothing


def visits(seed: int, hours: float, every: float, silent: tuple[float, float] | None = None) -> Lines:
    """Lines of a kind at random, `every` so many seconds, beside another each ten seconds."""
    generator = np.random.default_rng(seed)
    seconds = 3_600 * hours
    own = np.sort(generator.uniform(0, seconds, int(seconds / every)))
    if silent:
        own = own[(own < silent[0]) | (own >= silent[1])]
    at = np.concatenate([np.arange(0, seconds, 10.0), own])
    event = np.concatenate([np.zeros(len(at) - len(own)), np.ones(len(own))]).astype(np.int64)
    order = np.argsort(at, kind="stable")
    ones = np.ones(len(at), dtype=np.int64)
    return Lines(
        1e9 + at[order], 0.0, ones, event[order], 0 * ones, ("alive", "visit"), np.zeros(2, dtype=np.int64), ["a.log"]
    )


def test_what_comes_at_random_and_more_seldom_is_not_silent_but_may_fall_silent() -> None:
    known = known_lines(visits(0, 5, 30), [])
    assert known is not None
    quiet = [next(one for one in silences(known, visits(seed, 1, 120)) if one.series == "visit") for seed in range(9)]
    assert sum(one.p_value <= 0.02 for one in quiet) <= 1
    stopped = silences(known, visits(10, 1, 30, silent=(1_200, 2_400)))[0]
    assert (stopped.series, stopped.p_value <= 0.02) == ("visit", True)


@pytest.mark.parametrize(
    ("value", "known", "is_next"),
    [
        ("r9", ["r6", "r3", "r7", "r2", "r1", "r4", "r5", "r8"], True),
        ("node-5", ["node-1", "node-2", "node-4"], True),
        ("node-77", ["node-1", "node-2", "node-4"], False),
        ("manual", ["r1", "r2", "r3"], False),
        ("404", ["200", "201", "202"], False),
        ("r3", ["r1", "r2"], False),
        ("b4", ["a1", "a2", "a3"], False),
    ],
)
def test_the_next_of_numbered_names(value: str, known: list[str], *, is_next: bool) -> None:
    assert _is_next(value, known) is is_next


def test_a_quiet_new_line_that_comes_once_is_listed_only() -> None:
    (once,) = incidents_of([new(100, "configuration read <*>")], HOUR)
    (loud,) = incidents_of([new(100, "configuration read <*>", level="ERROR")], HOUR)
    (again,) = incidents_of([new(100 + 100 * step, "configuration read <*>") for step in range(4)], HOUR)
    assert (quiet_once(once), quiet_once(loud), quiet_once(again)) == (True, False, False)
    assert not quiet_once(replace(once, sessions=500))


def test_shutting_down_is_no_failure() -> None:
    assert loudness_of("shutting down reason=signal <*>", "INFO") == 0
    assert loudness_of("link <*> is down", "INFO") == 1
    assert loudness_of("worker shut down: connection refused", None) == 1

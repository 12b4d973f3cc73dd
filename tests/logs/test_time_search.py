"""What the search for times costs, in counts."""

import pytest

from isang.logs.parsing.inferred import time_forms
from isang.logs.parsing.inferred.time_forms import BETWEEN, TIMES, find_time


@pytest.fixture(autouse=True)
def nothing_remembered():
    time_forms._find_in.cache_clear()
    time_forms._compiled.cache_clear()


def expressions() -> int:
    return time_forms._compiled.cache_info().misses


def test_a_line_is_searched_once_however_often_it_is_asked_about():
    lines = [f"2026-03-04 10:00:{second:02} pool {second} opened" for second in range(50)]
    searched = []
    for _ in range(3):
        assert all(find_time(line) is not None for line in lines)
        searched.append(time_forms._find_in.cache_info().misses)
    assert searched == [50, 50, 50]


def test_a_line_without_digits_costs_no_expression():
    assert find_time("Traceback of the last call, see may and march below") is None
    assert expressions() == 0


def test_times_of_day_are_sought_behind_separators_that_are_there_alone():
    assert find_time("2026-03-04 10:00:00 pool opened") is not None
    assert expressions() < len(BETWEEN) * len(TIMES) / 2

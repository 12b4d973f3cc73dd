"""Numbers out of their range, and values of which there are few that fall silent."""

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest

from isang.detection.whole.over_time.known_lines import known_lines, silences
from isang.detection.whole.values.numbers import LEAST_NUMBERS, known_numbers, strange_numbers
from isang.detection.whole.values.series import few_values, until
from isang.detection.whole.values.value_lines import lines_by_value
from isang.logs.slots.slot_series import SERIES_SCHEMA

TOLD = 0.02
DRAWN = {
    "bounded": lambda g, n, _: g.uniform(3, 240, n),
    "bell": lambda g, n, _: g.normal(61, 4, n),
    "whole": lambda g, n, _: g.poisson(40, n).astype(float),
    "heavy": lambda g, n, _: g.lognormal(3, 1, n),
    "course": lambda g, n, first: 20 + 5 * np.sin((first + np.arange(n)) / 300) + g.normal(0, 0.5, n),
    "counter": lambda g, n, first: first + np.arange(n, dtype=float),
}
"""Numbers as slots of normal logs have them: generator, how many, how many came before."""


def series(columns: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """A slot for each, of an event of its own, one number each second."""
    rows = [
        (event, 0, name, "", 1.0, [0] * len(values), [*range(1, len(values) + 1)],
         [float(place) for place in range(len(values))], values.tolist(), [], f"{name} is <*>")
        for event, (name, values) in enumerate(columns.items())
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={**SERIES_SCHEMA, "template": pl.String()}, orient="row")


def normal(seed: int, count: int, first: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {name: draw(generator, count, first) for name, draw in DRAWN.items()}


@pytest.fixture(scope="module")
def known() -> pl.DataFrame:
    found = known_numbers(series(normal(0, 5_000)))
    assert found is not None
    return found


def test_a_counter_has_no_range_and_is_left_out(known: pl.DataFrame) -> None:
    assert set(known["name"].drop_nulls()) >= {"bounded", "bell", "whole", "course"}
    assert "counter" not in known["name"].to_list()


def test_numbers_as_before_are_seldom_told(known: pl.DataFrame) -> None:
    told = [
        any(one.p_value <= TOLD for one in strange_numbers(known, series(normal(seed, 500, 5_000 + 500 * seed))))
        for seed in range(1, 41)
    ]
    assert sum(told) <= 2


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("bounded", lambda x: np.where(np.arange(len(x)) % 50 == 7, 8_210.0, x)),
        ("bell", lambda x: np.where(np.arange(len(x)) % 40 == 3, 99.8, x)),
        ("bell", lambda x: x - np.maximum(0, np.arange(len(x)) - 100) * 0.08),
        ("whole", lambda x: x + 60),
        ("heavy", lambda x: x * 40),
        ("course", lambda x: np.where(np.arange(len(x)) > 400, -10.0, x)),
    ],
)
def test_numbers_out_of_range_and_drifts_are_told(known: pl.DataFrame, name: str, changed: object) -> None:
    now = normal(90, 500, 50_000)
    assert callable(changed)
    now[name] = changed(now[name])
    first = strange_numbers(known, series(now))[0]
    assert (first.name, first.p_value <= TOLD) == (name, True)


def test_what_is_said() -> None:
    mixed = np.arange(3.0, 241.0)[np.arange(238) * 101 % 238]
    known = known_numbers(series({"took": np.tile(mixed, 10)}))
    assert known is not None
    now = np.tile(mixed, 2)
    now[[7, 9]] = 8_210.0, 500.0
    (one,) = strange_numbers(known, series({"took": now}))
    assert one.says_of("`took`") == (
        "`took` is up to 8,210 in 2 lines; in 2,380 lines of the training period it was 3 to 240."
    )
    assert one.places == (7, 9)
    assert "8,210" in one.says_ko_of("`took`")


def test_few_numbers_say_nothing() -> None:
    assert known_numbers(series({"took": np.arange(LEAST_NUMBERS - 1.0)})) is None


def nodes(seconds: int, silent: range = range(0)) -> pl.DataFrame:
    """Three nodes that each say every ten seconds that they live."""
    at = [(float(second), f"node-{number}") for second in range(0, seconds, 10) for number in range(3)]
    at = [(second, node) for second, node in at if node != "node-2" or second not in silent]
    row = (
        0, None, "node", None, 1.0, [0] * len(at), [*range(1, len(at) + 1)], [second for second, _ in at], [],
        [node for _, node in at], "alive",
    )  # fmt: skip
    return pl.DataFrame([row], schema={**SERIES_SCHEMA, "template": pl.String()}, orient="row")


def test_one_node_of_three_falls_silent() -> None:
    training = lines_by_value(nodes(10_000))
    assert training is not None
    known = known_lines(training, training.names)
    assert known is not None
    usual, failing = lines_by_value(nodes(1_200)), lines_by_value(nodes(1_200, range(400, 760)))
    assert usual is not None
    assert failing is not None
    assert all(one.p_value > TOLD for one in silences(known, usual))
    first, *others = silences(known, failing)
    assert (first.series, first.p_value <= TOLD) == ("alive with node=node-2", True)
    assert all(one.p_value > TOLD for one in others)


def test_values_of_lines_that_were_not_all_looked_at_fall_not_silent() -> None:
    assert lines_by_value(nodes(1_000).with_columns(share=0.5)) is None


def test_what_comes_after_the_training_period_is_no_part_of_it() -> None:
    """Two thirds of the log are learned from; the value of the last third is new to them."""
    whole = nodes(900)
    whole = whole.with_columns(texts=pl.Series([["up"] * 180 + ["down"] * 90]))
    part = until(whole.drop("template"), 599.0)
    assert few_values(part)["values"].to_list() == [["up"]]
    assert few_values(whole.drop("template"))["distinct"].to_list() == [2]

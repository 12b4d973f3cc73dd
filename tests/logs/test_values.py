"""Words are values where a log shows it: they vary independently, or they filled a slot elsewhere."""

import polars as pl
import pytest

from isang.config import LogsConfig
from isang.logs.parsing.masks import BUILT_IN, compiled, masked
from isang.logs.rules import Rules
from isang.logs.sessions.rule import SessionRule
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.values import independent

EXPRESSION = compiled(BUILT_IN)
RULES = Rules.new(LogsConfig(), SessionRule("lines", "for the test", size=100))


def templates_of(lines: list[str]) -> set[str]:
    table = EventTable(RULES)
    table.number(masked(pl.Series(lines), EXPRESSION), pl.Series([None] * len(lines), dtype=pl.String))
    return set(table.finish()[1]["template"])


def test_places_that_vary_independently_are_values_but_for_what_was_done() -> None:
    lines = [
        f"audio {deed} by panel on {card} card"
        for deed in ("opened", "released")
        for card in ("front", "rear")
        for _ in range(4)
    ]
    assert templates_of(lines) == {"audio opened by panel on <*> card", "audio released by panel on <*> card"}


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([f"audio {how} card" for how in ("from front", "to rear") for _ in range(20)], "sentences of their own"),
        ([f"audio {a} {b} card" for a in ("from", "to") for b in ("front", "rear")], "too few lines"),
        ([f"audio {a} {b} card" for a in ("failed", "ok") for b in ("lost", "up") for _ in range(9)], "outcomes"),
    ],
)
def test_words_stay_where_nothing_shows_that_they_are_values(lines: list[str], what: str) -> None:
    assert templates_of(lines) == set(lines), what


def test_independence_is_told_by_the_pairs_and_by_how_many_lines_they_have() -> None:
    words = [[a, b] for a in ("north", "south") for b in ("teal", "blue", "green")]
    assert independent(words, [4] * 6, [0, 1]) == {0, 1}
    assert independent(words, [3] * 6, [0, 1]) == set()
    assert independent(words[:4], [9] * 4, [0, 1]) == set()


def test_words_that_filled_a_slot_are_values_elsewhere() -> None:
    many = [f"job of [{name}] began" for name in ("ann", "ben", "cho", "dina") for _ in range(3)]
    few = [f"quota by {name} exceeds {n} MB" for name in ("ann", "ben") for n in (2, 3)]
    assert templates_of([*many, *few]) == {"job of [<*>] began", "quota by <*> exceeds <*>"}
    assert len(templates_of([*many, *(line.replace("ann", "eve") for line in few)])) == 3


def test_words_in_brackets_and_many_words_behind_one_name_are_values() -> None:
    assert templates_of([f"link [{name}] sleeps" for name in ("LNKA", "LNKB")]) == {"link [<*>] sleeps"}
    icons = [f"slot of icon={name} cleared" for name in ("wifi", "volume", "battery", "sound")]
    assert templates_of(icons) == {"slot of icon=<*> cleared"}
    assert len(templates_of(icons[:3])) == 3


@pytest.mark.parametrize(
    ("lines", "templates"),
    [
        ([f"views: Set({name})" for name in ("ann", "ann, ben", "cho")], {"views: Set(<*>)"}),
        ([f"views: Set({name})" for name in ("failed", "ann")], {"views: Set(failed)", "views: Set(ann)"}),
        (
            [f"box: {app}({n}) deny(1) read" for app in ("Mail", "Notes", "Photos", "Look") for n in (17, 18)],
            {"box: <*> deny(<*>) read"},
        ),
        ([f"box: {app}({n}) deny read" for app in ("Mail", "Notes") for n in (17, 18)], None),
        ([f"conn={n} RESULT {name}={n} err" for name in ("tag", "oid") for n in range(9)], None),
    ],
)
def test_what_stands_in_brackets_and_behind_other_names(lines: list[str], templates: set[str] | None) -> None:
    found = templates_of(lines)
    assert found == templates if templates is not None else len(found) == 2


def test_a_word_beside_a_value_is_part_of_it_where_many_lines_have_it_and_many_do_not() -> None:
    lines = [f"app{n}.exe through relay gate{n}:80 {kind}" for n in range(15) for kind in ("HTTPS", "SOCKS5")]
    assert len(templates_of(lines)) == 1
    assert len(templates_of(lines[:20])) == 2

"""What stands in brackets is one value where it takes many forms, now and in later lines."""

from dataclasses import replace

import polars as pl
import pytest

from isang.config import LogsConfig
from isang.logs.rules import Rules
from isang.logs.sessions.rule import SessionRule
from isang.logs.templates.bracketed import with_bracketed_values
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.miner import slot_values

RULES = Rules.new(LogsConfig(), SessionRule("lines", "for the test", size=100))
KINDS = ("first", "first second", "second first third", "third")


@pytest.mark.parametrize("pair", ["[]", "()", "<>", "{}"])
def test_many_forms_in_one_pair_of_brackets_are_one_value(pair: str) -> None:
    begin, end = pair
    texts = [f"hold by <*> of {begin}{kind}{end} today" for kind in KINDS]
    became = with_bracketed_values(texts)
    assert set(became) == set(texts)
    assert set(became.values()) == {f"hold by <*> of {begin}<*> <*>{end} today"}
    assert with_bracketed_values(texts[:3]) == {}


@pytest.mark.parametrize("told", ["was lost", "failed", "refused"])
def test_what_tells_an_outcome_stays(told: str) -> None:
    assert with_bracketed_values([f"hold ({kind} {told})" for kind in KINDS]) == {}


def events(lines: list[str], rules: Rules = RULES) -> tuple[list[int], pl.DataFrame]:
    table = EventTable(rules)
    numbers = table.number(pl.Series(lines), pl.Series([None] * len(lines), dtype=pl.String))
    found, templates = table.finish()
    return [int(found[number]) for number in numbers], templates


def test_later_lines_with_other_words_in_the_brackets_are_of_the_known_event() -> None:
    lines = [f"hold by panel of [{kind}] today" for kind in KINDS for _ in range(3)]
    found, templates = events(lines)
    assert set(found) == {0}
    known = replace(RULES, templates=templates)
    later = [f"hold by panel of [{kind}] today" for kind in ("fourth", "fourth and fifth", "failed at last")]
    assert [event == 0 for event in events(later, known)[0]] == [True, True, False]


def test_values_of_brackets_are_found_in_messages() -> None:
    template = "hold by <*> of [<*> <*>] today at <*>"
    assert slot_values(template, "hold by ann of [one] today at 7") == ["ann", "one", "", "7"]
    assert slot_values(template, "hold by ann of [one two three] today at 7") == ["ann", "one", "two three", "7"]
    assert slot_values(template, "hold by ann of one today at 7") is None

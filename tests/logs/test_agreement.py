"""Words that stand for one another in several sentences are values; data that were cut are one value."""

from dataclasses import replace

import polars as pl
import pytest

from isang.config import LogsConfig
from isang.logs.rules import Rules
from isang.logs.sessions.rule import SessionRule
from isang.logs.templates.agreement import with_shared_values
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.miner import shortened
from isang.logs.templates.words import without_values

RULES = Rules.new(LogsConfig(), SessionRule("lines", "for the test", size=100))
NAMES = ["ann", "ben", "cho", "dina"]


def test_words_that_stand_for_one_another_in_two_sentences_are_values() -> None:
    texts = [("normal", f"{verb} by [{name}] -> [{name}]") for name in NAMES for verb in ("opened", "denied")]
    became = with_shared_values(texts)
    assert set(became.values()) == {("normal", "opened by <*> -> <*>"), ("normal", "denied by <*> -> <*>")}
    assert set(became) == set(texts)


@pytest.mark.parametrize(
    "texts",
    [
        [f"opened by {name} today" for name in NAMES],  # one sentence alone
        [f"gate {does} now{more}" for does in ("opens", "turns", "rests", "hums") for more in ("", " again")],
        [f"{what} {how}" for what in ("disk", "shelf") for how in ("opened", "closed", "failed", "lost")],
        [f"opened by user={name} {when}" for name in NAMES for when in ("today", "lately")],
        [f"{name} {number}" for number, name in enumerate(NAMES)],  # nothing else would remain
        [f"{what}|{name}|<*>" for name in NAMES for what in ("dump", "sum")],  # a slot for the word would be all
        [f"opened by {name}" for name in NAMES[:3]] + [f"closed by {name}" for name in ("ann", "eve", "fay")],
    ],
)
def test_other_words_tell_events_apart(texts: list[str]) -> None:
    assert with_shared_values([("normal", text) for text in texts]) == {}


def test_a_message_with_a_new_name_is_of_the_known_event() -> None:
    table = EventTable(RULES)
    said = [f"{verb} by [{name}]" for name in NAMES for verb in ("opened", "denied") for _ in range(3)]
    table.number(pl.Series(said), pl.Series([None] * len(said), dtype=pl.String))
    templates = table.finish()[1]
    assert templates["template"].to_list() == ["opened by [<*>]", "denied by [<*>]"]
    known = EventTable(replace(RULES, templates=templates))
    known.number(pl.Series(["opened by [eve]"]), pl.Series([None], dtype=pl.String))
    assert known.finish()[0].tolist() == [0]


@pytest.mark.parametrize(
    "arguments",
    ["(<*>, {<*>: None, <*>: [<*>],...", "(<*>, {<*>}, b'[[<*>,...", "(<*>,...", "(<*>, {<*>: {<*>, <*>..."],
)
def test_data_that_were_cut_are_one_value_wherever_they_were_cut(arguments: str) -> None:
    assert without_values(f"Apply call (args:{arguments} kwargs:{{}})") == "Apply call (args:(<*>... kwargs:{<*>})"


def test_an_ellipsis_behind_words_cuts_nothing() -> None:
    assert without_values("loading (please wait...) the shop") == "loading (please wait...) the shop"


@pytest.mark.parametrize("times", [2, 3, 4, 7, 8])
def test_a_phrase_that_is_repeated_is_kept_twice(times: int) -> None:
    text = " ".join(["note", *["order placed"] * times, "saved"])
    assert shortened(text, 64) == "note order placed order placed saved"

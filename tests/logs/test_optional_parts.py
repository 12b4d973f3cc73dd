"""Templates that differ in how many words a value has, or in a value in parentheses."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.config import LogsConfig
from isang.logs.parsing import masks
from isang.logs.parsing.records import recognise_source
from isang.logs.rules import Rules
from isang.logs.sessions.rule import SessionRule
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.miner import slot_values
from isang.logs.templates.optional_parts import relaxed, with_fewer_slots, without_optional_parts

RULES = Rules.new(LogsConfig(), SessionRule("lines", "for a test", size=100))
EXPRESSION = masks.compiled(masks.BUILT_IN)


def learned(messages: list[str], rules: Rules = RULES) -> tuple[list[int], pl.DataFrame]:
    table = EventTable(rules)
    numbers = table.number(masks.masked(pl.Series(messages), EXPRESSION), pl.Series([None] * len(messages), dtype=str))
    events, templates = table.finish()
    return events[numbers.to_numpy()].tolist(), templates


@given(st.lists(st.sampled_from(["gate", "<*>", "(<*>)", "(<*>),", "opened"]), min_size=1, max_size=8))
def test_relaxing_again_changes_nothing(words: list[str]) -> None:
    once = relaxed(words)
    assert relaxed(once) == once
    assert len(once) <= len(words)


def test_a_size_in_parentheses_makes_no_other_event() -> None:
    lines = [f"shut, {n * 37} bytes out{f' ({n}.5 KB)' if n % 2 else ''}, {n} bytes in" for n in range(1, 40)]
    events, templates = learned(lines)
    assert len(set(events)) == 1
    again, _ = learned(lines, Rules(**{**vars(RULES), "templates": templates}))
    assert again == events


def test_what_is_always_in_parentheses_stays() -> None:
    _, templates = learned([f"device eth{n} ({n}) came" for n in range(9)])
    assert "(<*>)" in templates["template"][0]


@pytest.mark.parametrize("name", ["ana", "bruno", "carla9", "dora7"])
def test_names_with_and_without_digits_are_one_value(name: str) -> None:
    names = ("ana", "bruno", "carla9", "dora7")
    lines = [f"shut by unknown user {who} 10.0.{n}.7 port {n}" for n in range(1, 30) for who in names]
    events, templates = learned(lines)
    assert len(set(events)) == 1
    further, _ = learned(
        [f"shut by unknown user {name}{3} 10.2.3.4 port 9"], Rules(**{**vars(RULES), "templates": templates})
    )
    assert further == events[:1]


def test_few_words_that_are_names_elsewhere_are_a_slot_and_verbs_are_not() -> None:
    lines = [
        f"door {deed} for {who} at 10.0.0.{n}" for n in range(1, 4) for who in ("ana", "bo") for deed in ("a", "b")
    ]
    events, _ = learned(lines)
    assert len(set(events)) == 4  # in so few lines nothing says that these are names
    shown = [f"user {who} came at 10.0.0.{n}" for n in range(1, 9) for who in ("ana", "bo")]
    events, _ = learned([*lines, *shown])
    assert len(set(events)) == 3
    deeds = [f"run: bridge {deed} port{n} by 10.0.0.{n}" for n in range(1, 9) for deed in ("addbr", "delbr", "setfd")]
    assert len(set(learned([*deeds, *(f"run: bridge port{n} by 10.0.0.{n}" for n in range(9))])[0])) == 4


def test_a_first_word_of_a_value_is_told_by_many_templates() -> None:
    deeds = ("opened to", "shut by", "lost near")
    apps = ["mail.exe", "sync.exe", "notes.exe", "grove Helper.exe"]
    lines = [f"{app} - 10.0.0.{n}:443 {deed} 10.1.1.{n}" for n in range(9) for app in apps for deed in deeds]
    assert len(set(learned(lines)[0])) == 3
    assert len(set(learned([line for line in lines if deeds[0] in line])[0])) == 2  # one template tells nothing


def test_what_tells_an_outcome_is_no_part_of_a_value() -> None:
    texts = [f"{word}<*> - <*> {deed}" for deed in ("gone on", "turned", "rose") for word in ("", "failed ")]
    assert without_optional_parts(dict.fromkeys(texts, 99), ()) == {}


def test_a_word_in_nearly_every_line_of_its_own_is_a_value() -> None:
    table = [f"index on {name} built" for name in ("lagoon", "iris", "echo", "upland", "orchid")]
    assert len(set(learned(table)[0])) == 1
    assert len(set(learned([line for line in table[:3] for _ in range(9)])[0])) == 3


def test_times_of_two_numbers_are_read_without_a_year() -> None:
    lines = pl.Series([f"[03.09 07:{n // 60 + 10}:{n % 60:02}] gate {n} opened" for n in range(200)])
    source = recognise_source(lines, given=None, zone="UTC", reference=datetime(2026, 12, 1, tzinfo=UTC))
    assert source.clock is not None
    assert source.clock.lacks == "year"


def test_free_text_behind_what_announces_it_is_one_event_and_further_text_fits() -> None:
    words = ("lagoon", "iris", "echo", "upland", "orchid", "delta", "ember")
    ends = [" ".join(words[n % 7 : n % 7 + 1 + n % 4] + words[: n % 3]) for n in range(1, 40)]
    lines = [f"port {n}: Product: {end}" for n, end in enumerate(ends)] + [f"port {n}: gone" for n in range(9)]
    events, templates = learned(lines)
    assert len(set(events)) == 2
    rules = Rules(**{**vars(RULES), "templates": templates})
    further, grown = learned(["port 7: Product: amber of the valley", "port 7: Product: read failed"], rules)
    assert further[0] == events[0]
    assert further[1] not in events  # what tells of a failure is no free text
    assert grown.height == templates.height + 1
    text = templates["template"][events[0]]
    assert slot_values(text, "port 7: Product: amber of the valley east") == ["7", "amber", "of", "the valley east"]
    assert slot_values(text, "port 7: Product: amber") == ["7", "amber", "", ""]


def test_what_people_say_is_free_text_behind_their_name() -> None:
    words = ("lagoon", "iris", "echo", "upland", "orchid", "delta", "ember")
    said = [" ".join(words[(n * step) % 7] for step in range(1, 2 + n % 4)) + " " + words[n % 7] * 2 for n in range(40)]
    lines = [f"<Ana{n}> {text} {n % 5 * 'so '}" for n, text in enumerate(said)] + [f"Ana{n} came" for n in range(9)]
    events, templates = learned(lines)
    assert len(set(events)) == 2
    again, _ = learned(["<Bo7> hello out there"], Rules(**{**vars(RULES), "templates": templates}))
    assert again == events[:1]


def test_names_and_values_behind_their_names_are_no_free_text() -> None:
    lines = [
        f"let in: user=ana{n} base={base}{' app=web-' + base if n % 2 else ''}{' sealed' if n % 3 else ''}"
        for n in range(30)
        for base in ("shop", "stock", "bills", "mail", "maps", "fees", "gates")
    ]
    _, templates = learned(lines)
    assert all(text.startswith("let in: user=<*> base=<*>") for text in templates["template"])


def test_many_different_messages_behind_a_source_are_no_free_text() -> None:
    verbs = ("opens", "turns", "rests", "waits", "moves", "hums")
    lines = [f"gate <{n}> {verb} now{' again' * (n % 2)}" for n in range(40) for verb in verbs]
    assert len(set(learned(lines)[0])) > len(verbs)


def test_slots_in_a_row_fit_as_many_words_or_fewer_when_the_lines_come_again() -> None:
    apps = ["mail.exe", "sync.exe", "grove Helper.exe"]
    lines = [
        f"{app} - 10.0.0.{n}:443 through relay gate{n}:80 {kind}"
        for n in range(15)
        for app in apps
        for kind in ("HTTPS", "SOCKS5")
    ]
    events, templates = learned(lines)
    assert len(set(events)) == 1
    again, _ = learned(lines[::-1], Rules(**{**vars(RULES), "templates": templates}))
    assert set(again) == {events[0]}
    forms = list(with_fewer_slots(["<*>", "<*>", "by", "<*>"]))
    assert forms == [["<*>", "by", "<*>"], ["<*>", "<*>", "by", "<*>"]]


WORDS = [a + b + c for a in "bdgkmprst" for b in ("an", "el", "or", "um") for c in ("da", "fe", "li", "no")]


def test_the_first_line_of_an_event_is_no_event_of_its_own() -> None:
    lines = [f"{WORDS[n % 12]} was moved to {WORDS[20 + n // 12]}" for n in range(60)]
    events, _ = learned([f"{WORDS[70]} was moved to {WORDS[71]}", *lines])
    assert len(set(events)) == 1
    events, _ = learned(["gate was raised by hand", *lines])
    assert len(set(events)) == 2  # what no frequent template matches stays, however rare


def test_a_sentence_whose_values_never_recur_is_one_event() -> None:
    lines = [f"{WORDS[n]} was slain by {WORDS[-n]} using [{WORDS[2 * n]}]" for n in range(60)]
    events, templates = learned(lines)
    assert len(set(events)) == 1
    assert templates["template"].to_list() == ["<*> was slain by <*> using [<*>]"]
    again, _ = learned(lines[::-1], Rules(**{**vars(RULES), "templates": templates}))
    assert set(again) == set(events)
    assert len(set(learned(lines[:6])[0])) == 6  # too few to tell


def test_a_rare_failure_is_an_event_of_its_own() -> None:
    lines = [
        f"relay {n} {word} after {n} s" for n in range(9) for word in ("kerner", "dalby", "orrin", "telk", "yusuf")
    ]
    events, _ = learned(["relay 7 failed after 3 s", *lines])
    assert events[0] not in set(events[1:])

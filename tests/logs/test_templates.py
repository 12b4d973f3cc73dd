"""Masks, templates, and the difference between learning and matching."""

import io
import json
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.config import LogsConfig
from isang.errors import UsageError
from isang.logs.parsing import masks
from isang.logs.parsing.masks import SLOT
from isang.logs.rules import Rules
from isang.logs.sessions.rule import SessionRule
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.miner import (
    OVERFLOW,
    TemplateIndex,
    TemplateMiner,
    shortened,
    slot_values,
)
from isang.logs.templates.optional_parts import open_prefix
from isang.logs.templates.refinement import Message, joined, refined
from isang.logs.templates.words import has_words, without_values

WORDS = st.lists(st.sampled_from(["open", "close", "door", "lamp", SLOT, "a1", "b"]), min_size=0, max_size=5)


def mask(message: str) -> str:
    return str(masks.masked(pl.Series([message]), masks.compiled(masks.BUILT_IN))[0])


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("took 17 ms", "took <*>"),
        ("took 17.5ms, used 12MB (93%)", "took <*>, used <*> (<*>)"),
        ("block blk_-1608999687919862906 lost", "block blk<*> lost"),
        ("from /10.250.19.102:54106 to 10.0.0.1", "from <*> to <*>"),
        ("id 5f0c7a1e-9d8b-4c3a-8f2e-1a2b3c4d5e6f done", "id <*> done"),
        ("wrote /var/log/app/today.log and C:\\Windows\\x.dll", "wrote <*> and <*>"),
        ("GET https://example.org/a?b=c failed", "GET <*> failed"),
        ("mail to ann@example.org bounced", "mail to <*> bounced"),
        ("at 2024-06-09 14:03:02,123 and Sat Jul  9 12:16:49 2005", "at <*> and <*>"),
        ("register 0x00002000 of fe80::1", "register <*> of <*>"),
        ("ports 1, 2, 3", "ports <*>"),
        ("found 'red chair', can't find 'a'; don't ask", "found <*>, can't find <*>; don't ask"),
        ("no  change \t here", "no change here"),
        ("volume pvc-5f0c7a1e-9d8b-4c3a-8f2e-1a2b3c4d5e6f", "volume pvc<*>"),
        ("volume pvc-af0c7a1e-9d8b-4c3a-8f2e-1a2b3c4d5e6f", "volume pvc<*>"),
        ("user_9f3c and user_f93c", "user<*> and user<*>"),
        ("sent 900 bytes in <1 sec to Notes.exe", "sent <*> in <*> to <*>"),
        ("token m3KfWq9ZtGa1XvUrEo7LpS, idle 1h7m30s, 31msec", "token <*>, idle <*>"),
        ("station 9e:41:0d:7a:12:ef, peer fe80::b11:38ff:fe5f:77b2", "station <*>, peer <*>"),
        ('open "C:\\Program Files (x86)\\Sub Dir\\x.dll" at f1a2b3c', "open <*> at <*>"),
        ("C:\\Program Files (x86)\\Sub Dir\\x.dll locked", "<*> locked"),
        ("connected to relay.example.com, saved report.xlsx", "connected to <*>, saved <*>"),
        ("java.net.ConnectException: refused", "<*>.ConnectException: refused"),
        ('"GET /a?b=7 HTTP/1.1" 503 17', "GET <*> 503 <*>"),
        ("exit code 137 after 12 s", "exit code 137 after <*>"),
        ("status: 404 len: 1893", "status: 404 len: <*>"),
        ("item 503 of status 12.5", "item <*> of status <*>"),
        ("{'status': 'creating', 'size': 3}", "{status=creating, <*>}"),
        ('failed: reason="no route to host"', "failed: reason=no route to host"),
    ],
)
def test_what_varies_is_masked(message: str, masked: str) -> None:
    assert mask(message) == masked


def test_a_mask_that_the_engine_does_not_take_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"logs\.masks\.mine"):
        masks.compiled([("mine", "(?<=x)y")])


def new_miner(max_templates: int = 100) -> TemplateMiner:
    return TemplateMiner(similarity=0.5, depth=4, max_templates=max_templates)


def test_learning_adds_and_matching_does_not() -> None:
    miner = new_miner()
    assert miner.learn(["open file <*>", "close file <*>", "open file <*>"]) == [0, 1, 0]
    before = miner.texts()
    assert miner.match(["open file <*>", "rename file <*>", "open file"]) == [0, None, None]
    assert miner.texts() == before


@given(st.lists(WORDS.map(" ".join), max_size=30))
def test_a_learned_message_is_matched_and_fits_the_id_that_it_was_given(messages: list[str]) -> None:
    miner = new_miner()
    ids = miner.learn(messages)
    texts = miner.texts()
    assert None not in miner.match(messages)
    assert all(
        TemplateIndex([texts[number]]).match(message) == 0 for number, message in zip(ids, messages, strict=True)
    )
    miner.learn(["quite another message"])
    assert miner.texts()[: len(texts)] == texts


def events_of(rules: Rules, messages: list[str]) -> tuple[list[int], Rules]:
    """(event of each message, the rules with what was learned)."""
    table = EventTable(rules)
    numbers = table.number(pl.Series(messages, dtype=pl.String), pl.Series([None] * len(messages), dtype=pl.String))
    event_of, templates = table.finish()
    return [int(event_of[number]) for number in numbers], replace(rules, templates=templates)


@given(st.lists(WORDS.map(" ".join), max_size=25), st.lists(WORDS.map(" ".join), max_size=25))
def test_learning_on_keeps_every_id_also_over_a_restart(first: list[str], second: list[str]) -> None:
    new = Rules.new(LogsConfig(), SessionRule("lines", "test", size=100))
    before, learned = events_of(new, first)
    stored = io.BytesIO()
    learned.templates.write_parquet(stored)
    stored.seek(0)
    restarted = Rules.from_dict(json.loads(json.dumps(learned.to_dict())), pl.read_parquet(stored))
    after, grown = events_of(learned, second)
    again, grown_again = events_of(restarted, second)
    assert again == after
    assert grown_again.templates.equals(grown.templates)
    assert grown.templates.head(learned.templates.height).equals(learned.templates)
    for messages, events in ((first, before), (second, after)):
        matched, unchanged = events_of(grown, messages)
        assert matched == events
        assert unchanged.templates.equals(grown.templates)


def test_a_full_table_overflows_and_stays_as_it_is() -> None:
    miner = new_miner(max_templates=3)
    assert miner.learn(["a x", "b x y", "c", "d d d d", "b x y", "e e e e e"]) == [0, 1, 2, 3, 1, 3]
    assert miner.texts() == ["a x", "b x y", "c", OVERFLOW]


def test_of_several_templates_the_first_is_found() -> None:
    index = TemplateIndex(["open door now", "open <*> now", "<*> door now", "open door <*>"])
    assert index.match("open door now") == 0
    assert index.match("open gate now") == 1
    assert index.match("shut door now") == 2
    assert index.match("open door later") == 3
    assert index.match("shut gate now") is None
    assert index.match("open door") is None


def test_one_name_fits_another_and_what_tells_an_outcome_fits_no_slot() -> None:
    index = TemplateIndex(["saved report.xlsx now", "for user ann", "gate <*> seen", "<*>", "login user=ann"])
    assert index.match("saved nova-api.log now") == 0
    assert index.match("saved everything now") is None
    assert index.match("for user bob") == 1
    assert index.match("for user failed") is None
    assert index.match("gate north seen") == 2
    assert index.match("gate failed seen") is None
    assert index.match("succeeded") is None
    assert index.match("<*>") == 3
    assert index.match("login user=bob") == 4
    assert index.match("login user=<*>") == 4


def test_an_event_is_its_text_and_how_severe_it_is() -> None:
    index = TemplateIndex(["shelf <*> counted"], levels=["INFO"])
    assert index.match("shelf <*> counted", "DEBUG") == 0
    assert index.match("shelf <*> counted", "ERROR") is None
    assert index.match("shelf <*> counted", "WARNING") is None
    rules = Rules.new(LogsConfig(), SessionRule("lines", "test", size=100))
    table = EventTable(rules)
    texts, levels = pl.Series(["shelf <*> counted"] * 3), pl.Series(["INFO", "ERROR", "INFO"])
    numbers = table.number(texts, levels)
    event_of, templates = table.finish()
    assert event_of[numbers.to_numpy()].tolist() == [0, 1, 0]
    assert templates["template"].to_list() == ["shelf <*> counted", "<error> shelf <*> counted"]
    assert templates["level"].to_list() == ["INFO", "ERROR"]
    again = EventTable(replace(rules, templates=templates))
    assert again.finish()[1].equals(templates)
    numbers = again.number(texts, levels)
    assert again.finish()[0][numbers.to_numpy()].tolist() == [0, 1, 0]


def test_a_template_that_is_learned_later_takes_no_message_from_an_earlier_one() -> None:
    rules = Rules.new(LogsConfig(), SessionRule("lines", "test", size=100))
    _, learned = events_of(rules, ["x y a1 file", "x y open file"])
    _, grown = events_of(learned, ["x y open a1", "x y open b"])
    assert grown.templates["template"].to_list() == ["x y <*> file", "x y open <*>"]
    assert events_of(grown, ["x y open file"])[0] == [0]


@given(st.lists(WORDS.map(" ".join), max_size=20), WORDS.map(" ".join))
def test_the_index_agrees_with_trying_every_template(texts: list[str], message: str) -> None:
    def fits(text: str) -> bool:
        words, others = text.split(), message.split()
        alike = has_words(text) == has_words(message) and len(words) == len(others)
        return alike and all(a in (SLOT, b) for a, b in zip(words, others, strict=True))

    texts = [text for text in texts if open_prefix(text.split()) is None]  # these fit any end
    found = TemplateIndex(texts).match(message)
    assert found == next((number for number, text in enumerate(texts) if fits(text)), None)


def messages(*texts: str, lines: int = 10) -> list[Message]:
    return [Message(text.split(), lines, place, place + lines * len(texts)) for place, text in enumerate(texts)]


def test_few_alternative_words_are_events_and_many_are_a_slot() -> None:
    states = [f"VM {word} <*>" for word in ("Started", "Paused", "Resumed")]
    assert refined(messages(*states)) == states
    names = [f"hello {word}" for word in ("ann", "bob", "cid", "dan", "eve", "fay", "gus")]
    assert refined(messages(*names)) == ["hello <*>"] * 7
    assert refined(messages("for user ann", "for user bob")) == ["for user <*>"] * 2
    assert refined(messages("core c1", "core c2")) == ["core <*>"] * 2
    assert refined(messages("saved report.pdf now", "saved letter.odt now")) == ["saved <*> now"] * 2


def test_several_words_that_recur_in_a_fixed_sentence_are_values() -> None:
    nouns = [f"clip of zone {word} saved to <*> in <*>" for word in ("door", "yard", "drive")]
    assert refined([Message(text.split(), 2, 0, 9) for text in nouns]) == ["clip of zone <*> saved to <*> in <*>"] * 3
    assert refined([Message(text.split(), 1, 0, 9) for text in nouns]) == nouns  # too few lines to tell
    pairs = [f"clip of zone {word} saved to <*> in <*>" for word in ("door", "yard")]
    assert refined(messages(*pairs)) == pairs
    done = [f"clip of zone <*> {word} by process <*>" for word in ("opened", "archived", "copied")]
    assert refined(messages(*done)) == done
    codes = [f"reply of server <*> to the query: {word}" for word in ("NXDOMAIN", "NOERROR", "SERVFAIL")]
    assert refined(messages(*codes)) == codes
    sent = [f"Sending {word} to <*> <*>" for word in ("PUBACK", "PUBREC", "CONNACK", "PUBCOMP")]
    assert refined(messages(*sent)) == sent


def test_a_value_behind_a_name_that_meets_several_behind_another_is_no_event() -> None:
    texts = [f"granted: user={user} base={base}" for user in ("ann", "ben", "cho") for base in ("orders", "bills")]
    assert refined(messages(*texts)) == ["granted: user=<*> base=<*>"] * 6
    alone = [f"granted: base={base}" for base in ("orders", "bills")]
    assert refined(messages(*alone)) == alone
    telling = [f"granted: user={user} state={state}" for user in ("ann", "ben", "cho") for state in ("half", "whole")]
    assert set(refined(messages(*telling))) == {f"granted: user=<*> state={state}" for state in ("half", "whole")}


def test_units_behind_a_number_are_values() -> None:
    units = [f"mqtt: <*> = <*> {unit}" for unit in ("C", "%", "ppm", "W")]
    assert refined(messages(*units)) == ["mqtt: <*> = <*> <*>"] * 4
    calls = [f"api: <*> {word} <*>" for word in ("GET", "PUT")]
    assert refined(messages(*calls)) == calls
    states = [f"port <*> {word}" for word in ("up", "off")]
    assert refined(messages(*states)) == states


def test_directions_are_no_values() -> None:
    ways = [f"RILJ: [<*>]{sign} SEND_SMS [<*>]" for sign in "<>"]
    assert refined(messages(*ways)) == ways


def test_a_place_where_words_keep_coming_is_open() -> None:
    words = ["ann", "bob", "cid", "dan"]
    early = [Message(["hello", word], 50, place, 900) for place, word in enumerate(words)]
    assert refined(early) == [f"hello {word}" for word in words]
    late = [Message(["hello", word], 50, 300 * place, 900) for place, word in enumerate(words)]
    assert refined(late) == ["hello <*>"] * 4


def test_an_outcome_never_becomes_a_slot() -> None:
    phrases = ["OK", "Not_Found", "Found", "Forbidden", "Bad_Request", "Conflict", "Gone", "Internal_Server_Error"]
    texts = [f"GET / {phrase}" for phrase in phrases]
    assert refined(messages(*texts)) == texts
    mixed = [f"probe says {word} now" for word in ("ann", "bob", "cid", "dan", "eve", "fay", "gus", "failed")]
    assert refined(messages(*mixed)) == ["probe says <*> now"] * 7 + ["probe says failed now"]


def test_templates_that_differ_in_a_first_word_of_many_are_one() -> None:
    texts = [f"{word} has left the room" for word in ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus")]
    assert joined(messages(*texts)) == ["<*> has left the room"] * 7
    assert joined(messages(*texts[:2])) == texts[:2]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("nodes [<*>, <*>] and {'a': 1, 'b': {}} of ()", "nodes [<*>] and {<*>} of ()"),
        ("thread [main] of (old style)", "thread [main] of (old style)"),
        ("Port(id=3, up=True, tags=[]) seen", "Port(<*>) seen"),
        ("body {name: x, state=failed, size: 3}", "body {<*> state=failed }"),
        ("audit acct=ann terminal=<*> res=ok code=17", "audit acct=ann terminal=<*> res=ok code=17"),
        ("uid=<*> tty= ruser=/x ready=false", "uid=<*> tty=<*> ruser=<*> ready=false"),
        ("pane=<*> type=<*> shown=true", "pane=<*> type=<*> shown=<*>"),
        ("level:<*>, scale: <*>, mains plugged:false", "level:<*>, scale: <*>, mains plugged:false"),
        ("level:<*>, scale: <*>, wired:FALSE, up", "level:<*>, scale: <*>, wired:<*>, up"),
        ("pane=<*> shown=true", "pane=<*> shown=true"),
    ],
)
def test_structures_hold_values(message: str, text: str) -> None:
    assert without_values(message) == text


def test_the_length_of_a_list_makes_no_other_event() -> None:
    one = "tickets [Ticket(seat=<*>, to=Busan), done"
    three = "tickets [Ticket(seat=<*>, to=Busan), Ticket(seat=<*>, to=Busan), Ticket(seat=<*>, to=Busan), done"
    assert shortened(three.replace("[", "[ "), 64) == shortened(one.replace("[", "[ "), 64)
    assert shortened("no no no <*> never", 64) == "no no no <*> never"
    assert shortened("a b c d e", 3) == "a b c <*>"


def test_slot_values_come_back() -> None:
    message = "PacketResponder 1 for block  blk_38 terminating"
    assert slot_values("PacketResponder <*> for block <*> terminating", message) == ["1", "blk_38"]
    assert slot_values("took <*>", "took 17 ms, or so") == ["17 ms, or so"]
    assert slot_values("no slot", "no  slot") == []
    for other in ("something else", "PacketResponder 1 terminating", "PacketResponder <*> for block <*> terminating!"):
        assert slot_values("PacketResponder <*> for block <*> terminating", other) is None
    assert slot_values("a <*> a", "a") is None
    assert slot_values("x<*>" * 60 + "y", "x" * 50_000) is None  # in no time


@given(st.lists(st.text("ab ", max_size=4), min_size=1, max_size=5), st.lists(st.text("ab cd", max_size=6), max_size=4))
def test_slot_values_put_back_give_the_message(parts: list[str], fillings: list[str]) -> None:
    template = " ".join(SLOT.join(parts).split())
    slots = template.count(SLOT)
    values = (fillings * 5 + ["c"] * slots)[:slots]
    pieces = template.split(SLOT)
    message = "".join(piece + value for piece, value in zip(pieces, [*values, ""], strict=True))
    found = slot_values(template, message)
    if found is not None:
        put_back = "".join(piece + " " + value + " " for piece, value in zip(pieces, [*found, ""], strict=True))
        assert put_back.replace(" ", "") == message.replace(" ", "")
    if " ".join(message.split()) == message:
        assert found is not None

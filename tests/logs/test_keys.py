"""The session key is found by what it does, not by its name."""

import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from isang.logs.sessions.key_search import propose_key
from isang.logs.sessions.rule import keys_of

START = datetime(2024, 6, 9, tzinfo=UTC)


def sample(texts: list[str]) -> pl.DataFrame:
    times = [START + timedelta(seconds=n) for n in range(len(texts))]
    schema = {"source": pl.Int32, "text": pl.String, "time": pl.Datetime("us", "UTC")}
    return pl.DataFrame({"source": [0] * len(texts), "text": texts, "time": times}, schema=schema)


def requests(count: int = 200, *, seed: int = 0) -> tuple[list[str], list[str]]:
    """(lines of three services in different syntaxes, the request id of each line)."""
    source = random.Random(seed)
    lines, ids = [], []
    for _ in range(count):
        request = f"{source.getrandbits(64):016x}"
        user = source.randrange(5)
        lines += [
            f'10.0.0.{user} "GET /cart HTTP/1.1" 200 rid={request}',
            f"INFO [req {request}] cart of user {user} opened",
            f'{{"level":"info","msg":"query","user_id":"user-{user}","request_id":"{request}"}}',
            f"INFO [req {request}] cart of user {user} closed after {source.randrange(90)} ms",
        ]
        ids += [request] * 4
    return lines, ids


def test_one_identifier_under_three_names_joins_the_services() -> None:
    lines, ids = requests()
    rule = propose_key(sample(lines))
    assert rule is not None
    assert rule.pattern is not None
    assert keys_of(pl.Series(lines), rule.pattern)["key"].to_list() == ids
    assert "200 sessions of 4.0 lines" in rule.reason


@pytest.mark.parametrize("form", ["blk_{:019d}", "session-{:08d}", "order_{:010x}"])
def test_identifiers_with_a_prefix_are_found(form: str) -> None:
    ids = [form.format(n * 7919 + 1_000_000) for n in range(100)]
    lines = [f"INFO {step} {name} on 10.0.0.1:80" for name in ids for step in ("opened", "used", "closed")]
    rule = propose_key(sample(lines))
    assert rule is not None
    assert rule.pattern is not None
    assert keys_of(pl.Series(lines), rule.pattern)["key"].unique(maintain_order=True).to_list() == ids


def test_something_like_an_identifier_that_goes_on_in_other_letters_is_passed_over() -> None:
    lines = [f"INFO {step} of run-1234{n % 10}-x done" for n in range(100) for step in ("begin", "middle", "end")]
    propose_key(sample(lines))


def test_a_bare_uuid_is_found() -> None:
    source = random.Random(1)
    ids = [str(uuid.UUID(int=source.getrandbits(128))) for _ in range(100)]
    lines = [f"{step} ({name})" for name in ids for step in ("opened", "used", "closed")]
    rule = propose_key(sample(lines))
    assert rule is not None
    assert keys_of(pl.Series(lines), str(rule.pattern))["key"].unique(maintain_order=True).to_list() == ids


def nameless(*, with_spans: bool) -> tuple[list[str], list[str]]:
    """(lines of two services, of which one writes the id without a name, the id of each line)."""
    source = random.Random(3)
    lines, ids = [], []
    for _ in range(150):
        trace, span = f"{source.getrandbits(40):010x}", f"{source.getrandbits(40):010x}"
        inside = f"{trace},{span}" if with_spans else trace
        lines += [
            f"INFO rid={trace} request of user {source.randrange(9)}",
            f"INFO [cart,{inside}] 7 --- cart opened",
            f"INFO [cart,{inside}] 7 --- cart {source.randrange(9)} closed",
            "INFO [cart,] 7 --- tidied up",
            f"INFO rid={trace} request done",
        ]
        ids += [trace] * 4
    return lines, ids


@pytest.mark.parametrize("with_spans", [False, True])
def test_an_identifier_is_found_where_it_stands_without_its_name(with_spans: bool) -> None:
    lines, ids = nameless(with_spans=with_spans)
    rule = propose_key(sample(lines))
    assert rule is not None
    assert keys_of(pl.Series(lines), str(rule.pattern))["key"].to_list() == ids


def test_an_identifier_that_each_log_names_once_and_otherwise_is_found() -> None:
    source = random.Random(5)
    lines, ids = [], []
    for n in range(200):
        request = f"{source.getrandbits(48):012x}"
        lines += [f"GET /cart rid={request}", f'{{"msg":"cart {n} opened","request_id":"{request}"}}', f"tick {n}"]
        ids += [request] * 2
    rule = propose_key(sample(lines))
    assert rule is not None
    assert keys_of(pl.Series(lines), str(rule.pattern))["key"].to_list() == ids


def test_what_does_not_group_lines_into_small_sessions_is_no_key() -> None:
    source = random.Random(2)
    unique = [f"event id={source.getrandbits(64):016x} happened" for _ in range(300)]
    actors = [f"user=user{source.randrange(4):08d} from 10.0.0.{n % 9} port={n % 3 + 50_000}" for n in range(300)]
    forever = [f"account={source.randrange(60) + 10_000_000} balance read" for _ in range(600)]
    once_each = [f"[req-{uuid.UUID(int=source.getrandbits(128))}] GET /list" for _ in range(300)]
    instance = uuid.UUID(int=source.getrandbits(128))
    once_each = [line if n % 3 else f"instance {instance} is up" for n, line in enumerate(once_each)]
    constant = ["build=20240609abcdef1 started worker pid=123456"] * 300
    for lines in (unique, actors, forever, once_each, constant):
        assert propose_key(sample(lines)) is None


def test_a_line_that_names_several_keys_stands_once_for_each() -> None:
    found = keys_of(pl.Series(["blk_1 and blk_2 and blk_1", "none", "blk_2"]), r"blk_\d+")
    assert found.rows() == [(0, "blk_1"), (0, "blk_2"), (2, "blk_2")]
    grouped = keys_of(pl.Series(["id=null", "id=a7 id=b8", "id=-"]), r"id=(\S+)")
    assert grouped.rows() == [(1, "a7"), (1, "b8")]


def test_a_level_in_front_of_the_identifier_is_no_name_of_it() -> None:
    source = random.Random(3)
    ids = [f"{source.getrandbits(32):08x}" for _ in range(100)]
    steps = (("INFO", "opened"), ("FINE", "used"), ("SEVERE", "closed"))
    rule = propose_key(sample([f"{level}: [{name}] cart {step}" for name in ids for level, step in steps]))
    assert rule is not None
    assert rule.reason.startswith("word 2")


PLACES = {
    "word 3": "{at} {key} {deed}",
    "word 4": "{at} mx/in[7]: {key}: {deed}",
    "the last word": "{at} {deed} ({key})",
    "column 3": "{at}|dev-{n}|{key}|{deed}",
}


@pytest.mark.parametrize(("name", "form"), PLACES.items())
def test_an_identifier_without_a_name_is_found_at_its_place(name: str, form: str) -> None:
    source = random.Random(7)
    letters = "bcdfghjkmnpqrstvwxyzBCDFGHJKMNPQRSTVWXYZ23456789"
    lines, keys = [], []
    open_now: list[tuple[str, list[str]]] = []
    for n in range(1_500):
        while len(open_now) < 4:
            deeds = ["came in"] + ["item laid down"] * source.randrange(1, 4) + ["went out"]
            open_now.append(("7" + "".join(source.choices(letters, k=8)) + "4", deeds))
        key, deeds = source.choice(open_now)
        lines.append(form.format(at="2024-06-09 14:03:02", key=key, deed=deeds.pop(0), n=n % 5))
        keys.append(key)
        open_now = [each for each in open_now if each[1]]
    rule = propose_key(sample(lines))
    assert rule is not None
    assert rule.reason.startswith(name)
    assert rule.pattern is not None
    assert keys_of(pl.Series(lines), rule.pattern)["key"].to_list() == keys


def test_a_worker_that_always_comes_back_is_no_key_at_its_place() -> None:
    source = random.Random(7)
    lines = [f"2024-06-09 14:03:02 depot{source.randrange(40):03}x item {n} laid down" for n in range(1_000)]
    assert propose_key(sample(lines)) is None


def test_a_number_glued_to_its_word_is_found() -> None:
    lines = [f"picked job{n // 3 + 10_000} at {n}" for n in range(900)]
    rule = propose_key(sample(lines))
    assert rule is not None
    assert rule.reason.startswith("job…")


def _conversations(form: str, ids: Sequence[str]) -> list[str]:
    """Three at a time, in turn; each says four things."""
    said = ("opened by ann", "looked up {} shelves", "moved {} crates", "closed")
    lines = []
    for first in range(0, len(ids), 3):
        for step, text in enumerate(said):
            lines += [form.format(id=each, said=text.format(step)) for each in ids[first : first + 3]]
    return [f"2024-06-09 14:{n // 60 % 60:02d}:{n % 60:02d} {line}" for n, line in enumerate(lines)]


_HEX = [f"{(n * 2654435761) % 2**32:08x}" for n in range(7, 187)]
ODD_PLACES = [
    ("INFO depot: {said} req#{id}", [str(880 + n) for n in range(180)]),
    ("INFO depot: conn={id} {said}", [str(n) for n in range(7, 187)]),
    ("INFO depot: {id} {said}", [str(n) for n in range(7, 187)]),
    ("INFO depot: >>> {id} {said}", [f"k{each[:5]}" for each in _HEX]),
    ("INFO depot: {said} ~{id}~", [f"k{each[:6]}" for each in _HEX]),
    ("INFO worker@{id}: {said}", _HEX),
    ("INFO depot: Ringing Call-ID: {id}@gw {said}", [f"W{each}" for each in _HEX]),
    ("INFO depot: {said}, session=<{id}/AAAB>", [f"D6P{each}" for each in _HEX]),
    ("INFO depot: {id} {said}", [f"10.0.{n % 40}.7:{30000 + 7 * n}" for n in range(180)]),
]


@pytest.mark.parametrize(("form", "ids"), ODD_PLACES, ids=[form for form, _ in ODD_PLACES])
def test_an_identifier_in_an_odd_place_is_found(form: str, ids: list[str]) -> None:
    lines = sample(_conversations(form, ids))
    rule = propose_key(lines)
    assert rule is not None
    assert rule.pattern is not None
    keys = keys_of(lines["text"], rule.pattern)
    assert keys.height >= 0.9 * lines.height
    assert keys["key"].n_unique() >= 0.9 * len(ids)


def test_sizes_and_lines_that_are_counted_make_no_sessions() -> None:
    assert propose_key(sample([f"INFO depot: line={n} size={n * 7919 % 997}" for n in range(600)])) is None


def test_a_time_in_brackets_behind_a_user_is_no_key() -> None:
    users = ("ben", "dina", "emil", "fay")
    lines = [
        f'127.0.0.{n % 40} UNKNOWN {users[n % 4]} [30/Nov/2026:11:{n // 180:02}:{n // 3 % 60:02} +0000] "RETR f{n}" 226'
        for n in range(900)
    ]
    found = propose_key(pl.DataFrame({"source": ["x"] * 900, "text": lines, "time": [None] * 900}))
    assert found is None or "ben" not in (found.pattern or "")


def test_a_word_behind_a_name_in_a_sentence_is_no_key() -> None:
    """`task accepted` stands beside `"task":"T5c0cc0f"`: only what stands behind a mark is the task."""
    source = random.Random(3)
    lines, tasks = [], []
    for _ in range(80):
        task = f"T{source.getrandbits(28):07x}"
        for said in ("task accepted", "task started", "task finished"):
            lines.append(f'{{"level":"info","event":"{said}","task":"{task}","ms":{source.randrange(90)}}}')
            tasks.append(task)
    rule = propose_key(sample(lines))
    assert rule is not None
    assert rule.pattern is not None
    assert keys_of(pl.Series(lines), rule.pattern)["key"].to_list() == tasks

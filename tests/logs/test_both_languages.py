"""What is said of how logs were read, in English and in Korean."""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from isang.config import LogsConfig
from isang.logs.input.sources import find_sources
from isang.logs.parsing.recognition import recognise_sources, session_rule
from isang.logs.parsing.timestamps import ACCESS, EPOCH, ISO, Clock, described
from isang.logs.prepare import prepare
from isang.logs.rules import Rules
from isang.logs.sessions.rule import SessionRule
from isang.logs.stream.session_stream import SessionStream
from tests.languages import assert_tell_the_same

KINDS = ("order paid", "cart emptied", "parcel sent", "stock counted")


def line(n: int, text: str) -> str:
    return f"2026-05-06 10:{n // 60 % 60:02}:{n % 60:02} INFO {text}\n"


def keyed(n: int, words: str = "") -> str:
    return line(n, f"order={n // 4:06}ab {KINDS[n % 4]}{words}")


def plain(n: int) -> str:
    return line(n, KINDS[n % 4])


def grown(n: int) -> str:
    return line(n, f"gate {n % 7} seen" if n < 900 else LATE[n % 5])


SOME = "".join(plain(n) for n in range(40)).encode()
LATE = ("hinges want oil", "the moat is dry again", "bridge down", "a guest left by boat", "lamps out in the tower")
ENDS = ("Connection from host", "Key accepted", "Session opened", "Session closed", "Disconnected")
GIVEN: dict[str, tuple[bytes, dict[str, Any], tuple[str, ...]]] = {
    "a key": ("".join(keyed(n) for n in range(400)).encode(), {}, ("order is in 100%",)),
    "no key": ("".join(plain(n) for n in range(400)).encode(), {}, ("no identifier groups the lines",)),
    "windows of all logs": (
        "".join(plain(n) for n in range(400)).encode(), {"session_by": "none", "across_sources": True},
        ("no key was wanted, so sessions are windows of 10 lines of all logs together",),
    ),
    "a key by option": ("".join(keyed(n) for n in range(40)).encode(), {"session_by": "order"}, ("--session-by",)),
    "a gap by option": ("".join(plain(n) for n in range(40)).encode(), {"gap_seconds": 5.0}, ("--gap",)),
    "few lines have the key": (
        "".join(keyed(n) if n % 2 else plain(n) for n in range(400)).encode(), {"session_by": "order"},
        ("100 of 400 lines name no session key",),
    ),
    "bytes of another encoding": (
        SOME + "2026-05-06 11:00:00 INFO 주문이 접수되었습니다\n".encode("cp949"), {}, ("it is no UTF-8",),
    ),
    "bytes of none": (
        SOME + b"2026-05-06 11:00:00 INFO \xff\xfe\x81 x\n", {"encoding": "utf-8"},
        ("bytes of no known encoding",),
    ),
    "zero bytes": (b"\0" * 64 + SOME, {}, ("64 zero bytes",)),
    "long lines": (
        SOME + line(40, "x" * 5_000).encode(), {"max_line_bytes": 4_096},
        ("1 line longer than 4,096 bytes was cut",),
    ),
    "one template": ("".join(line(n, "tick") for n in range(40)).encode(), {}, ("one template",)),
    "too many templates": (
        SOME, {"max_templates": 2}, ("messages fit none of the first",),
    ),
    "templates that grow": ("".join(grown(n) for n in range(1_000)).encode(), {}, ("templates are still growing",)),
    "lines that continue": (
        "".join(plain(n) + "  at a\n  at b\n" for n in range(40)).encode(), {}, ("80 of 120 lines do not begin",),
    ),
    "another layout": (
        b"2026-05-06 10:00:00 [INFO] begun\n" + SOME, {"layout": "<time> [<level>] <message>"},
        ("--layout fits 2% of the lines",),
    ),
    "times of an unknown form": (
        "".join(f"{3 * n:07}! {KINDS[n % 4]}\n" for n in range(40)).encode(), {}, ("the lines begin with numbers",),
    ),
    "dates of two orders": (
        "".join(f"03/04/2026 10:00:{n:02} INFO {KINDS[n % 4]}\n" for n in range(40)).encode(), {}, ("--date-order",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("given", GIVEN)
def test_what_is_said_of_logs_is_the_same_in_both_languages(given: str, tmp_path: Path) -> None:
    written, settings, parts = GIVEN[given]
    log = tmp_path / "app.log"
    log.write_bytes(written)
    meta = prepare([str(log)], LogsConfig(**settings)).dataset.meta
    rule, (source,) = meta["session_rule"], meta["sources"]
    said = [*meta["warnings"], rule["reason"]]
    assert all(any(part in sentence for sentence in said) for part in parts), said
    assert len(meta["warnings"]) == len(meta["warnings_ko"])
    assert len(source["doubts"]) == len(source["doubts_ko"])
    for english, korean in (
        *zip(meta["warnings"], meta["warnings_ko"], strict=True),
        *zip(source["doubts"], source["doubts_ko"], strict=True),
        (rule["reason"], rule["reason_ko"]), (source["times"], source["times_ko"]),
    ):  # fmt: skip
        assert_tell_the_same(english, korean)


def test_files_that_were_left_out_or_break_off_are_told_in_both_languages(tmp_path: Path) -> None:
    whole = "".join(plain(n) for n in range(4_000)).encode()
    (tmp_path / "a.log").write_bytes(whole)
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(whole)[:-200])
    (tmp_path / "c.log").write_bytes(bytes(range(256)) * 40)
    meta = prepare([str(tmp_path)], LogsConfig()).dataset.meta
    left_out, broken = meta["warnings"][:2]
    assert left_out.startswith("left out: ")
    assert "nothing could be read after" in broken
    assert_tell_the_same(left_out, meta["warnings_ko"][0], quoted=left_out.removeprefix("left out: "))
    assert_tell_the_same(broken, meta["warnings_ko"][1], quoted=broken.rpartition(" bytes of text: ")[2])


def test_a_folder_of_another_program_is_told_in_both_languages(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("".join(plain(n) for n in range(100)))
    rules = Rules.of(prepare([str(tmp_path / "a.log")], LogsConfig()).dataset)
    before = Rules(**rules.__dict__ | {"readers": 1})
    (tmp_path / "b.log").write_text("".join(f'{{"at": {n}, "msg": "{KINDS[n % 4]}"}}\n' for n in range(40)))
    meta = prepare([str(tmp_path / "b.log")], LogsConfig(), rules=before).dataset.meta
    assert any("about 40 of 40 lines" in text for text in meta["warnings"])
    assert any("version 1 of the readers" in text for text in meta["warnings"])
    for english, korean in zip(meta["warnings"], meta["warnings_ko"], strict=True):
        assert_tell_the_same(english, korean)


@pytest.mark.parametrize(
    "clock", [None, EPOCH, ACCESS, ISO, *(Clock("a", "", lacks=lacks) for lacks in ("year", "date"))]
)
def test_what_is_assumed_of_times_is_the_same_in_both_languages(clock: Clock | None) -> None:
    assert_tell_the_same(*described(clock, zone="Asia/Seoul", reference=datetime(2026, 5, 6, 7, 8, tzinfo=UTC)))


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "lines", "size": 20},
        {"kind": "seconds", "size": 30},
        {"kind": "key", "pattern": "a"},
        {"kind": "gap", "gap_seconds": 2.5},
    ],
)
def test_when_a_session_ends_is_the_same_in_both_languages(rule: dict[str, Any]) -> None:
    rules = Rules.new(LogsConfig(), SessionRule(reason="test", **rule))
    assert_tell_the_same(*SessionStream(rules, idle_seconds=60).described)


def test_a_number_in_brackets_that_makes_sessions_is_told_in_both_languages(tmp_path: Path) -> None:
    lines = [f"May  6 10:{n // 20:02}:{n % 60:02} mail sshd[{4000 + n // 5}]: {ENDS[n % 5]}\n" for n in range(600)]
    (tmp_path / "auth.log").write_text("".join(lines))
    found = recognise_sources(find_sources([str(tmp_path / "auth.log")]), LogsConfig())
    rule = session_rule(found.sample, LogsConfig())
    assert "process number" in rule.reason
    assert_tell_the_same(rule.reason, rule.reason_ko)


def test_rules_of_an_earlier_version_have_no_korean(tmp_path: Path) -> None:
    rule = SessionRule("lines", "asked for with --window", size=10)
    assert "reason_ko" not in rule.to_dict()
    assert SessionRule.from_dict(rule.to_dict()) == rule

"""Levels that a layout leaves in the message, and program's own syslog lines that name no host."""

from datetime import UTC, datetime

import polars as pl
import pytest

from isang.logs.input.chunks import Chunk
from isang.logs.parsing.records import parse_chunk, recognise_source

NOW = datetime(2026, 3, 2, tzinfo=UTC)
RADIUS = (
    "Mon Mar  2 10:00:01 2026 : Info: Ready to process requests",
    *[f"Mon Mar  2 10:00:{second:02} 2026 : Auth: ({second}) Login OK: [lee]" for second in range(2, 40)],
    "Mon Mar  2 10:00:41 2026 : Error: Could not reach the home server",
)
BIND = (
    *[
        f"02-Mar-2026 10:00:{second:02}.125 queries: info: client 10.0.0.{second}: query: a.example"
        for second in range(40)
    ],
    "02-Mar-2026 10:00:41.125 general: debug 1: zone_timer: enter",
    "02-Mar-2026 10:00:42.125 lame-servers: error: host unreachable resolving 'a.example/A/IN'",
)
MAIL = (
    *[
        f"Mar  2 10:00:{second:02} imap(lee)<{second}><q7Ab/{second}>: Debug: Mailbox opened"
        for second in range(10, 40)
    ],
    "Mar  2 10:00:41 master: Error: service(imap) killed with signal 9",
    "Mar  2 10:00:42 imap-login: Info: Login: user=<lee>, method=PLAIN",
)


def records(lines: tuple[str, ...]) -> pl.DataFrame:
    source = recognise_source(pl.Series(lines), given=None, zone="UTC", reference=NOW)
    return parse_chunk(Chunk("\n".join(lines), 1, None), source).frame


@pytest.mark.parametrize(
    ("lines", "first", "last"),
    [(RADIUS, "INFO", "ERROR"), (BIND, "INFO", "ERROR"), (MAIL, "DEBUG", "INFO")],
    ids=["radius", "bind", "dovecot"],
)
def test_a_level_in_front_of_the_message_is_its_level(lines: tuple[str, ...], first: str, last: str) -> None:
    found = records(lines)
    assert not found["time"].null_count()
    assert (found["level"][0], found["level"][-1]) == (first, last)


def test_words_that_are_no_level_stay_none() -> None:
    assert set(records(RADIUS)["level"][1:-1]) == {None}


def test_a_severity_may_have_a_number() -> None:
    assert records(BIND)["level"][-2] == "DEBUG"


def test_the_component_of_a_line_without_a_host_is_no_host() -> None:
    assert records(MAIL)["message"].to_list()[-2:] == [
        "Error: service(imap) killed with signal 9", "Info: Login: user=<lee>, method=PLAIN",
    ]  # fmt: skip
    assert records(MAIL)["level"][-2] == "ERROR"


@pytest.mark.parametrize("message", ["the Error: of our ways", "see config: here", "time=5 error: x", '"Error: x"'])
def test_a_level_elsewhere_is_text(message: str) -> None:
    assert set(records(tuple(f"Mar  2 10:00:{second:02} host app[1]: {message}" for second in range(20)))["level"]) == {
        None
    }


def test_the_event_of_logfmt_without_a_message_is_its_other_fields() -> None:
    lines = (
        *[f'ts=2026-03-02T10:00:{n:02}Z caller=main.go:9 level=info msg="listening on" port={n}' for n in range(20)],
        "ts=2026-03-02T10:00:40Z caller=main.go:3 level=debug externalURL=http://server-1:9093",
        "ts=2026-03-02T10:00:41Z caller=main.go:5 level=debug routePrefix=/",
        "ts=2026-03-02T10:00:42Z level=warn",
    )  # fmt: skip
    found = records(lines)
    assert found["message"].to_list()[-3:-1] == ["externalURL=http://server-1:9093", "routePrefix=/"]
    assert found["level"].to_list()[-3:] == ["DEBUG", "DEBUG", "WARN"]
    assert not found["message"].null_count()


def test_levels_in_small_letters_behind_a_component_are_told_by_being_everywhere() -> None:
    lines = tuple(
        f"Mar  2 10:00:{n:02} conn{n}xY{n}\t{'info' if n % 3 else 'debug'}\tclient {n} connected" for n in range(50)
    )
    found = records(lines)
    assert found["level"][:3].to_list() == ["DEBUG", "INFO", "INFO"]
    prose = records(tuple(f"Mar  2 10:00:{n:02} reader got error from client {n}" for n in range(50)))
    assert set(prose["level"]) == {None}

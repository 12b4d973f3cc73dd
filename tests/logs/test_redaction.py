"""Secrets in real shapes of log lines are replaced, what only looks like one stays."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.config import LogsConfig
from isang.logs.prepare import prepare, prepare_folder
from isang.logs.preview import preview
from isang.logs.redaction import (
    PATTERNS,
    luhn,
    redacted,
    redacted_keys,
    redacted_texts,
    resident_number,
    without_secrets,
)
from isang.logs.store import read_dataset

SECRETS = [
    ("login user=kim password=hunter2 ok", "login user=kim password=[redacted telling_key] ok"),
    ('{"user":"kim","password":"a b\\"c","n":1}', '{"user":"kim","password":[redacted telling_key],"n":1}'),
    ("DB_PASSWORD: s3cr3t!", "DB_PASSWORD: [redacted telling_key]"),
    ("GET /login?token=abcdef&next=/ HTTP/1.1", "GET /login?token=[redacted telling_key]&next=/ HTTP/1.1"),
    ("client_secret => 'x y'", "client_secret => [redacted telling_key]"),
    ("X-Api-Key: 0a1b2c3d", "X-Api-Key: [redacted telling_key]"),
    ("spring.datasource.password=pw", "spring.datasource.password=[redacted telling_key]"),
    ("Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted authorization]"),
    ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [redacted authorization]"),
    ("Cookie: sid=abc123; theme=dark", "Cookie: [redacted authorization]"),
    ("got eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ from a", "got [redacted json_web_token] from a"),
    ("key AKIAABCDEFGHIJKLMNOP used", "key [redacted cloud_key] used"),
    (f"push with ghp_{'a1B2' * 9} done", "push with [redacted cloud_key] done"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x", "[redacted private_key] x"),
    ("postgres://app:pw1@db:5432/x", "postgres://app:[redacted url_password]@db:5432/x"),
    ("mail to kim.minsu+test@example.co.kr sent", "mail to [redacted email] sent"),
    ("paid with 4111 1111 1111 1111 today", "paid with [redacted card] today"),
    ("card=5555555555554444,", "card=[redacted card],"),
    ("amex 378282246310005", "amex [redacted card]"),
    ("주민등록번호 900101-1234567 확인", "주민등록번호 [redacted resident_number] 확인"),
]
HARMLESS = [
    "password is incorrect for user kim", "token: expired", "password=null token=<*>", "passing 3 of 4 tests",
    "Basic authentication failed", "key=42 value=7", "keyboard: us", "tokens=1024 max_tokens=2048", "compass: north",
    "block blk_4111111111111111 stored", "id -4111111111111111", "order 4111111111111112 packed",
    "at 20260105-1234567 lines", "sum 991399-1234567", "user@localhost ran", "INFO password changed", "bypass: on",
    "http://host:8080/path", "secret=******", "access denied for 10.0.0.1", "pin_count=", "uid=4111-1111",
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), SECRETS)
def test_a_secret_is_replaced_and_nothing_else(text: str, wanted: str) -> None:
    counts: Counter[str] = Counter()
    assert redacted(text, counts) == wanted
    assert sum(counts.values()) == 1
    assert redacted_texts(pl.Series(["plain", text, None])).to_list() == ["plain", wanted, None]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert redacted(text) == text
    assert redacted_texts(pl.Series([text])).to_list() == [text]
    assert without_secrets(text) == text


@given(st.text(alphabet="pasword=:tken secret<*>\"' @.1234-"))
def test_twice_is_once_and_the_quick_look_misses_nothing(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once
    assert redacted_texts(pl.Series([text])).to_list() == [once]
    assert without_secrets(without_secrets(text)) == without_secrets(text)


def test_a_template_keeps_no_secret() -> None:
    assert without_secrets("login with password=swordfish from <*>") == "login with password=<*> from <*>"
    assert without_secrets("Authorization: Bearer abcdef-ghij-klmnop-qrst") == "Authorization: Bearer <*>"


def test_check_digits() -> None:
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert not luhn("0000000000000000")
    assert resident_number("900101-1234567")
    assert not resident_number("901301-1234567")
    assert not resident_number("9001011234567"), "without a hyphen its check digit must be right"
    assert resident_number("9001011234568")


def test_keys_that_are_secrets_stay_different_and_tell_nothing() -> None:
    keys = redacted_keys(pl.Series(["a@example.com", "b@example.com", "a@example.com", "r17", None])).to_list()
    assert keys[0] == keys[2] != keys[1]
    assert keys[3:] == ["r17", None]
    assert "example" not in "".join(keys[:3])


LINES = [
    f"2026-01-05 09:00:{second:02}.{part:03} INFO login with password=swordfish{'abcdef'[second % 6]} was tried "
    f"by mail=kim{part}@example.com who pays by card 4111111111111111 and then left again"
    for second in range(20)
    for part in range(0, 300, 100)
]


def test_nothing_that_is_written_or_shown_holds_a_secret(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("\n".join(LINES) + "\n")
    config = LogsConfig(session_by=r"mail=(\S+)")
    meta = prepare_folder([str(tmp_path / "a.log")], tmp_path / "data", config)
    assert meta["redacted"]["telling_key"] > 0
    assert set(meta["redacted"]) <= {pattern.name for pattern in PATTERNS}
    dataset = read_dataset(tmp_path / "data")
    prepared = prepare([str(tmp_path / "a.log")], config)
    shown = "".join(prepared.raw([(0, line) for line in range(1, len(LINES) + 1)]).values())
    seen = preview([str(tmp_path / "a.log")], config)
    texts = [str(dataset.sessions.to_dict(as_series=False)), str(dataset.templates["template"].to_list()), shown]
    for text in [*texts, str(seen.records["message"].to_list()), str(seen.templates)]:
        assert "swordfish" not in text
        assert "example.com" not in text
        assert "4111" not in text
    assert len(dataset.sessions) == 3, "keys stay different"
    kept = prepare([str(tmp_path / "a.log")], replace(config, redact=False))
    assert "swordfish" in "".join(kept.raw([(0, 1)]).values())
    assert "kim0@example.com" in kept.dataset.sessions["session_id"].to_list()
    assert "swordfish" not in str(kept.dataset.templates["template"].to_list())

"""Secrets and personal data in log lines, replaced before anything is written down or shown.

`PATTERNS` is the only table. A line is examined closely only if a quick check finds what the patterns need.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from isang.logs.parsing.masks import SLOT

_TELLING = (
    r"(?:[\w.-]*(?:passw(?:or)?d|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|"
    r"access[_-]?token|refresh[_-]?token|id[_-]?token|session[_-]?token|client[_-]?secret|credentials?)|"
    r"(?:[\w.-]*[_.-])?(?:token|pwd|pass|pin|otp|cvv2?|cvc|ssn|jwt))"
)
_NO_SECRET = re.compile(
    r"(?:null|none|nil|true|false|yes|no|ok|n/a|undefined|unknown|empty|missing|invalid|incorrect|wrong|expired|valid|"
    r"required|changed|reset|failed|rejected|accepted|not|is|was|has|must|for|from|in|of|to|and|or|<\*>|"
    r"\[redacted[^\]]*\]?|\*+|x+|-+|\.+)[.,;:!)\]}\"']*",
    re.IGNORECASE,
)
"""Words that stand behind such a key in prose, and what others have hidden already."""


@dataclass(frozen=True)
class Pattern:
    """One kind of secret: its group `secret`, or else the whole match, is replaced where `holds` agrees."""

    name: str
    expression: re.Pattern[str]
    holds: Callable[[str], bool] = lambda found: True
    digits: bool = False
    """Whether it is recognised by its digits, which a masked message no longer has."""


def _is_secret(found: str) -> bool:
    return _NO_SECRET.fullmatch(found.strip("\"'")) is None


def luhn(found: str) -> bool:
    """Whether the last digit of a card's number is the check digit of the others (ISO/IEC 7812-1)."""
    digits = [int(digit) for digit in found if digit.isdigit()][::-1]
    doubled = (digit * 2 - 9 * (digit > 4) for digit in digits[1::2])
    return len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def resident_number(found: str) -> bool:
    """Whether this can be a Korean resident registration number: a day that exists, then a digit for sex and century.

    Numbers given since October 2020 have no check digit, so that none is asked for where a hyphen stands between the
    halves; without a hyphen the check digit of the older ones must be right.
    """
    digits = [int(digit) for digit in found if digit.isdigit()]
    month, day = digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]
    if not (1 <= month <= 12 and 1 <= day <= 31 and 1 <= digits[6] <= 8):
        return False
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    check = (11 - sum(weight * digit for weight, digit in zip(weights, digits[:12], strict=True)) % 11) % 10
    return "-" in found or check == digits[12]


PATTERNS = (
    Pattern(
        "private_key",
        re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:.*?-----END [A-Z0-9 ]*PRIVATE KEY-----|.*)", re.DOTALL),
    ),
    Pattern("url_password", re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]*:(?P<secret>[^\s/@]+)@", re.IGNORECASE)),
    Pattern(
        "authorization",
        re.compile(
            r"\b(?:Bearer|Basic|Digest|Negotiate|ApiKey)\s+(?P<secret>[A-Za-z0-9+/=._~-]{8,}|<\*>[^\s\"',;]{4,})|"
            r"\b(?:Set-)?Cookie[\"']?\s*:\s*[\"']?(?P<cookie>[^\s\"'][^\n\"']*)",
            re.IGNORECASE,
        ),
        lambda found: len(found) > 20 or re.search(r"[0-9=+/<]|[a-z][A-Z]", found) is not None,
    ),
    Pattern("json_web_token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")),
    Pattern(
        "cloud_key",
        re.compile(
            r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[\w-]{16,}|"
            r"AIza[\w-]{30,}|ya29\.[\w-]{16,}|xox[abprs]-[\w-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|"
            r"sk-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})"
        ),
    ),
    Pattern(
        "telling_key",
        re.compile(
            rf"(?<![\w.-]){_TELLING}[\"']?\s*(?:=>|=|:(?!//))\s*"
            rf"(?P<secret>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&|)}}\]\"']+)",
            re.IGNORECASE,
        ),
        _is_secret,
    ),
    Pattern(
        "email", re.compile(r"(?<![\w.%+-])[\w.%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b"), digits=True
    ),
    Pattern(
        "card",
        re.compile(
            r"(?<![\w.-])(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|65\d\d|35\d\d)(?:[ -]?\d{4}){3}(?![\w-]|\.\d)|"
            r"(?<![\w.-])3[47]\d\d[ -]?\d{6}[ -]?\d{5}(?![\w-]|\.\d)"
        ),
        luhn,
        digits=True,
    ),
    Pattern("resident_number", re.compile(r"(?<![\w.-])\d{6}-?[1-8]\d{6}(?![\w.-])"), resident_number, digits=True),
)  # fmt: skip
"""The table, in the order in which it is applied."""
_MAY_HOLD = (
    r"(?i)pass|pwd|secret|token|key|credential|bearer|basic|digest|negotiate|cookie|private|\bpin|\botp|cvv|cvc|ssn|jwt|"
    r"eyJ|AKIA|ASIA|gh[pousr]_|glpat|AIza|ya29|xox|sk[-_]|rk_|hf_|npm_|SG\.|://[^\s/]*@"
)
_MAY_HOLD_DIGITS = (
    r"@|(?:^|[^0-9A-Za-z_.-])(?:[0-9]{6}-?[1-8][0-9]{6}|[2-6][0-9]{3}(?:[ -]?[0-9]{4}){3}|"
    r"3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5})"
)
"""Rust's regular expressions that find whatever could hold one of PATTERNS."""


def redacted(text: str, counts: Counter[str] | None = None) -> str:
    """The text with each secret as `[redacted NAME]`; `counts` counts them by name."""
    return _replaced(text, PATTERNS, lambda name: f"[redacted {name}]", counts)


def redacted_texts(texts: pl.Series) -> pl.Series:
    """The same for many texts, most of which contain no secrets."""
    may = texts.str.contains(f"{_MAY_HOLD}|{_MAY_HOLD_DIGITS}").fill_null(False)
    if not may.any():
        return texts
    return texts.clone().scatter(may.arg_true(), [redacted(text) for text in texts.filter(may).to_list()])


_MAY_BE_CONSTANT = re.compile(_MAY_HOLD.replace("(?i)", ""), re.IGNORECASE)
_CONSTANTS = tuple(pattern for pattern in PATTERNS if not pattern.digits)


def without_secrets(message: str, counts: Counter[str] | None = None) -> str:
    """A masked message in which secrets are slots, as all else that varies: no template keeps one."""
    if _MAY_BE_CONSTANT.search(message) is None:
        return message
    return _replaced(message, _CONSTANTS, lambda _: SLOT, counts)


def messages_without_secrets(messages: pl.Series) -> pl.Series:
    """The same for many masked messages."""
    may = messages.str.contains(_MAY_HOLD).fill_null(False)
    if not may.any():
        return messages
    return messages.clone().scatter(may.arg_true(), [without_secrets(text) for text in messages.filter(may).to_list()])


def redacted_keys(keys: pl.Series, sources: pl.Series | None = None, *, salt: bytes = b"") -> pl.Series:
    """Session keys; a key that is a secret is replaced with an opaque name, a different one for each `salt`.

    Without a salt it is that of this process. `sources`, parallel to the keys, may follow them as in `KEY@SOURCE`,
    which is not an e-mail address.
    """
    may = keys.str.contains(f"{_MAY_HOLD}|{_MAY_HOLD_DIGITS}").fill_null(False)
    if not may.any():
        return keys
    behind = [""] * int(may.sum()) if sources is None else [f"@{source}" for source in sources.filter(may).to_list()]
    parts = zip(keys.filter(may).to_list(), behind, strict=True)
    named = []
    for key, end in parts:
        place = key.rfind(end) if end else -1
        named.append(_named(key, salt or SALT) if place < 0 else _named(key[:place], salt or SALT) + key[place:])
    return keys.clone().scatter(may.arg_true(), named)


@lru_cache(1 << 16)
def _named(key: str, salt: bytes) -> str:
    digest = hashlib.blake2b(key.encode(), digest_size=6, key=salt).hexdigest()
    return _replaced(key, PATTERNS, lambda name: f"[redacted {name} {digest}]", None)


SALT = os.urandom(16)
"""Of the opaque names of secret keys, new in each process."""


def _replaced(text: str, patterns: tuple[Pattern, ...], put: Callable[[str], str], counts: Counter[str] | None) -> str:
    for pattern in patterns:

        def one(found: re.Match[str], pattern: Pattern = pattern) -> str:
            group = found.lastgroup
            secret = found[group] if group else found[0]
            if not pattern.holds(secret):
                return found[0]
            if counts is not None:
                counts[pattern.name] += 1
            start, end = found.span(group) if group else found.span()
            return found.string[found.start() : start] + put(pattern.name) + found.string[end : found.end()]

        text = pattern.expression.sub(one, text)
    return text

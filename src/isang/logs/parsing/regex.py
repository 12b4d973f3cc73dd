"""Regular expressions for columns, in the syntax of Rust's regex crate."""

import re
from functools import lru_cache

import polars as pl

from isang.errors import UsageError

_TOKENS = re.compile(
    r"\\x\{[0-9A-Fa-f]+\}|\\x[0-9A-Fa-f]{2}|\\."
    r"|\{\d+(?:,\d*)?\}"
    r"|\(\?P?<\w+>"
    r"|\[\^?\]?(?:\\x\{[0-9A-Fa-f]+\}|\\.|[^\]\\])*\]"
    r"|.",
    re.DOTALL,
)
_CODE_OF_A_CHARACTER = re.compile(r"\\x\{?([0-9A-Fa-f]+)\}?")
_DIGITS_BY_NUMBER = {"x", "u", "U", "p", "P", *"0123456789"}


def ascii_only(pattern: str) -> str:
    r"""`pattern` with \d, \w and \b of ASCII alone: several times faster to compile and to search with."""
    return (
        pattern.replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]")
        .replace(r"\b", r"(?-u:\b)").replace(r"\B", r"(?-u:\B)")
    )  # fmt: skip


def check_expression(name: str, pattern: str) -> None:
    """Raise UsageError where the engine does not take `pattern`: it knows no look-around and no back-references."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        reason = " ".join(str(error).partition("This error occurred")[0].split())[:300]
        raise UsageError(
            f"{name} must be a regular expression without look-around and back-references, got {pattern!r}: {reason}"
        ) from error


@lru_cache
def takes_digits_alike(pattern: str) -> bool:
    """Whether `pattern` treats all digits 0 to 9 the same.

    Then its matches in two lines that differ only in digits are at the same positions. False if in doubt.
    """
    return not any(map(_names_a_digit, _TOKENS.findall(pattern)))


def _names_a_digit(token: str) -> bool:
    if token.startswith(("{", "(")):
        return False
    code = _CODE_OF_A_CHARACTER.fullmatch(token)
    if code is not None:
        return ord("0") <= int(code[1], 16) <= ord("9")
    if token.startswith("\\"):
        return token[1] in _DIGITS_BY_NUMBER
    if token.startswith("[") and len(token) > 1:  # a range whose ends are no digits holds all of them or none
        inside = token.replace("0-9", "").replace(r"\d", "")
        return any(_names_a_digit(part) for part in re.findall(r"\\x\{[0-9A-Fa-f]+\}|\\.|.", inside, re.DOTALL))
    return token.isdigit()

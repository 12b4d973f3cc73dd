"""Regular expressions for columns, in the syntax of Rust's regex crate."""

import polars as pl

from isang.errors import UsageError


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
        reason = " ".join(str(error).split())[:300]
        raise UsageError(
            f"{name} must be a regular expression without look-around and back-references, got {pattern!r}: {reason}"
        ) from error

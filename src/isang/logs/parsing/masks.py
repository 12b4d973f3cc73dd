"""What varies in a message, found by shape: one pass of one regular expression over a column."""

from collections.abc import Sequence

import polars as pl

from isang.logs.parsing.regex import ascii_only, check_expression

SLOT = "<*>"
"""Stands where something varies."""
MAX_CHARACTERS = 2_000
"""A message is looked at up to here; what makes the event of longer ones stands in their beginning."""

_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
SHAPES: tuple[tuple[str, str], ...] = (
    ("quoted", r"\B'[^'\n]{1,100}'\B"),
    ("url", r"\b[a-z][a-z0-9+.-]*://[^\s,;\"'<>\])]+"),
    ("mail", r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\b"),
    ("uuid", r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"),
    ("time", r"\b\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[T :]\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?)?(?:Z\b|[+-]\d{2}:?\d{2}\b)?"),
    (
        "date",
        rf"\b(?:{_DAY},? +)?{_MONTH} +\d{{1,2}}(?:,? +\d{{4}}\b)?"
        r"(?: +\d{1,2}:\d{2}(?::\d{2})?(?: [A-Z]{3,4})?(?: \d{4}\b)?)?",
    ),
    ("clock", r"\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b"),
    ("ipv4", r"/?\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b"),
    ("ipv6", r"\b(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b|\b(?:[0-9a-fA-F]{1,4}:){1,6}:[0-9a-fA-F]{0,4}\b"),
    ("hex", r"\b\d+[xX][0-9a-fA-F]+\b|\b[0-9a-f]{8,}\b|\b[0-9A-F]{8,}\b"),
    ("id", r"\b[A-Za-z]+(?:[_-]-?\d[\w-]*|\d+\b)"),
    ("path", r"(?:\b[A-Za-z]:)?(?:[/\\][\w.$+%@~=-]+){2,}[/\\]?"),
    ("number", r"[-+]?\b\d+(?:[.,]\d+)*(?:%|(?:[KMGT]i?B|[kKMG]?B|ms|us|ns|s|m|h)?\b)"),
)
BUILT_IN: tuple[tuple[str, str], ...] = tuple((name, ascii_only(pattern)) for name, pattern in SHAPES)
"""(name, regular expression); where two begin at the same place, the one listed first wins.

None tells one digit from another, so that lines that differ in digits alone can be read alike; `hex` therefore also
masks sizes such as 1920x1080.
"""


def compiled(masks: Sequence[tuple[str, str]]) -> str:
    """One expression for all masks; raises UsageError for one that the engine (Rust's regex) does not take."""
    for name, pattern in masks:
        check_expression(f"logs.masks.{name}", pattern)
    expression = "|".join(f"(?:{pattern})" for _, pattern in masks)
    check_expression(f"logs.masks ({', '.join(name for name, _ in masks)}), joined by |,", expression)
    return expression


def masked(messages: pl.Series, expression: str) -> pl.Series:
    """Messages with a slot in the place of everything that varies, white space reduced to single spaces."""
    return (
        messages.str.slice(0, MAX_CHARACTERS)
        .str.replace_all(expression, SLOT)
        .str.replace_all(r"<\*>(?:[ ,;:]*<\*>)+", SLOT)
        .str.replace_all(r"\s\s+|[^\S ]", " ")
        .str.strip_chars()
    )

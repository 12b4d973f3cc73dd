"""What varies in a message, found by shape: a few regular expressions over a column."""

from collections.abc import Sequence

import polars as pl

from isang.logs.parsing.regex import ascii_only, check_expression

SLOT = "<*>"
"""Stands where something varies."""
MAX_CHARACTERS = 2_000
"""Maximum number of characters examined of a message; the event of longer ones is in their beginning."""

_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_METHOD = r"(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|CONNECT|PROPFIND)"
_BEGIN = r"(?:\B_|\b-|\b)"
"""Where an identifier may begin: `pvc-` and `blk_` stay before theirs."""
_FILE = (
    "exe|dll|sys|app|pdf|docx?|xlsx?|odt|txt|log|csv|json|xml|ya?ml|toml|conf|ini|cfg|jar|war|py|js|zip|gz|tar|png|jpe?g"
    "|html?|sh|so|db|sock|service|socket|timer|mount"
)
SHAPES: tuple[tuple[str, str], ...] = (
    ("quoted", r"\B'[^'=\n]{1,100}'\B|\bu'[^'\n]{0,200}'\B|\"[^\"\n]{0,200}\""),
    ("url", r"\b[a-z][a-z0-9+.-]*://[^\s,;\"'<>\])]+"),
    ("mail", r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\b"),
    ("uuid", rf"{_BEGIN}[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}\b"),
    ("time", r"\b\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[T :]\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?)?(?:Z\b|[+-]\d{2}:?\d{2}\b)?"),
    (
        "date",
        rf"\b(?:{_DAY},? +)?{_MONTH} +\d{{1,2}}(?:,? +\d{{4}}\b)?"
        r"(?: +\d{1,2}:\d{2}(?::\d{2})?(?: [A-Z]{3,4})?(?: \d{4}\b)?)?"
        rf"|\b(?:{_DAY},? +)?\d{{1,2}}[ /-]{_MONTH}[ /-]\d{{2,4}}(?:[ :]\d{{1,2}}:\d{{2}}(?::\d{{2}})?)?"
        r"(?: (?:GMT|UTC|[+-]\d{4})\b)?",
    ),
    ("clock", r"\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b"),
    ("mac", r"\b[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5,}\b|\b[0-9a-fA-F]{2}(?:-[0-9a-fA-F]{2}){5,}\b"),
    ("ipv4", r"/?\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d{1,5})?\b"),
    (
        "ipv6",
        r"\b(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b"
        r"|\b(?:[0-9a-fA-F]{1,4}:){1,6}(?::[0-9a-fA-F]{1,4}){1,6}\b|\b(?:[0-9a-fA-F]{1,4}:){1,6}:",
    ),
    (
        "measure",
        r"(?:< ?)?[-+]?\b\d+(?:[.,]\d+)* "
        r"(?:bytes?|[KMGTP]i?B|k?B|[mun]?s|msecs?|secs?|seconds?|mins?|minutes?|hours?)\b",
    ),
    ("hex", rf"\b\d+[xX][0-9a-fA-F]+\b|{_BEGIN}(?:[0-9a-f]{{8,}}|[0-9A-F]{{8,}})\b(?:-[0-9a-f]{{2}}\b)?"),
    ("base64", r"\b[A-Za-z0-9+/]{40,}={0,2}"),
    ("path", r"(?:\b[A-Za-z]:\\(?:[\w .()$~-]+\\)*[\w.$~-]+|(?:\b[A-Za-z]:)?(?:[/\\][\w.$+%@~=-]+){2,}[/\\]?)"),
    ("file", rf"\b\w[\w-]*\.(?:{_FILE})\b"),
    ("id", r"(?:(?:\B_|\b-)-?[A-Za-z]*|\b[A-Za-z]+)\d\w*(?:-\w*\d\w*)*(?:-[a-f]{2}\b)?"),
    (
        "number",
        r"[-+]?\b\d+(?:[.,]\d+)*(?:%|(?:[KMGT]i?B|[kKMG]?B|ms|us|µs|ns|s|m|h)?\b)|\b\d+[A-Za-z]\w*(?:-\w*\d\w*)*",
    ),
    ("dotted", r"\b[a-z_][\w-]*(?:\.[\w-]+)*\.[a-z_][\w-]*\b"),
)
BUILT_IN: tuple[tuple[str, str], ...] = tuple((name, ascii_only(pattern)) for name, pattern in SHAPES)
"""(name, regular expression); if two match at the same position, the first one listed wins.

None distinguishes between digits, so that lines that differ only in digits can be parsed once; `hex` therefore also
masks sizes such as 1920x1080.
"""
OUTCOME = ascii_only(
    r"(?i)(?P<before>\b(?:exit(?:ed)?(?: with)?(?: (?:code|status|value))?"
    r"|(?:http|response|return|exit)?[_ ]?(?:status|code)|rc|returned with http"
    r"|return(?:ed|s)?(?: with)? code|returned:|http/\d(?:\.\d)?\"?)[\"']?[:=]? ?)"
    r"(?P<number>-?\d{1,3})(?P<after>[^\w.:%/-]|$)"
)
"""HTTP's status and a program's exit code: numbers that are what happened."""
TELLING = (
    "status", "state", "result", "res", "outcome", "op", "operation", "action", "event", "event_type", "type", "kind",
    "reason", "phase", "verdict", "success", "ready", "health", "severity", "level", "conn_state", "method",
)  # fmt: skip
"""Names whose values, if they are words, identify the event."""
PROSE = ("msg", "message", "error", "err", "reason", "cause", "exception", "detail", "details", "description", "desc")
"""Names whose values are sentences."""
_REQUEST = ascii_only(rf"\"({_METHOD}) ")
QUOTED_VALUE = ascii_only(
    rf"[\"'](?P<name>(?i:{'|'.join(TELLING)}))[\"']\s*[:=]\s*u?[\"'](?P<value>[A-Za-z_]+)[\"']"
    rf"|\b(?P<prose>(?i:{'|'.join(PROSE)}))=(?:\"(?P<double>[^\"\n]*)\"|'(?P<single>[^'\n]*)')"
)
"""Matches quoted words that identify the event: since quotes usually hold a value, such words are moved before them, or
the quotes are removed."""
_UNQUOTED = "${name}${prose}=${value}${double}${single}"
_GUARD = "\ue000_"
"""Keeps the masks from a number: no word begins at a digit behind it."""


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
        .str.replace_all(QUOTED_VALUE, _UNQUOTED)
        .str.replace_all(_REQUEST, '$1 "')
        .str.replace_all(OUTCOME, f"${{before}}{_GUARD}${{number}}${{after}}")
        .str.replace_all(expression, SLOT)
        .str.replace_all(_GUARD, "", literal=True)
        .str.replace_all(r"<\*>(?:[ ,;:./@+|_-]*\*?[ ,;:./@+|_-]*<\*>)+", SLOT)
        .str.replace_all(r"\s\s+|[^\S ]", " ")
        .str.strip_chars()
    )

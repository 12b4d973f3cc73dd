"""Lines of one layout that contain lines of another, such as JSON after a syslog header."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from isang.logs.parsing.layouts import Layout
from isang.logs.parsing.structured.groups import groups

_OUTER = ("syslog", "syslog-5424", "json", "logfmt", "general-", "priority", "compose", "kernel")
"""Layouts, by the beginning of their names, whose message may be a line of another program."""
_LEAST = 5
_SOME = 0.05
_READS = 0.5
_DEEPEST = 2

Recognise = Callable[[pl.Series], list[tuple[Layout, float]]]


def with_inside(
    found: list[tuple[Layout, float]], lines: pl.Series, recognise: Recognise, depth: int = 0
) -> list[tuple[Layout, float]]:
    """`found` layouts of `lines`, before each those of its messages that are lines of another layout."""
    result: list[tuple[Layout, float]] = []
    for layout, share in found:
        if depth < _DEEPEST and layout.name.startswith(_OUTER) and not layout.heading:
            messages = groups(lines, layout)["message"].drop_nulls()
            inner = recognise(messages) if messages.len() >= _LEAST else []
            for inside, of_them in with_inside(inner, messages, recognise, depth + 1):
                if of_them >= _SOME and _says_more(inside, messages):
                    result.append(
                        (replace(layout, name=f"{layout.name} > {inside.name}", inside=inside), share * of_them)
                    )
                    share -= share * of_them
        if share > 0.001 or not result:
            result.append((layout, share))
    return result


def _says_more(layout: Layout, messages: pl.Series) -> bool:
    """Whether an inner layout gives a level or a time, or is a request, and is not a sentence that mentions a time."""
    if layout.name == "plain" or layout.kind in ("block", "headed", "csv") or layout.vague:
        return False
    if layout.name.startswith("general-") and not layout.pattern.startswith(("^(?P<time>", r"^[\[(<{|]{1,3}(?P<time>")):
        return False
    read = groups(messages, layout)
    fits = read.filter(pl.col("message").is_not_null())
    if layout.kind == "access" or not fits.height:
        return bool(fits.height)
    return max(1.0 - fits[name].null_count() / fits.height for name in ("time", "level")) >= _READS

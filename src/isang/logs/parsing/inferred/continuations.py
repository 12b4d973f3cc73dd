"""Lines that go on with the record above, and how they are told from lines of a program that writes no time."""

import polars as pl

from isang.logs.parsing.regex import ascii_only

CONTINUES = ascii_only(
    r"^(?:Caused by: |Suppressed: |\.\.\. \d+ more|Traceback \(most|[\w.$]+(?:Exception|Error|Throwable)\b(?::|$)"
    r"|[)\]}]+[,;]?$|at [\w.$/]+\(|# )"
)
"""Beginnings of lines of stack traces, blocks that are not indented, and comments."""
_LEAST_LINES, _LEAST_KIND = 20, 5
_RECUR = 0.5
_EVENLY = 3.0
"""The statistic of chance alone is 1."""


def stand_alone(lines: pl.Series, others: pl.Series) -> bool:
    """Whether the lines `others` (bool), which no layout reads, are events of their own.

    They are where half of them come again but for their digits, and come as often behind one kind of record as behind
    another: what goes on with a record stands behind some kinds of it, and never behind the rest. The measure is
    Pearson's chi-squared per degree of freedom over kinds (the first words of a record) with five records or more.
    """
    shapes = lines.str.replace_all(r"\d+", "0")
    unread = shapes.filter(others)
    if unread.len() < _LEAST_LINES:
        return False
    again = unread.value_counts(name="n").filter(pl.col("n") > 1)["n"].sum()
    if again < _RECUR * unread.len():
        return False
    words = shapes.str.extract_all(r"[A-Za-z]{2,}").list.head(_LEAST_KIND).list.join(" ")
    behind = pl.DataFrame({"kind": words, "record": ~others, "next": others.shift(-1)}).filter("record").drop_nulls()
    rate = float(behind["next"].mean() or 0.0)  # type: ignore[arg-type]
    kinds = behind.group_by("kind").agg(pl.len().alias("n"), pl.col("next").sum().alias("hits"))
    kinds = kinds.filter(pl.col("n") >= _LEAST_KIND)
    if kinds.height < 2 or not 0.0 < rate < 1.0:
        return False
    squared = kinds.select(
        ((pl.col("hits") - rate * pl.col("n")) ** 2 / (pl.col("n") * rate * (1 - rate))).sum()
    ).item()
    return bool(squared <= _EVENLY * (kinds.height - 1))

"""Identifiers that are counters: short numbers after a name or at a position, with increasing new values: `conn=7`.

Name and form do not distinguish them from sizes and ports; that each new value exceeds all earlier ones does.
"""

from collections.abc import Iterator

import polars as pl

from isang.languages import Both
from isang.logs.parsing.regex import ascii_only
from isang.logs.sessions.placed_keys import WORD

_NAMED = ascii_only(r"\b([A-Za-z][A-Za-z_-]{1,30})[=:#] ?(\d{1,9})(?:[^\w.:%-]|[.:](?:\s|$)|$)")
_LEAST_VALUES = 20
_RISING, _LATE = 0.98, 32
"""Minimum share of new values that are the largest so far or less than it by no more than _LATE: several may begin at
once."""
_DENSE = 10
"""A counter leaves out fewer than this many numbers for each that is seen."""
_LEAST = 0.3
"""At least this share of the lines has the number."""
_LAST_WORD, _LOOKED_AT = 9, 2_000
_PLACED = ascii_only(r"[*#(<]?(\d{1,9})(?:[>)]?[:,;]?(?:\s|$))")


def counted(texts: pl.Series) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """(name, expression whose group is the value, `row` and `key`) of counters with a name."""
    found = texts.to_frame("text").select(
        row=pl.int_range(pl.len(), dtype=pl.Int64), pair=pl.col("text").str.extract_all(_NAMED)
    ).explode("pair").drop_nulls()  # fmt: skip
    found = found.with_columns(name=pl.col("pair").str.extract(_NAMED, 1), key=pl.col("pair").str.extract(_NAMED, 2))
    for (name,), part in sorted(found.group_by("name", maintain_order=True), key=lambda item: -item[1].height):
        if part["row"].n_unique() >= _LEAST * texts.len() and rises(part["key"]):
            keys = part.select("row", "key").unique(maintain_order=True)
            yield str(name), ascii_only(rf"\b{name}[=:#] ?(\d{{1,9}})\b"), keys


def counted_places(texts: pl.Series) -> Iterator[tuple[Both, str]]:
    """(name, expression whose group is the value) of words that are counters."""
    some = texts.head(_LOOKED_AT)
    for place in range(_LAST_WORD):
        pattern = rf"^\W*(?:{WORD}){{{place}}}{_PLACED}"
        values = some.str.extract(pattern, 1).drop_nulls()
        if values.len() >= _LEAST * some.len() and rises(values):
            yield Both(f"the counter at word {place + 1}", f"{place + 1}번째 단어의 일련번호"), pattern


def rises(values: pl.Series) -> bool:
    """Whether values, in the order of their lines, are new ones that rise and earlier ones that come again."""
    new = values.unique(maintain_order=True).cast(pl.Int64)
    if new.len() < _LEAST_VALUES or new.len() > 0.7 * values.len():
        return False
    if int(new.max()) - int(new.min()) > _DENSE * new.len():  # type: ignore[arg-type]
        return False
    return float((new >= new.cum_max() - _LATE).mean() or 0.0) >= _RISING  # type: ignore[arg-type]

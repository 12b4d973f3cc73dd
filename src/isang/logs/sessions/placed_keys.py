"""Identifiers that have neither a name nor a prefix, only a place: the third word of a line, the last one, a column."""

from collections.abc import Iterator

import polars as pl

from isang.languages import Both
from isang.logs.parsing.regex import ascii_only

_VALUE = r"[A-Za-z0-9][A-Za-z0-9_-]{4,63}"
WORD = r"\S*[A-Za-z0-9]\S*\s+(?:[^A-Za-z0-9\s]+\s+)*"
"""A word with the space behind it; arrows and dashes between words do not count."""
_OPENING, _BEHIND = r"[^A-Za-z0-9_\s]*", r"(?:[\s:;,\])>}\"'|~]|$)"
_LAST_WORD, _LAST_COLUMN = 9, 6
_LOOKED_AT = 2_000
_LEAST = 0.3
"""At least this share of the lines has a value there."""
_MIXED = 0.5
"""At least this share of the values has letters and digits."""
_PLACES = (
    *((Both(f"word {n + 1}", f"{n + 1}번째 단어"), rf"^\W*(?:{WORD}){{{n}}}{_OPENING}") for n in range(_LAST_WORD)),
    *(
        (Both(f"column {n + 1}", f"{n + 1}번째 열"), rf"^(?:[^|]*\|){{{n}}}\s*{_OPENING}")
        for n in range(1, _LAST_COLUMN)
    ),
)


def placed(texts: pl.Series) -> Iterator[tuple[Both, str]]:
    """(name, expression whose group is the value) of the places of lines where identifiers may stand."""
    some = texts.gather_every(max(1, texts.len() // _LOOKED_AT))
    for name, before in _PLACES:
        pattern = _of(some, rf"{before}({_VALUE}){_BEHIND}", rf"{before}(VALUE){_BEHIND}")
        if pattern is not None:
            yield name, pattern
    pattern = _of(some, rf"[^A-Za-z0-9_.-]({_VALUE}){_OPENING}\s*$", rf"[^A-Za-z0-9_.-](VALUE){_OPENING}\s*$")
    if pattern is not None:
        yield Both("the last word", "마지막 단어"), pattern


def _of(texts: pl.Series, pattern: str, narrow: str) -> str | None:
    values = texts.str.extract(ascii_only(pattern), 1).drop_nulls()
    mixed = values.filter(values.str.contains(r"\d") & values.str.contains(r"[A-Za-z]"))
    if mixed.is_empty() or mixed.len() < _LEAST * texts.len() or mixed.len() < _MIXED * values.len():
        return None
    lengths = mixed.str.len_chars()
    shortest, longest = int(lengths.min()), int(lengths.max())  # type: ignore[arg-type]
    if longest > 2 * shortest:
        return None
    shape = rf"[A-Za-z0-9][A-Za-z0-9_-]{{{shortest - 1},{longest - 1}}}"
    return ascii_only(narrow.replace("VALUE", shape))

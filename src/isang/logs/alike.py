"""Chunks to records with masked messages and keys; lines that differ in digits alone are read alike.

One line of each kind is parsed. The others take what was found in it, but for time and key, which stand at the same
place in all of them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl

from isang.logs import masks
from isang.logs.events import numbered
from isang.logs.expressions import takes_digits_alike
from isang.logs.read import Chunk
from isang.logs.records import (
    Records,
    SourceLayout,
    as_written,
    counted,
    normalised,
    parse_chunk,
    split_lines,
    times_of,
)
from isang.logs.sessions import keys_in_order, keys_of

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_FEW = 0.25
"""Reading lines alike pays where their kinds are at most this share of them."""
_RECORD = ("line", "time", "level", "alert", "masked")


@dataclass(frozen=True)
class Search:
    """What is looked for in the lines of a source."""

    source: SourceLayout
    masks: str
    """One expression for all masks."""
    key: str | None
    """The expression of the session key, where sessions have one."""


@dataclass(frozen=True)
class ParsedChunk:
    """What can be said of a chunk without knowing the others."""

    records: Records
    """The frame has `line`, `time`, `level` and `alert` alone."""
    masked: pl.Series
    """The masked messages of the records."""
    keys: pl.DataFrame | None
    """`row`, `key`, see sessions.keys_of; None where sessions have no key."""


def parsed_chunk(chunk: Chunk, search: Search) -> ParsedChunk:
    """The records that begin in a chunk, whose lines hold no NUL; lines are read alike where that may be and pays."""
    if _may_be_alike(search):
        kind = _without_digits(chunk.text)
        first = kind.arg_unique()
        if first.len() <= _FEW * kind.len():
            numbers = pl.int_range(first.len(), dtype=pl.UInt32, eager=True)
            return _read_alike(chunk, search, first, numbered(kind, kind.gather(first), numbers))
    return parsed_line_by_line(chunk, search)


def parsed_line_by_line(chunk: Chunk, search: Search) -> ParsedChunk:
    """The same result, with each line parsed for itself."""
    records = parse_chunk(chunk, search.source)
    masked = masks.masked(records.frame["message"], search.masks)
    keys = None if search.key is None else keys_of(records.frame["text"], search.key)
    return ParsedChunk(replace(records, frame=records.frame.drop("text", "message")), masked, keys)


def _may_be_alike(search: Search) -> bool:
    """Whether all that is looked for in a line is found at the same place in a line with other digits."""
    source = search.source
    if source.container is not None or any(layout.kind != "text" for layout, _ in source.layouts):
        return False
    patterns = (*(layout.pattern for layout, _ in source.layouts), search.masks, search.key or "")
    return all(map(takes_digits_alike, patterns))


def _without_digits(text: str) -> pl.Series:
    """The lines with a zero for every digit."""
    zeros = text.encode().translate(_DIGITS).decode()
    return pl.Series([zeros]).str.split("\n").explode()


def _read_alike(chunk: Chunk, search: Search, first: pl.Series, kind: pl.Series) -> ParsedChunk:
    """`first`: row of the first line of each kind; `kind` (u32): the kind of each line."""
    lines = split_lines(chunk)
    kinds, key_places = _kinds(lines["text"].gather(first), search)
    lines = lines.hstack(kinds[kind]).with_columns(kind=kind)
    starting = lines.filter("starts").with_row_index("row")
    alike, others = starting.filter("alike"), starting.filter(~pl.col("alike"))
    found = alike.with_columns(time=pl.col("text").str.slice("time_at", "time_length"))
    found = found.with_columns(times_of(found, search.source)).select("row", *_RECORD)
    keys = _keys_at(key_places, alike)
    if others.height:
        found = pl.concat([found, _line_by_line(others, search)]).sort("row")
        if search.key is not None:
            named = keys_of(others["text"], search.key)
            keys = pl.concat([keys, named.with_columns(others["row"].gather(named["row"]))]).sort("row")
    records = counted(found.select("line", "time", "level", "alert"), lines["starts"], lines["blank"])
    return ParsedChunk(records, found["masked"], None if search.key is None else keys)


def _keys_at(places: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """`row`, `key` as `keys_of` finds them; `places`: `kind`, `key_at`, `key_length`."""
    placed = lines.select("row", "text", "kind").join(places, on="kind", maintain_order="left_right")
    keys = placed.select("row", key=pl.col("text").str.slice("key_at", "key_length"))
    return keys if keys["row"].is_unique().all() else keys.unique(maintain_order=True)


def _line_by_line(lines: pl.DataFrame, search: Search) -> pl.DataFrame:
    """The records of lines (`row`, `line`, `text`) that begin one."""
    parsed = normalised(as_written(lines["text"], search.source), search.source)
    masked = masks.masked(parsed["message"], search.masks)
    return lines.select("row", "line").hstack(parsed).with_columns(masked=masked).select("row", *_RECORD)


def _kinds(texts: pl.Series, search: Search) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What was found in `texts`, a line of each kind: one row each, and (`kind`, `key_at`, `key_length`) of all keys.

    `starts`, `blank`: whether it begins a record, is blank; `layout`, `level`, `alert`, `masked`; `time_at`,
    `time_length`; `alike`: whether all this and the places of the keys hold for the other lines of the kind too. Places
    are in characters.
    """
    written = as_written(texts, search.source)
    parsed = normalised(written, search.source)
    masked = masks.masked(parsed["message"], search.masks)
    digits = (written["level"].fill_null("") + masked.fill_null("")).str.contains("[0-9]")
    certain, times, keys = [], [], []
    named = _keys_by_line(texts, search.key)
    for kind, (text, time) in enumerate(zip(texts.to_list(), written["time"].to_list(), strict=True)):
        time_places = _places([] if time is None else [time], text)
        key_places = _places(named[kind], text)
        certain.append(time_places is not None and key_places is not None)
        times.append(time_places[0] if time_places else (None, None))
        keys += [(kind, *place) for place in key_places or ()]
    blank = ~texts.str.contains(r"\S")
    kinds = parsed.select(
        "level", "alert",
        written["layout"], masked.alias("masked"), blank.alias("blank"),
        starts=pl.col("message").is_not_null() & ~blank,
        alike=pl.Series(certain) & ~digits,
    )  # fmt: skip
    places = pl.DataFrame(times, schema={"time_at": pl.Int64, "time_length": pl.Int64}, orient="row")
    keys_schema = {"kind": pl.UInt32, "key_at": pl.Int64, "key_length": pl.Int64}
    return kinds.hstack(places), pl.DataFrame(keys, schema=keys_schema, orient="row")


def _keys_by_line(texts: pl.Series, pattern: str | None) -> dict[int, list[str]]:
    keys: dict[int, list[str]] = defaultdict(list)
    if pattern is not None:
        for row, key in keys_in_order(texts, pattern).iter_rows():
            keys[row].append(key)
    return keys


def _places(parts: Sequence[str], text: str) -> list[tuple[int, int]] | None:
    """(start, length) of `parts`, which were found in `text`, in their order there.

    None where one of them stands at more places than it was found at: which are meant is not certain.
    """
    places = [(at, len(part)) for part in set(parts) for at in _occurrences(part, text)]
    return sorted(places) if len(places) == len(parts) else None


def _occurrences(part: str, text: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)

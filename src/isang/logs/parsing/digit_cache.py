"""Chunks to records with masked messages and keys; lines that differ only in digits are parsed once.

One line of each kind is parsed. The others take over its result, except for time and key, which are at the same
positions in all of them.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import polars as pl

from isang.logs.input.chunks import Chunk
from isang.logs.parsing import masks
from isang.logs.parsing.records import (
    Records,
    SourceLayout,
    as_written,
    counted,
    normalised,
    parse_chunk,
    split_lines,
    times_of,
)
from isang.logs.parsing.regex import takes_digits_alike
from isang.logs.parsing.structured.other_fields import other_fields
from isang.logs.sessions.rule import keys_in_order, keys_of
from isang.logs.templates.event_table import numbered

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_FEW = 0.25
"""Maximum ratio of kinds to lines for which parsing by kind pays off."""
_MAX_CHARACTERS = 16 << 20
"""Approximate maximum size of the cache of kinds; when exceeded, it is cleared."""
_RECORD = ("line", "time", "level", "alert", "masked")
_KEYS = {"kind": pl.UInt32, "key_at": pl.Int64, "key_length": pl.Int64}
_PLACES = {
    "time_at": pl.Int64, "time_length": pl.Int64, "key_at": pl.Int64, "key_length": pl.Int64,
    "several": pl.Boolean, "certain": pl.Boolean,
}  # fmt: skip
_NOWHERE = (None, None)
ALL_UNTIL, ONE_IN = 32_768, 64
"""Lines whose messages are examined for slot values: the first ALL_UNTIL of a source, then one in ONE_IN,"""
MOST_FIRST = 256
"""and in each chunk the first line of up to this many distinct masked messages."""
EXAMPLES_SCHEMA = pl.Schema(
    {"row": pl.UInt32(), "even": pl.Boolean(), "line": pl.UInt32(), "message": pl.String(), "fields": pl.String()}
)


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
    """The result of parsing a chunk independently of the others."""

    records: Records
    """The frame has `line`, `time`, `level` and `alert` alone."""
    masked: pl.Series
    """The masked messages of the records."""
    keys: pl.DataFrame | None
    """`row`, `key`, see sessions.keys_of; None where sessions have no key."""
    examples: pl.DataFrame
    """EXAMPLES_SCHEMA: messages as they are, the `other_fields` of their lines; `even` where drawn by their place in
    the source alone."""


def parsed_line_by_line(chunk: Chunk, search: Search) -> ParsedChunk:
    """The records that begin in a chunk, each line parsed for itself."""
    records = parse_chunk(chunk, search.source)
    masked = masks.masked(records.frame["message"], search.masks)
    keys = None if search.key is None else keys_of(records.frame["text"], search.key)
    frame = records.frame
    found = _examples(frame["line"], masked)
    layouts = [layout for layout, _ in search.source.layouts]
    examples = found.with_columns(
        message=frame["message"].gather(found["row"]), fields=other_fields(frame["text"].gather(found["row"]), layouts)
    )
    return ParsedChunk(replace(records, frame=frame.drop("text", "message")), masked, keys, examples)


def _examples(lines: pl.Series, masked: pl.Series) -> pl.DataFrame:
    """`row`, `even` and `line` of EXAMPLES_SCHEMA for records at these lines."""
    even = (lines < ALL_UNTIL) | (lines % ONE_IN == 0)
    first = masked.arg_unique().sort().head(MOST_FIRST)
    rows = pl.concat([even.arg_true(), first.cast(pl.UInt32)]).unique().sort()
    return pl.DataFrame([rows.alias("row"), even.gather(rows).alias("even"), lines.gather(rows).cast(pl.UInt32)])


class ChunkReader:
    """Reads the chunks of one source, in any order and in several threads; their lines hold no NUL."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._alike = _may_be_alike(search)
        self._kinds = _Kinds(search)

    def read(self, chunk: Chunk) -> ParsedChunk:
        """The result of `parsed_line_by_line`; lines are parsed by kind where that is possible and pays off."""
        if self._alike:
            kind = _without_digits(chunk.text)
            first = kind.arg_unique()
            if first.len() <= _FEW * kind.len():
                return self._read_alike(chunk, kind, first)
        return parsed_line_by_line(chunk, self._search)

    def _read_alike(self, chunk: Chunk, kind: pl.Series, first: pl.Series) -> ParsedChunk:
        """Parse by kind. `kind`: the text that the lines of a kind share; `first`: row of the first line of each."""
        lines = split_lines(chunk)
        texts = kind.gather(first)
        numbers, kinds, more_keys = self._kinds.look_up(texts, lines["text"].gather(first))
        lines = lines.with_columns(kind=numbered(kind, texts, numbers))
        lines = lines.hstack(kinds[lines["kind"]])
        starting = lines.filter("starts").with_row_index("row")
        alike, others = starting.filter("alike"), starting.filter(~pl.col("alike"))
        found = alike.with_columns(time=pl.col("text").str.slice("time_at", "time_length"))
        found = found.with_columns(times_of(found, self._search.source)).select("row", *_RECORD)
        keys = _keys_at(alike, more_keys)
        if others.height:
            other_records, other_keys = self._line_by_line(others)
            found, keys = pl.concat([found, other_records]).sort("row"), pl.concat([keys, other_keys])
        records = counted(found.select("line", "time", "level", "alert"), lines["starts"], lines["blank"])
        in_order = keys.sort("row", maintain_order=True) if self._search.key is not None else None
        examples = _examples(records.frame["line"], found["masked"])
        texts = starting["text"].gather(examples["row"])
        examples = examples.with_columns(
            as_written(texts, self._search.source)["message"], fields=pl.lit(None, dtype=pl.String)
        )
        return ParsedChunk(records, found["masked"], in_order, examples)

    def _line_by_line(self, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(records, `row` and `key`) of lines (`row`, `line`, `text`) that begin a record."""
        source, key = self._search.source, self._search.key
        parsed = normalised(as_written(lines["text"], source), source)
        masked = masks.masked(parsed["message"], self._search.masks)
        records = lines.select("row", "line").hstack(parsed).with_columns(masked=masked).select("row", *_RECORD)
        if key is None:
            return records, lines.select("row", key="text").clear()
        keys = keys_of(lines["text"], key)
        return records, keys.with_columns(lines["row"].gather(keys["row"]))


class _Kinds:
    """Cached parsing results of the first line of each kind."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._lock = Lock()
        self._numbers: dict[str, int] = {}
        self._characters = 0
        self._found, self._keys = self._nothing = _found_in(pl.Series([], dtype=pl.String), search, 0)

    def look_up(self, kinds: pl.Series, lines: pl.Series) -> tuple[pl.Series, pl.DataFrame, pl.DataFrame]:
        """(number of each kind as u32, the tables of `_found_in` for all numbers); `lines`: one line of each kind."""
        with self._lock:
            if self._characters > _MAX_CHARACTERS:
                self._numbers, self._characters = {}, 0
                self._found, self._keys = self._nothing
            names = kinds.to_list()
            new = [row for row, name in enumerate(names) if name not in self._numbers]
            if new:
                found, keys = _found_in(lines.gather(new), self._search, len(self._numbers))
                self._found = pl.concat([self._found, found], rechunk=True)
                self._keys = pl.concat([self._keys, keys], rechunk=True)
            for row in new:
                self._numbers[names[row]] = len(self._numbers)
                self._characters += len(names[row])
            return pl.Series([self._numbers[name] for name in names], dtype=pl.UInt32), self._found, self._keys


def _found_in(lines: pl.Series, search: Search, first: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What holds for all lines of the kinds, from one line of each in `lines`, and the keys of lines with several.

    A row each: `starts`, `blank`: whether it begins a record, is blank; `layout`, `level`, `alert`, `masked`;
    `time_at`, `time_length`, `key_at`, `key_length`: the positions of time and key in characters, null if there is
    none; `several`: whether it names several keys, which are in the second table, `kind` (numbered from `first`),
    `key_at`, `key_length`; `alike`: whether all this also holds for the other lines of the kind.
    """
    written = as_written(lines, search.source)
    parsed = normalised(written, search.source)
    masked = masks.masked(parsed["message"], search.masks)
    blank = ~lines.str.contains(r"\S")
    digits = (written["level"].fill_null("") + masked.fill_null("")).str.contains("[0-9]")
    named = _keys_by_line(lines, search.key)
    places, several = [], []
    for row, (line, time) in enumerate(zip(lines.to_list(), written["time"].to_list(), strict=True)):
        times, keys = _places([] if time is None else [time], line), _places(named[row], line)
        only_key = keys[0] if keys and len(keys) == 1 else _NOWHERE
        certain = times is not None and keys is not None
        places.append((*(times[0] if times else _NOWHERE), *only_key, len(keys or ()) > 1, certain))
        several += [(first + row, *place) for place in keys or () if len(keys or ()) > 1]
    of_kind = pl.DataFrame(places, schema=_PLACES, orient="row")
    found = of_kind.with_columns(
        parsed["level"], parsed["alert"], written["layout"], masked.alias("masked"), blank.alias("blank"),
        starts=parsed["message"].is_not_null() & ~blank,
        alike=pl.col("certain") & ~digits,
    )  # fmt: skip
    return found, pl.DataFrame(several, schema=_KEYS, orient="row")


def _may_be_alike(search: Search) -> bool:
    """Whether all that is looked for in a line is found at the same place in a line with other digits."""
    source = search.source
    read_by = [layout for outer, _ in source.layouts for layout in (outer, outer.inside) if layout is not None]
    if source.containers or any(layout.kind not in ("text", "rest") for layout in read_by):
        return False
    patterns = (*(layout.pattern for layout in read_by), search.masks, search.key or "")
    return all(map(takes_digits_alike, patterns))


def _without_digits(text: str) -> pl.Series:
    """The lines with a zero for every digit."""
    zeros = text.encode().translate(_DIGITS).decode()
    return pl.Series([zeros]).str.split("\n").explode()


def _keys_at(lines: pl.DataFrame, several: pl.DataFrame) -> pl.DataFrame:
    """`row`, `key` as `keys_of` finds them, those of lines that name several in the end."""
    key = pl.col("text").str.slice("key_at", "key_length").alias("key")
    keys = lines.select("row", key).drop_nulls()
    if not lines["several"].any():
        return keys
    placed = lines.filter("several").select("row", "text", "kind").join(several, on="kind", maintain_order="left_right")
    return pl.concat([keys, placed.select("row", key).unique(maintain_order=True)])


def _keys_by_line(lines: pl.Series, pattern: str | None) -> dict[int, list[str]]:
    keys: dict[int, list[str]] = defaultdict(list)
    if pattern is not None:
        for row, key in keys_in_order(lines, pattern).iter_rows():
            keys[row].append(key)
    return keys


def _places(parts: Sequence[str], line: str) -> list[tuple[int, int]] | None:
    """(start, length) of `parts` in `line`, in their order there.

    None if one of them occurs more often than it was found: the positions are ambiguous.
    """
    places = [(at, len(part)) for part in set(parts) for at in _occurrences(part, line)]
    return sorted(places) if len(places) == len(parts) else None


def _occurrences(part: str, line: str) -> Iterator[int]:
    at = line.find(part)
    while at >= 0:
        yield at
        at = line.find(part, at + 1)

"""Envelopes around each line, such as those of container runtimes, are taken off, whatever their order."""

import json
import re

import polars as pl

from isang.logs.parsing.inferred.levels import ANY_LEVEL
from isang.logs.parsing.regex import ascii_only
from isang.logs.parsing.timestamps import ISO

_HALVES = re.compile("[\ud800-\udfff]")
"""Lone surrogates, which JSON can hold but no encoding can write; they are replaced, like invalid UTF-8."""
DOCKER, CRI, COMPOSE = "docker", "cri", "compose"
TIMED = frozenset((DOCKER, CRI))
"""Envelopes that have the time of the line."""
_COMPOSE = r"(?:[A-Za-z][\w.-]*[ ]*\| ?|\[(?:pod/)?[\w.-]+/[\w.-]+(?:/[\w.-]+)?\] )"
"""Of docker compose, kubectl and their like: the name of the container."""
_PATTERNS = {
    DOCKER: r'^\{\s*"log"\s*:\s*".*"time"\s*:\s*"[^"]*"',
    CRI: rf"^{ISO.pattern} (?:stdout|stderr) [FP](?::\S*)? ",
    COMPOSE: ascii_only(f"^{_COMPOSE}"),
}
_MOSTLY = 0.9
_MOST_CONTAINERS = 3
_COMPOSE_GROUP = ascii_only(f"^({_COMPOSE})")
_CRI_GROUPS = rf"^(?P<outer_time>{ISO.pattern}) (?:stdout|stderr) (?P<tag>[FP])(?::\S*)? (?P<text>.*)$"
_DOCKER_FIELDS = pl.Struct({"log": pl.String, "time": pl.String})


def recognise_containers(sample: pl.Series) -> tuple[str, ...]:
    """The envelopes that nearly all lines of the sample wear, the outermost first."""
    found: list[str] = []
    while len(found) < _MOST_CONTAINERS:
        lines = sample.filter(sample.str.contains(r"\S"))
        name = next((name for name, pattern in _PATTERNS.items() if _worn(lines, name, pattern)), None)
        if name is None:
            break
        found.append(name)
        sample = unwrapped(sample, (name,))["text"].drop_nulls()
    return tuple(found)


def _worn(lines: pl.Series, name: str, pattern: str) -> bool:
    if lines.is_empty() or float(lines.str.contains(pattern).mean() or 0.0) < _MOSTLY:  # type: ignore[arg-type]
        return False
    return name != COMPOSE or not lines.str.contains(rf"^{ANY_LEVEL}\s*\|").any()


def unwrapped(lines: pl.Series, containers: tuple[str, ...]) -> pl.DataFrame:
    """Columns `text` (null if the line has no envelope), `outer_time` and `partial` (continued on the next line)."""
    empty = pl.Series("outer_time", [None], dtype=pl.String).new_from_index(0, lines.len())
    found = pl.DataFrame([lines.alias("text"), empty]).with_columns(partial=pl.lit(value=False))
    for container in containers:
        inner = _unwrapped(found["text"], container)
        found = inner.select(
            "text",
            pl.coalesce(found["outer_time"], "outer_time").alias("outer_time"),
            (found["partial"] | pl.col("partial")).alias("partial"),
        )
    return found


def _unwrapped(lines: pl.Series, container: str) -> pl.DataFrame:
    nothing = {"outer_time": pl.lit(None, dtype=pl.String), "partial": pl.lit(value=False)}
    if container == COMPOSE:
        text = pl.DataFrame({"text": lines}).select(pl.col("text").str.strip_prefix(lines.str.extract(_COMPOSE_GROUP)))
        return text.with_columns(**nothing)
    if container == CRI:
        groups = lines.str.extract_groups(_CRI_GROUPS).struct.unnest()
        return groups.select("text", "outer_time", partial=(pl.col("tag") == "P").fill_null(False))
    fields = decoded_json(lines, _DOCKER_FIELDS).struct.unnest()
    return fields.select(
        text=pl.col("log").str.strip_chars_end("\r\n"),
        outer_time=pl.col("time"),
        partial=(~pl.col("log").str.ends_with("\n")).fill_null(False),
    )


def decoded_bytes(values: pl.Series) -> pl.Series:
    """Texts that journald wrote as an array of bytes, because they are not plain, as the text that they are."""
    if not values.str.starts_with("[").any():
        return values
    arrays = values.str.contains(r"^\[\s*[0-9]{1,3}(?:\s*,\s*[0-9]{1,3})*\s*\]$").fill_null(False)
    if not arrays.any():
        return values
    return values.scatter(arrays.arg_true(), [_text_of(value) for value in values.filter(arrays).to_list()])


def _text_of(array: str) -> str:
    """The text of the bytes; the array itself, where its numbers are none."""
    numbers = [int(number) for number in re.findall(r"[0-9]+", array)]
    return bytes(numbers).decode("utf-8", errors="replace") if max(numbers) < 256 else array


def decoded_json(lines: pl.Series, fields: pl.Struct) -> pl.Series:
    """The named string fields of one JSON object per line; null if a line is not a JSON object."""
    objects = lines.to_frame("text").select(
        pl.when(pl.col("text").str.contains(r"^\s*\{.*\}\s*$")).then(pl.col("text"))
    ).to_series()  # fmt: skip
    try:
        return objects.str.json_decode(fields)
    except pl.exceptions.ComputeError:  # one broken line fails them all: go line by line
        names = [field.name for field in fields.fields]
        return pl.Series([_fields(line, names) for line in objects.to_list()], dtype=fields)


def _fields(line: str | None, names: list[str]) -> dict[str, str | None]:
    try:
        record = json.loads(line or "")
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return dict.fromkeys(names)
    return {name: _as_text(record.get(name)) for name in names}


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _HALVES.sub("\ufffd", text)

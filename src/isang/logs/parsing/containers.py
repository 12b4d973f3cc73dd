"""Container log files: the runtime's envelope around each line is taken off."""

import json
import re

import polars as pl

from isang.logs.parsing.timestamps import ISO

_HALVES = re.compile("[\ud800-\udfff]")
"""Half characters that JSON can hold and no encoding can write; they are replaced, as bytes that are no UTF-8 are."""
DOCKER, CRI = "docker", "cri"
_PATTERNS = {
    DOCKER: r'^\{\s*"log"\s*:\s*".*"time"\s*:\s*"[^"]*"',
    CRI: rf"^{ISO.pattern} (?:stdout|stderr) [FP](?::\S*)? ",
}
_MOSTLY = 0.9
_CRI_GROUPS = rf"^(?P<outer_time>{ISO.pattern}) (?:stdout|stderr) (?P<tag>[FP])(?::\S*)? (?P<text>.*)$"
_DOCKER_FIELDS = pl.Struct({"log": pl.String, "time": pl.String})


def recognise_container(sample: pl.Series) -> str | None:
    """`docker`, `cri` or None: whose envelope nearly all lines of the sample wear."""
    for name, pattern in _PATTERNS.items():
        if not sample.is_empty() and float(sample.str.contains(pattern).mean() or 0.0) >= _MOSTLY:  # type: ignore[arg-type]
            return name
    return None


def unwrapped(lines: pl.Series, container: str) -> pl.DataFrame:
    """Columns `text` (null where the line wears no envelope), `outer_time` and `partial` (the next line goes on)."""
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
    arrays = values.str.contains(r"^\[\s*[0-9]{1,3}(?:\s*,\s*[0-9]{1,3})*\s*\]$").fill_null(False)
    if not arrays.any():
        return values
    return values.scatter(arrays.arg_true(), [_text_of(value) for value in values.filter(arrays).to_list()])


def _text_of(array: str) -> str:
    """The text of the bytes; the array itself, where its numbers are none."""
    numbers = [int(number) for number in re.findall(r"[0-9]+", array)]
    return bytes(numbers).decode("utf-8", errors="replace") if max(numbers) < 256 else array


def decoded_json(lines: pl.Series, fields: pl.Struct) -> pl.Series:
    """The named string fields of one JSON object per line; null fields where a line is no JSON object."""
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

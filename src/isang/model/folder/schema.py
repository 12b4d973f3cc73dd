"""What the files of a model folder must hold: checked once, when the folder is opened.

Hashes only prove that nothing changed on the way; whoever made the folder could have put anything into it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isang.config import Config, from_dict
from isang.errors import InputError, UsageError
from isang.json_files import anything, items, mapping, maybe, number, one_of, read_json, record, text, wrong
from isang.logs.rules import Rules
from isang.logs.store import TEMPLATES_SCHEMA
from isang.model.vocabulary import MARKS, UNSEEN
from isang.parquet_files import check_table, explained, read_table

AGAIN = "copy the whole model folder again, or train again"
MIXED = f"the folder was assembled from two trainings, or changed; {AGAIN}"
MOST_CHARACTERS = 100_000
"""Maximum length of a template; real ones have a few dozen words."""
MOST_WEIGHT = 1e6
"""Largest absolute weight. No trained weight comes near it; products of larger ones would overflow."""
MOST_COUNT = 2**53
TOKEN_COLUMNS = ("token", "before", "after")
TABLES: Mapping[str, Mapping[str, pl.DataType]] = {
    "event_counts": {"before": pl.Int32(), "after": pl.Int32(), "at_least_ms": pl.Int64()},
    "time_gap": {"before": pl.Int32(), "after": pl.Int32(), "at_least_ms": pl.Int64(), "count": pl.Int64()},
    "burst": {"token": pl.Int32(), "sessions": pl.Int64(), "shortest_ms": pl.Float64(), "in_all": pl.Int64()},
    "rare_event": {"token": pl.Int64(), "sessions": pl.Int64()},
    "repeated_event": {"token": pl.Int64(), "most_root": pl.Float64(), "deviation": pl.Float64()},
    "transition": {"before": pl.Int64(), "after": pl.Int64(), "count": pl.Int64()},
}
"""Columns of the table of each built-in detector that has one; plug-ins may have any numeric columns."""


def _moment(value: Any, name: str) -> None:
    text(value, name)
    try:
        datetime.fromisoformat(value)
    except ValueError as error:
        raise wrong(name, "a time such as 2026-01-05T09:00:00+00:00", value) from error


def _detectors(value: Any, name: str) -> None:
    items(text)(value, name)
    if len(set(value)) < len(value) or not all(one.isidentifier() for one in value):
        raise wrong(name, "names, each once", str(value))


_COUNT = maybe(number(0, MOST_COUNT, whole=True))
_FACTS = {
    "dataset": text, "trained_from": maybe(_moment), "trained_until": maybe(_moment), "period_sessions": _COUNT,
    "training_sessions": _COUNT, "left_out_as_anomalous": _COUNT, "usual_silence_seconds": maybe(number(0, 1e9)),
}  # fmt: skip
_FILES = mapping(record({"sha256": text, "bytes": number(0, MOST_COUNT, whole=True)}, closed=True))
VOLUME_SCHEMA = {"series": pl.String(), "window_seconds": pl.Float64(), "counts": pl.List(pl.Float64())}
LINES_SCHEMA = {
    "series": pl.String(), "loudness": pl.Int64(), "outside": pl.Boolean(), "first": pl.Float64(),
    "gaps": pl.List(pl.Float64()),
}  # fmt: skip
LEAST_OF_PERIOD = 12
"""Minimum number of values in the row of the period: scores of ten parts, and two values of the clock."""
MANIFEST = record({"schema": anything}, {"isang": text, "files": _FILES})


def read_config(path: Path, schema: int) -> tuple[dict[str, Any], Config]:
    """config.json, and the settings in it."""
    must = {
        "schema": one_of(schema), "settings": mapping(mapping(anything)), "rules": maybe(mapping(anything)),
        "detectors": _detectors, "facts": record({}, _FACTS),
    }  # fmt: skip
    config: dict[str, Any] = read_json(path, record(must, closed=True), AGAIN)
    try:
        if config["rules"] is not None:
            Rules.from_dict(config["rules"], pl.DataFrame(schema=TEMPLATES_SCHEMA))
        return config, from_dict(config["settings"])
    except (InputError, UsageError) as error:
        raise InputError(f"{path} cannot be used: {error}; {AGAIN}") from error


def read_templates(path: Path) -> pl.DataFrame:
    """templates.parquet: each event once, tokens without a gap."""
    templates: pl.DataFrame = read_table(path, {**TEMPLATES_SCHEMA, "token": pl.Int32()}, AGAIN)
    event, known = templates["event"], templates["token"].filter(templates["token"] >= len(MARKS)).unique().sort()
    if templates.select(pl.col("event", "template", "token").null_count()).row(0) != (0, 0, 0):
        raise InputError(f"{path}: event, template and token must not be null; {AGAIN}")
    if not event.is_unique().all() or not event.is_between(0, 10_000_000).all():
        raise InputError(f"{path}: each event must stand there once, as a number from 0 on; {AGAIN}")
    if (templates["token"] < UNSEEN).any() or not (
        known == pl.Series(range(len(MARKS), len(MARKS) + len(known)))
    ).all():
        raise InputError(f"{path}: tokens must go from {len(MARKS)} on without a gap ({UNSEEN}: unseen); {AGAIN}")
    longest = templates["template"].str.len_chars().max()
    if isinstance(longest, int) and longest > MOST_CHARACTERS:
        raise InputError(f"{path}: a template of {longest:,} characters is no template; {AGAIN}")
    return templates


def read_normal(path: Path, size: int) -> pl.DataFrame:
    """normal.parquet, whose sessions have tokens of a vocabulary of `size`."""
    normal: pl.DataFrame = read_table(path, {"tokens": pl.List(pl.Int32()), "count": pl.Int64()}, AGAIN)
    tokens = normal["tokens"].explode()
    if normal.is_empty() or normal["tokens"].null_count() or tokens.null_count() or tokens.is_empty():
        raise InputError(f"{path}: there must be sessions, each with tokens; {AGAIN}")
    if (normal["tokens"].list.len() > 2**17).any() or not tokens.is_between(0, size - 1).all():
        raise InputError(f"{path}: sessions must have at most {2**17:,} tokens, from 0 to {size - 1}; {AGAIN}")
    counts = normal["count"]
    if counts.null_count() or not counts.is_between(1, MOST_COUNT // len(counts)).all():
        raise InputError(f"{path}: count must be a number from 1 on; {AGAIN}")
    return normal


def read_scores(path: Path, detectors: Sequence[str], *, planted: bool = False) -> pl.DataFrame:
    """calibration.parquet, or planted.parquet: a column of scores for each detector, finite or null."""
    with explained(path, AGAIN):
        found = [name for name in pl.read_parquet_schema(path) if name != "kind" or not planted]
    columns: dict[str, pl.DataType] = {name: pl.Float64() for name in dict.fromkeys((*detectors, *found))}
    if planted:
        columns = {"kind": pl.String(), **columns}
    scores: pl.DataFrame = read_table(path, columns, AGAIN)
    numbers = scores.select(pl.col(pl.Float64))
    if scores.is_empty() or not all(column.drop_nulls().is_finite().all() for column in numbers):
        raise InputError(f"{path}: there must be scores, all finite or null; {AGAIN}")
    if planted and scores["kind"].null_count():
        raise InputError(f"{path}: kind must not be null; {AGAIN}")
    return scores


def read_volume(path: Path) -> pl.DataFrame:
    """volume.parquet: the counts of each series in windows of equal length, finite and not negative."""
    volume: pl.DataFrame = read_table(path, VOLUME_SCHEMA, AGAIN)
    counts, seconds = volume["counts"].explode(), volume["window_seconds"]
    lengths = volume["counts"].list.len()
    if volume.is_empty() or any(volume[name].null_count() for name in volume.columns) or counts.null_count():
        raise InputError(f"{path}: there must be series, each with counts; {AGAIN}")
    if not counts.is_between(0, MOST_COUNT).all() or not seconds.is_between(1, 1e6).all() or seconds.n_unique() > 1:
        raise InputError(f"{path}: counts and seconds must be from 0 on, and windows of one length; {AGAIN}")
    if lengths.n_unique() > 1 or volume["series"][0] != "":
        raise InputError(f"{path}: series must be of one length, behind that of the highest scores; {AGAIN}")
    return volume


def read_lines(path: Path) -> pl.DataFrame:
    """lines.parquet: kinds of lines, the first row without a name for the period as a whole; nothing negative."""
    lines: pl.DataFrame = read_table(path, LINES_SCHEMA, AGAIN)
    if lines.is_empty() or any(lines[name].null_count() for name in lines.columns) or lines["series"][0] != "":
        raise InputError(f"{path}: there must be a row for the period, then kinds of lines; {AGAIN}")
    if len(lines["gaps"][0]) < LEAST_OF_PERIOD:
        raise InputError(f"{path}: the row of the period must hold {LEAST_OF_PERIOD} numbers or more; {AGAIN}")
    numbers = (lines["gaps"].explode().drop_nulls(), lines["first"])
    if not all((column.is_between(0, MOST_COUNT) & column.is_finite()).all() for column in numbers):
        raise InputError(f"{path}: first and gaps must be from 0 to {MOST_COUNT}; {AGAIN}")
    return lines


def read_detector(path: Path, name: str, size: int) -> pl.DataFrame:
    """The table of a detector: finite, non-negative numbers, and tokens of a vocabulary of `size`."""
    if name in TABLES:
        table: pl.DataFrame = read_table(path, TABLES[name], AGAIN)
    else:
        check_table(path, {}, AGAIN)
        with explained(path, AGAIN):
            table = pl.read_parquet(path, glob=False)
    for column in table:
        if name in TABLES and column.null_count():
            raise InputError(f"{path}: {column.name} must not be null; {AGAIN}")
        if column.dtype.is_numeric():
            most = size - 1 if column.name in TOKEN_COLUMNS else MOST_COUNT
            values = column.drop_nulls()
            if name in TABLES and not (values.is_between(0, most) & values.is_finite()).all():
                raise InputError(f"{path}: {column.name} must be from 0 to {most}; {AGAIN}")
    return table


def read_weights(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """weights.safetensors with exactly these float32 tensors; nothing is allocated before their shapes are checked."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names = set(file.keys())
            if names != set(shapes):
                other = sorted(names ^ set(shapes))[:3]
                raise InputError(f"{path} does not fit the settings in config.json: {', '.join(other)}; {MIXED}")
            for name, shape in shapes.items():
                found = file.get_slice(name)
                if tuple(found.get_shape()) != shape or found.get_dtype() != "F32":
                    raise InputError(
                        f"{path} does not fit the settings in config.json: {name} has the shape "
                        f"{tuple(found.get_shape())} of {found.get_dtype()}, not {shape} of F32; {MIXED}"
                    )
            weights = {name: file.get_tensor(name) for name in shapes}
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}; {AGAIN}") from error
    for name, values in weights.items():
        if not np.all(np.abs(values) <= MOST_WEIGHT):
            raise InputError(
                f"{path}: {name} holds values that are no weights (NaN, infinite or above {MOST_WEIGHT:g})"
            )
    return weights

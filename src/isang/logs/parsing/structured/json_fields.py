"""The fields of JSON lines: which hold time, level and message, and the substitute for a missing message."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from isang.logs.parsing import containers
from isang.logs.parsing.inferred.levels import ANY_LEVEL, WINDOWS_NUMBERS
from isang.logs.parsing.inferred.time_forms import find_time
from isang.logs.parsing.layouts import Layout
from isang.logs.parsing.structured import fields

COLOURS = r"\x1b\[[0-9;]*[A-Za-z]"
_MAX_OBJECTS = 300
_MAX_DEPTH = 3
_MAX_KEYS = 64
_MOSTLY = 0.5
_FEW, _FEW_SHARE = 12, 0.15
_MAX_WORD = 40
_WINDOWS = ("EventID", "Channel", "Provider", "ProviderName")
_NAMES = (*fields.MESSAGES, *fields.LEVELS, *fields.TIMES, *fields.TELLING, *fields.WITHIN, *_WINDOWS)
ROLES: dict[str, tuple[str, ...]] = {
    "time": fields.TIMES, "level": fields.LEVELS, "msg": fields.MESSAGES, "method": fields.METHODS,
    "path": fields.PATHS, "status": fields.STATUSES,
}  # fmt: skip
_LEVEL_IN_LIST = rf'"({ANY_LEVEL})"'
_NOT_THE_MESSAGE = frozenset(("error", "err", "exception", "user", "headers", "request", "response", "req", "res"))


def with_fields(layout: Layout, lines: pl.Series) -> Layout:
    """A JSON layout with what its lines say of the names and the values of their fields."""
    if layout.kind != "json":
        return layout
    objects = list(_objects(lines))
    if not objects:
        return layout
    flat = [dict(flattened(each)) for each in objects]
    aliases = dict(_aliases(flat))
    without = [each for each, values in zip(objects, flat, strict=True) if not _has_message(values, aliases)]
    shape = _shape(without) if len(without) >= max(1, 0.05 * len(objects)) else ()
    return replace(layout, aliases=tuple(aliases.items()), shape=tuple(shape))


def groups(texts: pl.Series, layout: Layout) -> pl.DataFrame:
    """`time`, `level`, `message` of JSON lines; all null if a line is not a JSON object."""
    top = {path.split(".")[0] for path, _ in layout.aliases} | {key for key, _ in layout.shape}
    schema = pl.Struct(dict.fromkeys((*_NAMES, *sorted(top - {*_NAMES})), pl.String))
    values = containers.decoded_json(texts, schema).struct.unnest()
    event = _event(values, layout.shape)
    values = values.with_columns(containers.decoded_bytes(values["MESSAGE"]))
    for outer, names in fields.WITHIN.items():
        values = _with_fields_of(values, outer, names)
    for path, name in layout.aliases:
        found = _at(values, path.split("."))
        values = values.with_columns(pl.coalesce(found, name).alias(name))
    values = values.with_columns(pl.col(fields.MESSAGES).replace("", None))
    there = [name for name in fields.TELLING if values[name].null_count() < values.height]
    message = fields.with_telling(pl.coalesce(fields.MESSAGES), there)
    message = message.str.replace_all(COLOURS, "").str.strip_chars_end("\r\n")
    has_message = pl.coalesce(fields.MESSAGES).is_not_null()
    has_request = pl.coalesce(fields.METHODS).is_not_null() & pl.coalesce(fields.PATHS).is_not_null()
    is_object = pl.lit(texts.str.contains(r"^\s*\{.*\}\s*$"))
    level = pl.coalesce(fields.LEVELS)
    if values.select(level.str.starts_with("[").any()).item():
        level = pl.when(level.str.starts_with("[")).then(level.str.extract(_LEVEL_IN_LIST)).otherwise(level)
    of_windows = pl.col("EventID").is_not_null() & pl.coalesce("Channel", "Provider", "ProviderName").is_not_null()
    return values.select(
        time=pl.coalesce(fields.TIMES),
        level=pl.when(of_windows).then(level.replace(WINDOWS_NUMBERS)).otherwise(level),
        message=pl.when(has_message | has_request).then(message)
        .otherwise(pl.when(is_object).then(pl.coalesce(event.replace("", None), texts))),
    )  # fmt: skip


def _event(values: pl.DataFrame, shape: Sequence[tuple[str, bool]]) -> pl.Series:
    """The keys of a line, with the values of those that have few different words."""
    if not shape:
        return pl.Series([None], dtype=pl.String).new_from_index(0, values.height)
    parts = []
    for key, few in shape:
        there = pl.lit(f"{key}=") + pl.col(key).str.slice(0, _MAX_WORD) if few else pl.lit(key)
        parts.append(pl.when(pl.col(key).is_not_null()).then(there))
    return values.select(pl.concat_str(parts, separator=" ", ignore_nulls=True)).to_series()


def _with_fields_of(values: pl.DataFrame, outer: str, names: Mapping[str, str]) -> pl.DataFrame:
    """`values`, completed by the fields of the object that `outer` may be; {name within: name in `values`}."""
    if not values[outer].str.starts_with("{").any():
        return values
    inner = containers.decoded_json(values[outer], pl.Struct(dict.fromkeys(names, pl.String))).struct.unnest()
    values = values.with_columns(pl.when(~pl.col(outer).str.starts_with("{")).then(outer).alias(outer))
    return values.with_columns(pl.coalesce(name, inner[within]).alias(name) for within, name in names.items())


def _at(values: pl.DataFrame, path: Sequence[str]) -> pl.Series:
    """The text at a path of keys."""
    found = values[path[0]]
    for key in path[1:]:
        found = containers.decoded_json(found, pl.Struct({key: pl.String})).struct.field(key)
    return found


def _objects(lines: pl.Series) -> Iterator[dict[str, Any]]:
    for line in lines.head(_MAX_OBJECTS).to_list():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def flattened(value: Mapping[str, Any], depth: int = 1, before: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of what is neither null nor an object; of lists those of words alone."""
    for key, each in list(value.items())[:_MAX_KEYS]:
        if "." in key and before:
            continue
        if isinstance(each, dict) and depth < _MAX_DEPTH and "." not in key:
            yield from flattened(each, depth + 1, f"{before}{key}.")
        elif each is not None and (not isinstance(each, dict | list) or _is_list_of_words(each)):
            yield f"{before}{key}", each


def _is_list_of_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _normal(name: str) -> str:
    return re.sub(r"[^a-z0-9@]", "", name.lower())


def _aliases(flat: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """(path, name of the field that it replaces), for fields not found under a usual name."""
    counts = Counter(path for values in flat for path in values)
    known = {outer: {f"{outer}.{name}" for name in names} for outer, names in fields.WITHIN.items()}
    read = {path for paths in known.values() for path in paths}
    for role, names in ROLES.items():
        usual = sum(
            count for path, count in counts.items() if path in names or (path in read and _role_of(path) in names)
        )
        if usual >= _MOSTLY * len(flat) and role != "time":
            continue
        if role == "time" and any(_is_time(flat, path) for path in counts if path in names):
            continue
        found = [path for path in counts if _stands_for(role, path, names) and (role != "time" or _is_time(flat, path))]
        if not found and role == "time":
            found = [path for path in counts if _is_time(flat, path)]
        if not found and role == "level":
            found = [path for path in counts if _is_level(flat, path)]
        if found:
            yield min(found, key=lambda path: (-counts[path], path.count("."), len(path))), role


def _role_of(path: str) -> str:
    outer, _, name = path.partition(".")
    return fields.WITHIN.get(outer, {}).get(name, name)


def _stands_for(role: str, path: str, names: Sequence[str]) -> bool:
    parts = path.split(".")
    if role == "msg" and _NOT_THE_MESSAGE & {part.lower() for part in parts[:-1]}:
        return False
    usual = {_normal(name) for name in names if len(name) > 1} | fields.OTHER_NAMES.get(role, frozenset())
    whole = _normal("".join(parts[-2:]))
    return path not in names and (_normal(parts[-1]) in usual or whole in usual)


def _is_time(flat: Sequence[Mapping[str, Any]], path: str) -> bool:
    values = [values[path] for values in flat if path in values]
    if len(values) < _MOSTLY * len(flat):
        return False
    return all(_written_time(value) for value in values[:50])


def _written_time(value: object) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return any(scale * 9e8 < value < scale * 4e9 for scale in (1, 1e3, 1e6, 1e9))
    found = find_time(value) if isinstance(value, str) else None
    if found is not None and found.start == 0:
        return found.form.date is not None
    return isinstance(value, str) and re.fullmatch(r"[12]\d{9}(?:[.,]\d+)?|1\d{12}|1\d{15}|1\d{18}", value) is not None


def _is_level(flat: Sequence[Mapping[str, Any]], path: str) -> bool:
    values = [values[path] for values in flat if path in values]
    return len(values) >= _MOSTLY * len(flat) and all(map(_tells_level, values))


def _tells_level(value: object) -> bool:
    """Whether a value is a level, or a list, such as one of tags, in which one word is a level."""
    words = value if isinstance(value, list) else [str(value)]
    return sum(re.fullmatch(ANY_LEVEL, word) is not None for word in words) == 1


def _has_message(values: Mapping[str, Any], aliases: Mapping[str, str]) -> bool:
    names = {name for path, name in aliases.items() if path in values} | {_role_of(path) for path in values}
    request = names & {*fields.METHODS} and names & {*fields.PATHS}
    messages = {*fields.MESSAGES}
    return bool(request) or any(
        values[path] not in ("", None) for path in values if _role_of(path) in messages or aliases.get(path) == "msg"
    )


def _shape(objects: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, bool]]:
    """The keys of objects without a message, and whether their values are few words."""
    seen: dict[str, list[Any]] = defaultdict(list)
    for each in objects:
        for key, value in each.items():
            if value is not None:
                seen[key].append(value)
    for key, values in list(seen.items())[:_MAX_KEYS]:
        yield key, key not in fields.TIMES and _few(values)


def _few(values: Sequence[Any]) -> bool:
    """Whether values are few different words, none of them new in the second half."""
    words = [str(value).lower() if isinstance(value, bool) else value for value in values]
    if not all(isinstance(word, str) and 0 < len(word) <= _MAX_WORD and re.search(r"[^\W\d]", word) for word in words):
        return False
    different = len(set(words))
    settled = set(words[len(words) // 2 :]) <= set(words[: len(words) // 2]) or len(words) < 4
    return settled and different <= min(_FEW, max(3, _FEW_SHARE * len(words)))

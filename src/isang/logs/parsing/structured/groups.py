"""What one layout makes of lines: time, level, message and alert as they are written."""

import re

import polars as pl

from isang.logs.parsing import layouts
from isang.logs.parsing.inferred.continuations import CONTINUES
from isang.logs.parsing.layouts import Layout
from isang.logs.parsing.structured import fields, json_fields

COLOURS = r"\x1b\[[0-9;]*[A-Za-z]"
_QUOTED_OR_BARE = r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^"\s]\S*))'


def groups(texts: pl.Series, layout: Layout, before: str | None = None) -> pl.DataFrame:
    """`time`, `level`, `message`, `alert` as written; all null where the layout does not fit."""
    match layout.kind:
        case "json":
            found = json_fields.groups(texts, layout)
        case "logfmt":
            found = _logfmt_groups(texts, layout)
        case "access":
            found = _access_groups(texts, layout)
        case "csv":
            found = _csv_groups(texts, layout)
        case "block":
            found = _block_groups(texts, layout)
        case "headed":
            found = _headed_groups(texts, layout, before)
        case "rest":
            found = _text_groups(texts.set(texts.str.contains(CONTINUES).fill_null(False), None), layout.pattern)
        case _:
            found = _text_groups(texts, layout.pattern)
    if layout.inside is not None:
        found = _with_inside(found, layout.inside)
    missing = [name for name in ("time", "level", "message", "alert") if name not in found.columns]
    return found.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing).select(
        "time", "level", "message", "alert"
    )


def _with_inside(outer: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Lines whose message is a line of another layout: its message and level, at the outer time."""
    inner = groups(outer["message"] if "message" in outer.columns else pl.Series([None] * outer.height), layout)
    kept = {
        name: outer[name] if name in outer.columns else pl.lit(None, dtype=pl.String)
        for name in ("time", "level", "alert")
    }
    return inner.select(
        "message",
        time=pl.coalesce(kept["time"], "time"),
        level=pl.coalesce("level", kept["level"]),
        alert=pl.coalesce(kept["alert"], "alert"),
    )


def _text_groups(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """The groups of `pattern`; a message that goes on to the end of the line is cut off behind what stands before it.

    Searching for groups takes time by the character, and the message is most of the line.
    """
    before = pattern.removesuffix(layouts.MESSAGE_TO_THE_END)
    if before == pattern or not before.startswith("^"):
        return texts.str.extract_groups(pattern).struct.unnest()
    found = texts.str.extract_groups(f"^(?P<before>{before[1:]})").struct.unnest()
    return found.with_columns(message=pl.lit(texts).str.strip_prefix(pl.col("before")))


def _csv_groups(texts: pl.Series, layout: Layout) -> pl.DataFrame:
    """The groups without the quotes around them; a quoted value may go on in the next line."""
    value = pl.all().str.replace(r'(?s)^"((?:[^"]|"")*)"?$', "$1").str.replace_all('""', '"', literal=True)
    return texts.str.extract_groups(layout.pattern).struct.unnest().select(value)


def _headed_groups(texts: pl.Series, layout: Layout, before: str | None) -> pl.DataFrame:
    """What a line says, and what the heading says that is the line before."""
    heading = texts.shift(1, fill_value=before)
    headed = heading.str.contains(layout.heading).fill_null(False)
    above = heading.str.extract_groups(layout.heading).struct.unnest()
    own = texts.str.extract_groups(layout.pattern).struct.unnest()
    found = own.with_columns(column for column in above if column.name not in own.columns)
    return found.with_columns(message=pl.when(headed).then("message"))


def _block_groups(texts: pl.Series, layout: Layout) -> pl.DataFrame:
    """What the message says, with the time and the level that other lines of its record have."""
    told = texts.str.extract_groups(layout.heading).struct.unnest()
    record = told["time"].is_not_null().cum_sum().alias("record")
    of_record = told.with_columns(record).select(pl.all().exclude("record").drop_nulls().first().over("record"))
    return of_record.with_columns(texts.str.extract(layout.pattern, 1).alias("message"))


def _logfmt_groups(texts: pl.Series, layout: Layout) -> pl.DataFrame:
    """Names that occur in no line are not searched for: with few lines, evaluating expressions dominates the cost."""
    whole = "\n".join(texts.drop_nulls().to_list())

    def there(names: tuple[str, ...]) -> list[str]:
        return [name for name in names if f"{name}=" in whole or "." in name]

    def value(names: tuple[str, ...]) -> pl.Expr:
        if not (kept := there(names)):
            return pl.lit(None, dtype=pl.String)
        found = pl.col("text").str.extract_groups(rf"(?:^|\s)(?:{'|'.join(kept)})={_QUOTED_OR_BARE}").struct
        return pl.coalesce(found.field("quoted"), found.field("bare"))

    telling = there(fields.TELLING)
    time = pl.coalesce(value(("time",)), value((*fields.TIMES, "t")))
    apart = there(("date", "tz"))
    values = texts.to_frame("text").select(
        fits=pl.col("text").str.contains(layout.pattern),
        text="text",
        time=_joined(time, value(("date",)), value(("tz",))) if apart else time,
        level=value(fields.LEVELS),
        message=pl.coalesce(value(("msg", "message")), value(("event",)), value(("logdesc",))),
        **{name: value((name,)) for name in telling},
    )
    message = fields.with_telling(pl.col("message"), telling)
    if values["message"].null_count():
        message = pl.when(pl.col("message").is_not_null()).then(message).otherwise(_without_message())
    return values.select("time", "level", message=pl.when("fits").then(message))


def _without_message() -> pl.Expr:
    """The event of a line without a message is its fields, but for when, how serious and where in the code it is."""
    names = "|".join(re.escape(name) for name in ("time", "t", "date", "tz", "caller", *fields.TIMES, *fields.LEVELS))
    others = pl.col("text").str.replace_all(rf"(?:^|\s)(?:{names})={_QUOTED_OR_BARE}", "").str.strip_chars()
    return pl.when(others == "").then("text").otherwise(others)


def _joined(time: pl.Expr, date: pl.Expr, zone: pl.Expr) -> pl.Expr:
    """A time of day combined with the date and the zone from other fields."""
    apart = time.str.contains(r"^\d\d:\d\d:\d\d") & date.str.contains(r"^\d{4}-\d\d-\d\d$")
    offset = pl.when(zone.str.contains(r"^[+-]\d\d:?\d\d$")).then(zone).otherwise(pl.lit(""))
    return pl.when(apart).then(date + pl.lit(" ") + time + offset).otherwise(time)


def _access_groups(texts: pl.Series, layout: Layout) -> pl.DataFrame:
    """The event of a request is its method, the words of its path and the status; what varies is masked later."""
    groups = texts.str.extract_groups(layout.pattern).struct.unnest()
    path, status = fields.path_words(pl.col("path")), fields.status_words(pl.col("status"))
    message = pl.concat_str("method", path, status, separator=" ", ignore_nulls=True)  # what is no request has neither
    kept = [name for name in ("time", "level") if name in groups.columns]
    return groups.select(*kept, message=pl.when(pl.col("status").is_not_null()).then(message))

"""Records of sessions that were open under one model's rules, as what another model's rules are to read."""

from collections.abc import Mapping

import polars as pl

from isang.logs.parsing.timeline import NO_TIME
from isang.logs.stream.open_records import OpenRecords
from isang.logs.stream.record import RECORDS_SCHEMA
from isang.logs.stream.saved_place import Place


def raw_records(place: Place, stream_of: Mapping[str, str]) -> pl.DataFrame:
    """The texts of a place's open records (RECORDS_SCHEMA), with the times and levels that they had.

    `stream_of` names the log of a source, if sessions joined several and did not say. A key that is not in its record's
    text was sent with the record, like a trace id, and is kept. Other fields sent beside the text are lost.
    """
    held = OpenRecords.load(place.records, place.blocks)
    rows, _ = held.stored()
    texts = held.texts().get(rows["text"].to_list())
    rows = rows.with_columns(pl.Series("text", [texts[number] for number in rows["text"].to_list()], dtype=pl.String))
    rows = rows.unique(["stream", "source", "line", "text"], keep="first", maintain_order=True)
    named = pl.col("source").replace_strict(
        list(stream_of), list(stream_of.values()), default=pl.col("source"), return_dtype=pl.String
    )
    outside = ~pl.col("text").str.contains(pl.col("key"), literal=True)
    return rows.select(
        stream=pl.when(pl.col("stream") == "").then(named).otherwise("stream"),
        source="source",
        line="line",
        time=pl.when(pl.col("time") != NO_TIME).then("time"),
        level="level",
        message=pl.lit(None),
        text="text",
        fields=pl.lit(None),
        trace_id=pl.when(outside).then("key"),
    ).cast(RECORDS_SCHEMA)

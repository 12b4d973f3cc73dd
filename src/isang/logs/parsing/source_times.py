"""The times that the layouts of one source find, as UTC."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from isang.logs.parsing import timestamps
from isang.logs.parsing.timestamps import Clock

Reading = tuple[Clock | None, str, datetime, bool]
"""How times are read: the clock, the zone, what lends a year or date, and whether each is settled alone."""


def readings(clocks: Sequence[Clock | None], main: Clock | None, zone: str, reference: datetime) -> list[Reading]:
    """How the times of each of a source's layouts are read, by its clock; `main` gives the records' times.

    Beside a clock that lacks nothing a time without its year is settled alone, and one that lacks more is not read: its
    record is of the time of the one above.
    """
    alone = main is not None and main.lacks is None
    read = [None if alone and clock and clock.lacks not in (None, "year") else clock for clock in clocks]
    return [(clock, zone, reference, alone) for clock in read]


def read_times(written: pl.DataFrame, ways: Sequence[Reading]) -> pl.Series:
    """The times by the reading of each `layout`; those with the same reading are processed together."""
    alike: dict[tuple[object, ...], tuple[Reading, list[int]]] = {}
    for number, (clock, zone, reference, alone) in enumerate(ways):
        if clock is not None:
            key = clock, zone, reference.date() if clock.lacks else None, alone
            alike.setdefault(key, ((clock, zone, reference, alone), []))[1].append(number)
    texts = written["time"]
    found = pl.Series("time", [None], dtype=timestamps.UTC_TIME).new_from_index(0, texts.len())
    for (clock, zone, reference, alone), numbers in alike.values():
        assert clock is not None
        read = timestamps.to_utc(pl.col("time"), clock, zone=zone, reference=reference, alone=alone)
        if len(numbers) == len(ways):
            return written.select(time=read)["time"]
        places = written["layout"].is_in(numbers).arg_true()
        found = found.scatter(places, texts.gather(places).to_frame().select(time=read)["time"])
    return found

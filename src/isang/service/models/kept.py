"""Judged sessions kept for the next training, as small datasets; the oldest are dropped first."""

import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isang.files import folder_being_written, partial_folder
from isang.logs.rules import Rules
from isang.logs.store import SESSIONS_SCHEMA, TEMPLATES_SCHEMA, Dataset
from isang.logs.templates.event_table import EventTable

FLUSH_SESSIONS = 2_000
FLUSH_SECONDS = 60.0
KEPT_SCHEMA = pl.Schema([*SESSIONS_SCHEMA.items(), ("flagged", pl.Boolean()), ("silenced", pl.Boolean())])
_SESSIONS, _TEMPLATES = "sessions.parquet", "templates.parquet"


class KeptSessions:
    """One folder per part; a part is complete or absent.

    If the process is killed, sessions since the last written part are lost: they are only training material, and their
    alerts are in the database.
    """

    def __init__(self, folder: Path, *, most_bytes: int, most_days: float) -> None:
        self._folder, self._most_bytes, self._most_days = folder, most_bytes, most_days
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.glob("*.partial"):
            shutil.rmtree(unfinished)
        self._waiting: list[Dataset] = []
        self._number = 1 + max((int(path.name) for path in self._parts()), default=0)
        self._flushed_at = time.monotonic()

    def add(self, dataset: Dataset, records: Sequence[dict[str, Any]]) -> None:
        """Add the sessions of a dataset; `records` belong to its anomalous ones."""
        flagged = {(one["session_id"], one["start"]): "silenced_by" in one for one in records}
        keys = [
            (name, None if start is None else start.isoformat())
            for name, start in dataset.sessions.select("session_id", "start").iter_rows()
        ]
        sessions = dataset.sessions.select(SESSIONS_SCHEMA.names()).with_columns(
            flagged=pl.Series([key in flagged for key in keys], dtype=pl.Boolean),
            silenced=pl.Series([flagged.get(key, False) for key in keys], dtype=pl.Boolean),
        )
        self._waiting.append(Dataset(sessions, dataset.templates, {}))
        many = sum(len(part.sessions) for part in self._waiting) >= FLUSH_SESSIONS
        if many or time.monotonic() - self._flushed_at > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write pending sessions, and drop parts that are too old or exceed the space. Raises OutputError."""
        self._flushed_at = time.monotonic()
        if self._waiting:
            part = merged(self._waiting)
            with folder_being_written(self._folder / f"{self._number:08d}") as building:
                part.sessions.write_parquet(building / _SESSIONS)
                part.templates.write_parquet(building / _TEMPLATES)
            self._waiting, self._number = [], self._number + 1
        self._drop()

    def read(self, since: datetime | None = None) -> list[Dataset]:
        """All parts, the oldest first; each session occurs once, in its latest form."""
        parts = []
        for path in self._parts():
            sessions = pl.read_parquet(path / _SESSIONS).select(KEPT_SCHEMA.names()).cast(KEPT_SCHEMA)
            if since is not None:
                sessions = sessions.filter(pl.col("start").is_null() | (pl.col("start") >= since))
            templates = pl.read_parquet(path / _TEMPLATES).cast(TEMPLATES_SCHEMA)
            if len(sessions):
                parts.append(Dataset(sessions, templates, {}))
        return parts

    def _parts(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if path.name.isdigit())

    def _drop(self) -> None:
        parts = [(path, sum(file.stat().st_size for file in path.iterdir())) for path in self._parts()]
        total, now = sum(size for _, size in parts), datetime.now(UTC)
        for path, size in parts[:-1]:
            age = now - datetime.fromtimestamp(path.stat().st_mtime, UTC)
            if total <= self._most_bytes and age < timedelta(days=self._most_days):
                break
            path.rename(partial_folder(path))
            shutil.rmtree(partial_folder(path))
            total -= size


def merged(parts: Sequence[Dataset], rules: Rules | None = None) -> Dataset:
    """The sessions of several datasets with one table of templates; duplicates by id and start keep the last.

    With `rules`, their templates are the known events, and all others are mined again from the lines of all parts: each
    part by itself saw few of them.
    """
    texts = pl.concat([part.templates.select("template", "level") for part in parts]).unique(maintain_order=True)
    if rules is None:
        events = texts.with_row_index("new").with_columns(pl.col("new").cast(pl.Int32))
        table = texts.select(event=events["new"], template="template", level="level", count=pl.lit(0, pl.Int64))
    else:
        events, table = _learned(texts, rules)
    sessions = []
    for part in parts:
        known = part.templates.join(
            events, on=["template", "level"], how="left", nulls_equal=True, maintain_order="left"
        )
        new_of = np.zeros(int(known["event"].to_numpy().max(initial=0)) + 1, dtype=np.int32)
        new_of[known["event"].to_numpy()] = known["new"].to_numpy()
        sessions.append(part.sessions.with_columns(events=_renumbered(part.sessions["events"], new_of)))
    together = pl.concat(sessions).unique(["session_id", "start"], keep="last", maintain_order=True)
    table = table.with_columns(count=counted(together["events"], table["event"])).select(TEMPLATES_SCHEMA.names())
    table = table.cast(TEMPLATES_SCHEMA)
    return Dataset(together.sort("start", "session_id", nulls_last=True), table.filter(pl.col("count") > 0), {})


def counted(lists: pl.Series, events: pl.Series) -> pl.Series:
    """The number of occurrences of each of the `events` in the lists, in the order of `events`."""
    numbers = events.to_numpy()
    counts = np.bincount(lists.explode().drop_nulls().to_numpy(), minlength=int(numbers.max(initial=0)) + 1)
    return pl.Series(counts[numbers], dtype=pl.Int64)


def _learned(texts: pl.DataFrame, rules: Rules) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The event of each of the `texts`, and the table of all events."""
    known = rules.templates.select("template", "level", new="event").unique(["template", "level"], keep="first")
    found = texts.join(known, on=["template", "level"], how="left", nulls_equal=True, maintain_order="left")
    others = found.filter(pl.col("new").is_null())
    if others.is_empty():
        return found, rules.templates
    mined = EventTable(rules)
    numbers = mined.number(others["template"], others["level"])
    event_of, table = mined.finish()
    learned = others.with_columns(new=pl.Series(event_of[numbers.to_numpy()], dtype=pl.Int32))
    return pl.concat([found.filter(pl.col("new").is_not_null()), learned]), table


def _renumbered(events: pl.Series, new_of: np.ndarray[Any, np.dtype[np.int32]]) -> pl.Series:
    """Lists of events with their new numbers."""
    flat = new_of[events.explode().drop_nulls().to_numpy()]
    row = np.repeat(np.arange(len(events)), events.list.len().to_numpy())
    lists = pl.DataFrame({"row": row, "events": flat}).group_by("row", maintain_order=True).agg("events")
    return lists["events"].cast(pl.List(pl.Int32))

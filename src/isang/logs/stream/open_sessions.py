"""Sessions that may still go on: records come in, and sessions go out as soon as they have ended."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from isang.logs.parsing.timeline import NO_TIME
from isang.logs.rules import Rules
from isang.logs.sessions.grouping import session_begins
from isang.logs.sessions.pieces import Cut, numbered_names, session_names
from isang.logs.stream.open_records import OWNER, OpenRecords
from isang.logs.templates.text_store import Numbers, Texts

MOST_RECORDS = 500_000
"""Records of open sessions that are held, at most; beyond it the sessions that were silent longest are ended."""
MOST_KEYS = 10_000
"""Number of session keys remembered, so that a recurring key gets a number."""
LATE_US = 500_000
"""A silence and a window of seconds are over only when lines that are written or read this late would be there."""
BEGAN_ANEW, FULL, SILENT, WINDOW_OVER, TOO_MANY, END, GOES_ON = (
    "began anew", "full", "silent", "window over", "too many open", "end", "goes on",
)  # fmt: skip
"""Why a session ended, or that it has not."""


@dataclass(frozen=True)
class Ended:
    """Sessions that have ended."""

    records: pl.DataFrame
    """STORED_SCHEMA and `session` (position in `ids`), in the order of the sessions' events."""
    ids: list[str]
    endings: list[str]
    """Why each ended, parallel to `ids`."""
    texts: Texts
    """The whole lines, by `text` of the records."""


class OpenSessions:
    """Records of sessions that may still continue.

    The rule that cuts finished logs into sessions (`session_begins`) cuts the open records: all but the last session
    of each owner have ended; the last one ends when it is full, silent for `idle_seconds`, or its window is over.
    A line that comes after the session of its time has ended is in a session of its own.
    """

    def __init__(self, rules: Rules, idle_seconds: float | None, most_records: int = MOST_RECORDS) -> None:
        self._rule, self._cut = rules.session, Cut(rules.max_session_events)
        self._idle_us = None if idle_seconds is None else int(idle_seconds * 1e6)
        self.most_records = most_records
        """Maximum number of open records; beyond it the sessions that were silent longest are ended."""
        self.records = OpenRecords()
        self._added: list[Numbers] = []  # owners of what came since the last `take`
        self.parts: dict[str, int] = {}
        """Number of ended sessions of each key, the most recently ended key last."""
        self.windows: dict[str, tuple[int, int]] = {}
        """For each log without a key, the start of its latest session, and how often its lines restarted at 1."""
        self.ended_early = 0
        """Sessions that ended because too many were open."""

    def add(self, records: pl.DataFrame, now_us: int) -> None:
        """Take in records (PARSED_SCHEMA); those without a time are taken to be written at `now_us`."""
        heard = pl.col("time").replace(NO_TIME, now_us)
        self._added.append(self.records.add(records.with_columns(heard=heard)))

    def take(self, now_us: int, *, everything: bool = False) -> Ended | None:
        """The sessions that have ended by `now_us`, or `everything`; None if there are none."""
        owners, self._added = self._due(now_us, everything=everything), []
        if not len(owners):
            return None
        ordered = self._ordered(owners)
        sessions = self._pieces(self._within_limit(self._endings(ordered, now_us, everything=everything), ordered))
        if not sessions["pieces"].sum():
            return None
        ended, over = self._divided(ordered, sessions)
        named = self._named(self.records.in_words(ended))
        self.records.drop(over)
        return named

    def _due(self, now_us: int, *, everything: bool) -> Numbers:
        """The owners that got new records, are silent long enough, or exceed the limit of records."""
        if everything or self._idle_us is None or self._rule.kind != "key":
            return self.records.owners()
        silent = self.records.silent_since(now_us - self._idle_us - LATE_US)
        over = self.records.silent_longest(self.most_records)
        return np.unique(np.concatenate([*self._added, silent, over]))

    def so_far(self, owners: pl.DataFrame, now_us: int) -> tuple[Ended | None, pl.DataFrame]:
        """The open sessions of `owners` (OWNER) in their current state, under their final names; None if there are
        none.

        Also returns the owners whose ended sessions must be taken first; right after `take` there are none.
        """
        ordered = self._ordered(self.records.numbers_of(owners))
        if ordered.is_empty():
            return None, owners.clear()
        sessions = self._pieces(self._endings(ordered, now_us, everything=False))
        of_waiting = sessions["owner"].filter(sessions["pieces"] > 0)
        waits = ordered["owner"].is_in(of_waiting.implode())
        waiting = self.records.in_words(ordered.filter(waits)).select(OWNER).unique(maintain_order=True)
        if waits.all():
            return None, waiting
        records = self.records.in_words(ordered.filter(~waits)).with_columns(session=pl.struct(OWNER).rle_id())
        heads = records.unique("session", keep="first", maintain_order=True)
        names = session_names(heads, self._rule)
        numbers = [
            self._number(name, *head) for name, *head in heads.select(names, "key", "source", "line").iter_rows()
        ]
        ids = numbered_names(names, pl.Series(numbers, dtype=pl.Int64)).to_list()
        return Ended(records, ids, [GOES_ON] * len(ids), self.records.texts()), waiting

    def _ordered(self, owners: Numbers) -> pl.DataFrame:
        """The records of these owners, grouped by `session` (numbered from 0) and in order."""
        ordered = self.records.of(owners).sort("owner", "time", "log", maintain_order=True)
        changed = ordered.select(pl.col("owner") != pl.col("owner").shift(1)).to_series().fill_null(value=True)
        begins = pl.Series("session", session_begins(ordered, changed.to_numpy(), self._rule))
        return ordered.with_columns(begins.cum_sum().cast(pl.UInt32) - 1)

    def _endings(self, ordered: pl.DataFrame, now_us: int, *, everything: bool) -> pl.DataFrame:
        """One row per open session: `session`, `owner`, `size`, `heard`, `ending` (null where it goes on)."""
        sessions = ordered.group_by("session", maintain_order=True).agg(
            pl.col("owner").first(),
            size=pl.len().cast(pl.Int64),
            first=pl.col("heard").min(),
            heard=pl.col("heard").max(),
        )
        return sessions.with_columns(ending=pl.lit(END) if everything else self._ending(now_us))

    def _pieces(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """The sessions with the number of `pieces` of each that are returned now."""
        sizes = sessions["size"].to_numpy()
        pieces = np.maximum(1, self._cut.of_ended(sizes))
        settled = np.zeros_like(sizes) if self._rule.kind == "lines" else self._cut.of_open(sizes)
        ended = sessions["ending"].is_not_null().to_numpy()
        return sessions.with_columns(pieces=pl.Series(np.where(ended, pieces, settled)))

    def _ending(self, now_us: int) -> pl.Expr:
        """Why a session has ended, null where it has not."""
        size = self._rule.size or 1
        reasons = [pl.when(pl.col("owner") == pl.col("owner").shift(-1)).then(pl.lit(BEGAN_ANEW))]
        if self._rule.kind == "lines":
            reasons.append(pl.when(pl.col("size") >= int(size)).then(pl.lit(FULL)))
        if self._rule.kind == "seconds":
            window_us = int(size * 1e6)
            over_us = (pl.col("first") // window_us + 1) * window_us + LATE_US
            reasons.append(pl.when(over_us < now_us).then(pl.lit(WINDOW_OVER)))
        if self._idle_us is not None:
            reasons.append(pl.when(now_us - pl.col("heard") > self._idle_us + LATE_US).then(pl.lit(SILENT)))
        return pl.coalesce(reasons)

    def _within_limit(self, sessions: pl.DataFrame, ordered: pl.DataFrame) -> pl.DataFrame:
        """End the sessions that were silent longest until `most_records` are open at most; `ordered`: their records."""
        most_records = self.most_records - (self.records.height - ordered.height)
        going_on = sessions.filter(pl.col("ending").is_null()).sort("heard", descending=True)
        too_many = going_on.filter(pl.col("size").cum_sum() > most_records)["session"]
        self.ended_early += too_many.len()
        over = pl.col("session").is_in(too_many.implode())
        return sessions.with_columns(ending=pl.when(over).then(pl.lit(TOO_MANY)).otherwise("ending"))

    def _divided(self, ordered: pl.DataFrame, sessions: pl.DataFrame) -> tuple[pl.DataFrame, Numbers]:
        """The records to return, with `piece` and `ending`, and the rows to drop.

        Long sessions are returned in the overlapping pieces of `sessions.group`, all but the last before they end.
        """
        placed = ordered.with_columns(place=pl.int_range(pl.len()).over("session")).join(
            sessions.select("session", "pieces", "ending"), on="session", maintain_order="left"
        )
        over = pl.col("ending").is_not_null() | (pl.col("place") < pl.col("pieces") * self._cut.step)
        begins = pl.col("piece") * self._cut.step
        ended = [
            placed.filter(pl.col("pieces") > piece)
            .with_columns(piece=pl.lit(piece))
            .filter(pl.col("place").is_between(begins, begins + self._cut.max_events, closed="left"))
            for piece in range(int(sessions["pieces"].max() or 0))  # type: ignore[arg-type]
        ]
        return pl.concat(ended).sort("session", "piece", "place"), placed.filter(over)["row"].to_numpy()

    def _named(self, records: pl.DataFrame) -> Ended:
        records = records.with_columns(session=pl.struct("session", "piece").rle_id())
        heads = records.unique("session", keep="first", maintain_order=True)
        names = session_names(heads, self._rule)
        numbers = [
            self._counted(name, *head) for name, *head in heads.select(names, "key", "source", "line").iter_rows()
        ]
        ids = numbered_names(names, pl.Series(numbers, dtype=pl.Int64)).to_list()
        endings = heads["ending"].fill_null(FULL).to_list()
        return Ended(records, ids, endings, self.records.texts())

    def _counted(self, name: str, key: str | None, source: str, line: int) -> int:
        """The number of a session that ends for good: the next one of the same name gets another."""
        number = self._number(name, key, source, line)
        if key is None:
            self.windows[source] = line, number
        else:
            self.parts[name] = self.parts.pop(name, 0) + 1
            if len(self.parts) > MOST_KEYS:
                del self.parts[next(iter(self.parts))]
        return number

    def _number(self, name: str, key: str | None, source: str, line: int) -> int:
        """The number of the session among those with its name, from 1.

        Line numbers recur when the log is rotated, since the lines of each file are counted from 1.
        """
        if key is None:
            latest, counted = self.windows.get(source, (0, 1))
            return counted + (line <= latest)
        return self.parts.get(name, 0) + 1

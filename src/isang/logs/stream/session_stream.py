"""Parsed records to sessions that have ended, from whatever source they come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from isang.languages import Both
from isang.logs.finishing import with_times
from isang.logs.input.sources import Source
from isang.logs.parsing.timeline import NO_TIME
from isang.logs.rules import Rules
from isang.logs.sessions.grouping import Grouper
from isang.logs.sessions.rule import SessionRule
from isang.logs.store import SESSIONS_SCHEMA, Dataset, Rows
from isang.logs.stream.open_records import OWNER, STORED_SCHEMA, OpenRecords
from isang.logs.stream.open_sessions import LATE_US, Ended, OpenSessions
from isang.logs.stream.record import PARSED_SCHEMA
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.miner import TemplateIndex, canonical
from isang.logs.templates.text_store import TextBlock, Texts

MOST_MESSAGES = 20_000
"""Number of messages after which the table of messages is cleared, to stay small."""
_WHOLE_SESSIONS = SessionRule("key", "sessions that ended", pattern="")


@dataclass(frozen=True)
class EndedSessions:
    """Sessions that have ended, with what `Prepared` says of the sessions of finished logs."""

    dataset: Dataset
    lines: pl.DataFrame
    """See Prepared."""
    sources: list[Source]
    endings: list[str]
    """Why each session ended, parallel to `dataset.sessions`."""
    records: pl.DataFrame = field(repr=False)
    """`source` (index in `sources`), `line` and `text` (number in `texts`) of each record."""
    texts: Texts = field(repr=False)

    def places(self, rows: Rows) -> pl.DataFrame:
        """See StoredLogs."""
        return self.lines[rows].drop("session_id")

    def raw(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """The texts of the records that begin at (source_index, line)."""
        places = pl.DataFrame(list(wanted), schema={"source": pl.Int32, "line": pl.UInt32}, orient="row")
        found = self.records.join(places, on=["source", "line"], how="semi", maintain_order="left")
        texts = self.texts.get(found["text"].to_list())
        return {(source, line): texts[text] for source, line, text in found.iter_rows()}


class SessionStream:
    """Sessions of records that may come from anywhere; they are given out as they end.

    Sessions end by `rules`; those of a key that has no gap after `idle_seconds` of silence, measured in the records'
    own time. `known` are the templates of lines that are no cause for alarm.
    """

    def __init__(self, rules: Rules, *, idle_seconds: float, known: Sequence[str] = ()) -> None:
        self._rules = rules
        self.idle_seconds = rules.session.gap_seconds
        """None where only windows end sessions."""
        if self.idle_seconds is None and rules.session.kind == "key":
            self.idle_seconds = idle_seconds
        self.open = OpenSessions(rules, self.idle_seconds)
        self._events, self._numbered = EventTable(rules), 0
        self._known = TemplateIndex(known)
        self._is_known: dict[str, bool] = {}
        self._reached: dict[int, int] = {}  # the latest time of each log
        self.late_records = 0
        """Records that came when later ones of their log had been read before; they are in the session of their time
        where it is open, else in one of their own."""
        self._unlike = PARSED_SCHEMA.to_frame().select(OWNER)

    @property
    def described(self) -> Both:
        """When a session ends, in words."""
        size = f"{self._rules.session.size:g}" if self._rules.session.size else ""
        ends = {
            "lines": [Both(f"after {size} lines", f"{size}줄이 모이면")],
            "seconds": [Both(f"with its window of {size} seconds", f"{size}초 구간이 지나면")],
        }.get(self._rules.session.kind, [])
        if self.idle_seconds is not None:
            silence = f"{self.idle_seconds:g}"
            ends.append(Both(f"after {silence} seconds of silence", f"{silence}초 동안 새 줄이 없으면"))
        return Both(
            f"a session ends {' or '.join(end.en for end in ends)}",
            f"{' 또는 '.join(end.ko for end in ends)} 세션이 끝납니다",
        )

    def add(self, records: pl.DataFrame, now_us: int) -> None:
        """Take in records (PARSED_SCHEMA); those without a time are taken to be written at `now_us`."""
        if records.is_empty():
            return
        self._count_late(records)
        self.open.add(records, now_us)
        unlike = [message for message in records["message"].unique().to_list() if not self._fits(message)]
        if unlike:
            self._unlike = pl.concat([self._unlike, records.filter(pl.col("message").is_in(unlike)).select(OWNER)])

    def _count_late(self, records: pl.DataFrame) -> None:
        timed = records.select("log", "time").filter(pl.col("time") != NO_TIME)
        for (log,), times in timed.group_by("log"):
            number, of_log = int(str(log)), times["time"]
            before = self._reached.get(number)
            if before is not None:
                self.late_records += int((of_log < before - LATE_US).sum())
            self._reached[number] = max(before or 0, int(str(of_log.max())))

    def take(self, now_us: int, *, everything: bool = False) -> EndedSessions | None:
        """The sessions that have ended by `now_us`, or `everything`."""
        return self._built(self.open.take(now_us, everything=everything))

    def alarming(self, now_us: int) -> EndedSessions | None:
        """As they are now, the open sessions to which a line came that fits no `known` template, since the last call.

        What `take` would give out now waits for it.
        """
        if self._unlike.is_empty():
            return None
        found, self._unlike = self.open.so_far(self._unlike, now_us)
        return self._built(found)

    def facts(self) -> dict[str, Any]:
        """What `restore` needs beside the records; plain JSON values."""
        return {"parts": self.open.parts, "windows": self.open.windows}

    def restore(self, facts: dict[str, Any], records: pl.DataFrame, blocks: Sequence[TextBlock]) -> None:
        """Take up what an earlier stream held. Raises LookupError, TypeError, ValueError or polars' errors."""
        self.open.records = OpenRecords.load(records.select(STORED_SCHEMA.names()).cast(STORED_SCHEMA), blocks)
        self.open.parts = dict(facts["parts"])
        self.open.windows = {source: (line, number) for source, (line, number) in facts["windows"].items()}

    def _fits(self, message: str) -> bool:
        """Whether a known template fits."""
        fits = self._is_known.get(message)
        if fits is None:
            if len(self._is_known) > MOST_MESSAGES:
                self._is_known.clear()
            fits = self._is_known[message] = (
                self._known.match(canonical(message, self._rules.template_words)) is not None
            )
        return fits

    def _built(self, ended: Ended | None) -> EndedSessions | None:
        """Ended sessions as a dataset; templates are matched, lines that fit none get events after the known ones."""
        if ended is None:
            return None
        if self._numbered > MOST_MESSAGES:
            self._events, self._numbered = EventTable(self._rules), 0
        records = ended.records
        self._numbered += records.height
        numbers = self._events.number(records["message"], records["level"])
        event_of, templates = self._events.finish()
        names = records["source"].unique(maintain_order=True)
        places = pl.Series(range(len(names)), dtype=pl.Int32)
        located = records.select(
            pl.Series("key", ended.ids, dtype=pl.String).gather(records["session"]),
            pl.lit(0, dtype=pl.Int32).alias("stream"),
            pl.col("source").replace_strict(names, places, return_dtype=pl.Int32),
            "line", "time", "alert", "text",
            pl.Series("event", event_of[numbers.to_numpy()]),
        )  # fmt: skip
        grouper = Grouper(_WHOLE_SESSIONS, names.to_list(), max_events=records.height)
        sessions = with_times(grouper.whole(located)).sort("start", "session_id", nulls_last=True)
        endings = dict(zip(ended.ids, ended.endings, strict=True))
        return EndedSessions(
            Dataset(sessions.select(SESSIONS_SCHEMA.names()), templates, {}),
            sessions.select("session_id", "source_index", "line"),
            [Source(place, name, Path(name), named=True) for place, name in enumerate(names)],
            [endings[session_id] for session_id in sessions["session_id"]],
            located.select("source", "line", "text"),
            ended.texts,
        )

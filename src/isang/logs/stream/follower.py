"""Growing logs and other sources to sessions that have ended: parser, open sessions and the saved place together."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from isang.config import LogsConfig
from isang.errors import InputError
from isang.languages import Both
from isang.logs.parsing.timeline import NO_TIME
from isang.logs.rules import Rules
from isang.logs.stream.handover import raw_records
from isang.logs.stream.line_source import FollowedLogs
from isang.logs.stream.parser import RecordParser
from isang.logs.stream.record import RecordSource
from isang.logs.stream.saved_place import Place, SavedPlace
from isang.logs.stream.session_stream import EndedSessions, SessionStream
from isang.progress import say

DELIVERIES_SECONDS = 60.0
"""Time window in which the delays of sent records are remembered."""
MOST_GATHERED_US = 30_000_000
"""No longer is waited for a sender that gathers records."""
LOOK_SECONDS = 2.0
"""Time between two looks for new files."""


class Follower:
    """Reads growing logs and the records of `source`, and returns sessions as they end, see SessionStream.

    Without a saved place reading starts at the cursors `begin`: of the `logs`, and of the `source`. Once everything
    available has been read, the time in the logs advances with the wall clock. If a place was saved with the rules of
    another model, its open sessions are parsed again by these rules.
    """

    def __init__(
        self,
        paths: Sequence[str],
        rules: Rules,
        config: LogsConfig,
        *,
        idle_seconds: float,
        known: Sequence[str] = (),
        state: Path | None = None,
        source: RecordSource | None = None,
        begin: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._rules = clock, rules
        self.stream = SessionStream(rules, idle_seconds=idle_seconds, known=known)
        self._parser = RecordParser(rules, config, clock)
        self._source = source
        self._cursor: Any = None  # of what `source` gave and the stream holds
        self._sent: set[str] = set()  # streams of `source`
        self._sent_us = 0  # the time that `source` has come to
        self._read_at = clock()  # what was written until then has been read
        self._began_at = self._read_at
        self._delivered: deque[tuple[float, int]] = deque()  # of late deliveries: when, and the time within one
        self._delivered_at: dict[int, float] = {}  # the last delivery of each log
        self.noted: dict[str, Any] = {}
        """What the caller wants to find again after a restart; plain JSON values."""
        self.records: dict[str, int] = {}
        """How many the last `poll` read, by stream."""
        self.lines: list[pl.DataFrame] = []
        """All of these as LINES_SCHEMA, whether or not they belong to a session."""
        self.outside: list[pl.DataFrame] = []
        """Those that belong to no session, as OUTSIDE_SCHEMA."""
        self._saved = None if state is None else SavedPlace(state)
        self._handed_over: Place | None = None  # of another model
        try:
            self._logs = FollowedLogs(paths, config, self._load(begin or {}))
            self._looked_at = clock()
            self._begin(list(self._logs.tails))
            self._take_over()
            self.described = self._described(state)
            """When a session ends and where reading begins, in words."""
        except BaseException:
            self.close()
            raise

    @property
    def ended(self) -> bool:
        """Nothing more can come."""
        return self._source is None and self._logs.ended

    @property
    def behind(self) -> bool:
        """More is there than the last `poll` read."""
        return self._logs.behind or (self._source is not None and self._source.behind)

    @property
    def streams(self) -> int:
        """Logs that are followed or were sent."""
        return len(self._logs.tails) + len(self._sent)

    def poll(self, *, ended: bool = True) -> tuple[bool, EndedSessions | None]:
        """Read what came: (whether anything did, the sessions that have `ended`, where these are asked for)."""
        if self._clock() - self._looked_at > LOOK_SECONDS:
            self._looked_at = self._clock()
            self._begin(self._logs.look())
        now_us = self.now_us()
        read_at = self._clock()
        lines, _ = self._logs.read()
        self.records, self.lines, self.outside = _by_stream(lines), [], []
        if lines.height:
            streams = list(self.records)
            self.stream.add(self._parser.parse(lines, self._logs.written(streams), read_at=read_at), now_us)
            self._keep_parsed()
            self._logs.reached.update((stream, self._parser.latest_us(stream)) for stream in streams)
        self.records |= self._take_sent(now_us, read_at)
        self._read_at = read_at
        return bool(self.records), self.stream.take(self.now_us()) if ended else None

    def _take_sent(self, now_us: int, read_at: float) -> dict[str, int]:
        """Read from `source`; return the number of records of each stream."""
        if self._source is None:
            return {}
        sent, self._cursor = self._source.read()
        if sent.height:
            parsed = self._parser.parse(sent, read_at=read_at)
            self.stream.add(parsed, now_us)
            self._keep_parsed()
            self._note_delivery(parsed, read_at)
            streams = _by_stream(sent)
            self._sent.update(streams)
            self._sent_us = max(self._parser.latest_us(stream) for stream in streams)
        return _by_stream(sent)

    def _keep_parsed(self) -> None:
        self.lines.append(self._parser.lines)
        self.outside.append(self._parser.outside)

    def _note_delivery(self, parsed: pl.DataFrame, read_at: float) -> None:
        """Record the delay of a delivery: senders collect records before sending, which shows in the times within one.

        It is at most the time since the previous delivery of the same log: a longer span means older logs sent at once.
        """
        timed = parsed.filter(pl.col("time") != NO_TIME)
        spans = timed.group_by("log").agg(pl.col("time").max() - pl.col("time").min())
        gathered = 0
        for log, span in spans.iter_rows():
            since = read_at - self._delivered_at.get(log, self._began_at)
            gathered = max(gathered, min(MOST_GATHERED_US, span, int(since * 1e6)))
            self._delivered_at[log] = read_at
        self._delivered.append((read_at, gathered))
        while self._delivered[0][0] < read_at - DELIVERIES_SECONDS:
            self._delivered.popleft()

    def alarming(self) -> EndedSessions | None:
        """The open sessions in which the last `poll` found a line that fits no known template."""
        return self.stream.alarming(self.now_us())

    def finish(self) -> EndedSessions | None:
        """End all sessions, including the text after the last line end of each log."""
        now_us = self.now_us()
        self.stream.add(self._parser.parse(self._logs.last()), now_us)
        return self.stream.take(now_us, everything=True)

    def save(self) -> None:
        """Write where reading stands, where there is a file for it."""
        if self._saved is not None:
            records, blocks = self.stream.open.records.stored()
            facts = {
                "positions": self._logs.cursor(), **self.stream.facts(), "noted": self.noted,
                "cursor": self._cursor, "sent": self._parser.facts(self._sent),
            }  # fmt: skip
            self._saved.save(Place(facts, records, blocks), self._rules.to_dict())
            if self._source is not None and self._cursor is not None:
                self._source.acknowledge(self._cursor)

    def close(self) -> None:
        """Let another process use the state."""
        if self._saved is not None:
            self._saved.close()

    def _load(self, begin: Mapping[str, Any]) -> dict[str, Any]:
        """Take up what an earlier process saved: its positions."""
        rules = self._rules.to_dict()
        place = None if self._saved is None else self._saved.load(rules)
        if place is None or self._saved is None:
            if self._source is not None and begin.get("source") is not None:
                self._cursor = begin["source"]
                self._source.resume(self._cursor)
            return dict(begin.get("logs") or {})
        try:
            if place.facts["rules"] == rules:
                self.stream.restore(place.facts, place.records, place.blocks)
            else:
                self._handed_over = place
                say("the state is of another model: its open sessions are read again by the rules of this one")
            self.noted = dict(place.facts["noted"])
            self._cursor = place.facts.get("cursor")
            sent = place.facts.get("sent", {})
            self._parser.restore(sent)
            self._sent.update(sent)
            if self._source is not None and self._cursor is not None:
                self._source.resume(self._cursor)
            return dict(place.facts["positions"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._saved.refused(error) from error

    def _take_over(self) -> None:
        """Read the open records of another model's sessions by these rules."""
        place, self._handed_over = self._handed_over, None
        if place is not None and place.records.height:
            stream_of = {tail.name: stream for stream, tail in self._logs.tails.items()}
            self.stream.add(self._parser.parse(raw_records(place, stream_of)), self.now_us())

    def _begin(self, streams: Sequence[str]) -> None:
        """Inform the parser of logs that an earlier process began to read."""
        for stream in streams:
            tail = self._logs.tails[stream]
            if tail.position.line:
                self._parser.begin(stream, tail.beginning(), tail.position.previous)

    def now_us(self) -> int:
        """The time in the logs: up to it all is known.

        Beyond the last record it goes on with the clock, as far as that had come when all was read: however slow the
        process is, no session ends before its next line could be read. Where records are sent, it waits for as long as
        senders lately gathered them.
        """
        behind = [] if self._logs.horizon_us is None else [self._logs.horizon_us]
        if self._source is not None and self._source.behind:
            behind.append(self._sent_us)
        if behind:
            return min(behind)
        return self._parser.now_us(self._read_at) - max((gathered for _, gathered in self._delivered), default=0)

    def _described(self, state: Path | None) -> Both:
        """See `described`. Raises InputError where the state is of other logs."""
        known = sum(self._logs.is_known(stream) for stream in self._logs.tails)
        if self._logs.places and not known:
            others = ", ".join(list(self._logs.places)[:3])
            raise InputError(f"{state} is the state of other logs ({others}); name another --state file")
        new = len(self._logs.tails) - known
        ends = self.stream.described
        parts = [Both(f"{new} from the first line", f"{new}개는 첫 줄부터")] if new else []
        parts += [Both(f"{known} from where it was left", f"{known}개는 지난번에 읽은 곳부터")] if known else []
        if not parts:
            return ends
        return Both(
            f"{ends.en}; logs: {', '.join(part.en for part in parts)}",
            f"{ends.ko}. 로그: {', '.join(part.ko for part in parts)}",
        )


def _by_stream(records: pl.DataFrame) -> dict[str, int]:
    return dict(records["stream"].value_counts().iter_rows())

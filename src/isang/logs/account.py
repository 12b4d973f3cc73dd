"""What became of every line: the account that goes into meta.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from isang.config import LogsConfig, to_dict
from isang.logs.account_warnings import warnings_of
from isang.logs.input.chunks import ReadCounts
from isang.logs.input.sources import Source
from isang.logs.parsing import timestamps
from isang.logs.parsing.digit_cache import ParsedChunk
from isang.logs.parsing.known_layouts import known_layout
from isang.logs.parsing.records import SourceLayout
from isang.logs.rules import Rules
from isang.logs.store import SCHEMA


class LineCounts(NamedTuple):
    """What became of successive lines of one source."""

    leading: int = 0
    """Lines before the first record: they continue the record before these lines, if there is one."""
    continued: int = 0
    """Lines after the first record that go on with one."""
    blank: int = 0
    records: int = 0
    without_time: int = 0
    without_key: int = 0

    @classmethod
    def of(cls, parsed: ParsedChunk) -> "LineCounts":
        """Those of the lines of a chunk."""
        records, height = parsed.records, parsed.records.frame.height
        without_key = 0 if parsed.keys is None else height - parsed.keys["row"].n_unique()
        without_time = records.frame["time"].null_count()
        return cls(records.leading, records.continued, records.blank, height, without_time, without_key)

    def then(self, later: "LineCounts") -> "LineCounts":
        """The counts of these lines and the `later` ones together."""
        continued = later._replace(leading=0, continued=later.leading + later.continued) if self.records else later
        return LineCounts(*map(sum, zip(self, continued, strict=True)))


@dataclass(eq=False)
class SourceAccount:
    """What became of the lines of one source."""

    source: Source
    layout: SourceLayout
    read: ReadCounts = field(default_factory=ReadCounts)
    records: int = 0
    """Lines that begin a record."""
    without_key: int = 0
    """Records without a session key; they are in no session."""
    continued: int = 0
    """Lines that go on with a record."""
    blank: int = 0
    not_matched: int = 0
    """Lines before the first record that begin none themselves."""
    without_time: int = 0
    """Records whose time was not understood; they take that of the record before."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values; lines = used + without_key + continued + blank + not_matched."""
        times = timestamps.described(
            self.layout.clock, zone=self.layout.zone, reference=self.layout.reference, zoned=self.layout.zoned
        )
        damage, doubts = self.read.damage, self.layout.doubts
        return {
            "name": self.source.name,
            "path": str(self.source.path.absolute()),
            "sha256": self.read.digest.hexdigest(),
            "bytes": self.read.bytes,
            "lines": self.read.lines,
            "used": self.records - self.without_key,
            "without_key": self.without_key,
            "continued": self.continued,
            "blank": self.blank,
            "not_matched": self.not_matched,
            "without_time": self.without_time,
            "not_decoded": self.read.undecodable_lines,
            "cut": self.read.cut_lines,
            "damage": None if damage is None else damage.en,
            "encoding": self.read.encoding,
            "leading_nuls": self.read.leading_nuls,
            "container": self.layout.container,
            "layouts": [{"name": layout.name, "share": round(share, 4)} for layout, share in self.layout.layouts],
            "unknown_layouts": [
                {"name": layout.name, "lines": round(share * self.read.lines)} for layout, share in self.layout.unknown
            ],
            "doubts": [doubt.en for doubt in doubts],
            "doubts_ko": [doubt.ko for doubt in doubts],
            "times": times.en,
            "times_ko": times.ko,
        }


LINE_COUNTS = (
    "lines",
    "used",
    "without_key",
    "continued",
    "blank",
    "not_matched",
    "without_time",
    "not_decoded",
    "cut",
)
"""The counts of lines in meta.json, in all and per source."""


class SessionTotals:
    """Totals over all sessions, counted part by part."""

    def __init__(self) -> None:
        self.sessions = self.events = self.labelled = self.anomalous = 0
        self.start: datetime | None = None
        self.end: datetime | None = None

    def add(self, sessions: pl.DataFrame) -> None:
        """Count a part of the sessions."""
        self.sessions += sessions.height
        self.events += int(sessions["events"].list.len().sum())
        self.labelled += int(sessions["label"].count())
        self.anomalous += int(sessions["label"].sum())
        starts, ends = sessions["start"].min(), sessions["end"].max()
        self.start = min((time for time in (self.start, starts) if isinstance(time, datetime)), default=None)
        self.end = max((time for time in (self.end, ends) if isinstance(time, datetime)), default=None)

    def add_all(self, later: "SessionTotals") -> None:
        """Add the totals of the sessions that follow."""
        for name in ("sessions", "events", "labelled", "anomalous"):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        self.start = min((time for time in (self.start, later.start) if time is not None), default=None)
        self.end = max((time for time in (self.end, later.end) if time is not None), default=None)

    def labels(self) -> dict[str, Any] | None:
        """Labels that the lines themselves carry."""
        if not self.labelled:
            return None
        return {
            "source": "the alert column of the log lines",
            "labelled": self.labelled,
            "anomalous": self.anomalous,
            "sessions_without_label": self.sessions - self.labelled,
        }


def account_for(
    accounts: Sequence[SourceAccount],
    skipped: Mapping[str, str],
    totals: SessionTotals,
    cut: int,
    templates: pl.DataFrame,
    rules: Rules,
    config: LogsConfig,
) -> dict[str, Any]:
    """The content of meta.json; `labels` are those of the lines, `cut` is the number of sessions cut into pieces."""
    ways = {way: number for number, way in enumerate(dict.fromkeys(known_layout(each.layout) for each in accounts))}
    sources = [account.to_dict() | {"read_as": ways[known_layout(account.layout)]} for account in accounts]
    counts = {name: sum(source[name] for source in sources) for name in LINE_COUNTS}
    meta = {
        "schema": SCHEMA,
        **counts,
        "sessions": totals.sessions,
        "events": totals.events,
        "templates": templates.height,
        "sessions_cut": cut,
        "start": totals.start.isoformat() if totals.start is not None else None,
        "end": totals.end.isoformat() if totals.end is not None else None,
        "session_rule": rules.session.to_dict(),
        "labels": totals.labels(),
        "skipped_files": list(skipped),
        "sources": sources,
        "read_as": [way.to_dict() for way in ways],
        "config": to_dict(config),
        "rules": rules.to_dict(),
    }
    found = warnings_of(meta, accounts, skipped, templates)
    meta["warnings"], meta["warnings_ko"] = [one.en for one in found], [one.ko for one in found]
    return meta

"""Growing logs to sessions that have ended."""

import io
import json
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from glob import has_magic
from pathlib import Path
from typing import Any

import polars as pl

from isang.compression import COMPRESSED
from isang.config import LogsConfig
from isang.errors import InputError, UsageError
from isang.files import being_written
from isang.logs.input.chunks import CHUNK_BYTES
from isang.logs.input.sources import Source, find_sources, log_of
from isang.logs.prepare import with_times
from isang.logs.rules import Rules
from isang.logs.sessions.grouping import Grouper
from isang.logs.sessions.rule import SessionRule
from isang.logs.store import SESSIONS_SCHEMA, Dataset
from isang.logs.stream.line_source import RECORD_SCHEMA, GrowingLog
from isang.logs.stream.open_records import OWNER, STORED_SCHEMA, OpenRecords
from isang.logs.stream.open_sessions import Ended, OpenSessions
from isang.logs.stream.rotation import Position
from isang.logs.stream.tails import FileTail, PipeTail
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.miner import TemplateIndex, canonical
from isang.logs.templates.text_store import TextBlock, Texts

SCHEMA = 3
LOOK_SECONDS = 2.0
"""Time between two looks for new files."""
MOST_MESSAGES = 20_000
"""After so many records the table of messages starts anew, to stay small."""
_BYTES = ("head", "mark", "rest")
"""Of a position; hexadecimal in JSON."""
_FACTS, _RECORDS, _TEXTS = "facts.json", "records.parquet", "texts/"
"""Members of the state's archive."""
_NO_STATE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile, pl.exceptions.PolarsError,
)  # fmt: skip
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
    """`source` (position in `sources`), `line` and `text` (number in `texts`) of each record."""
    texts: Texts = field(repr=False)

    def raw(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """The texts of the records that begin at (source_index, line)."""
        places = pl.DataFrame(list(wanted), schema={"source": pl.Int32, "line": pl.UInt32}, orient="row")
        found = self.records.join(places, on=["source", "line"], how="semi", maintain_order="left")
        texts = self.texts.get(found["text"].to_list())
        return {(source, line): texts[text] for source, line, text in found.iter_rows()}


class Follower:
    """Reads logs as they grow and gives out their sessions as they end.

    Sessions end by `rules`; those of a key that has no gap after `idle_seconds` of silence. Silence is measured in the
    logs' own time, which goes on with the clock on the wall once all that is there has been read. `known` are the
    templates of lines that are no cause for alarm.
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._paths, self._rules, self._config = list(paths), rules, config
        self._idle_seconds = rules.session.gap_seconds
        if self._idle_seconds is None and rules.session.kind == "key":
            self._idle_seconds = idle_seconds
        self.open = OpenSessions(rules, self._idle_seconds)
        self._events, self._numbered = EventTable(rules), 0
        self._known = TemplateIndex(known)
        self._state = state
        self._positions: dict[str, Position] = {}
        self.noted: dict[str, Any] = {}
        """What the caller wants to find again after a restart; plain JSON values."""
        self._logs: dict[Path, GrowingLog] = {}
        self._behind: set[Path] = set()  # logs of which more is there than is read at a time
        if state is not None and state.exists():
            self._load(state)
        self._look()
        self._begins = self._beginning()

    @property
    def described(self) -> str:
        """When a session ends and where reading begins, in words."""
        size = f"{self._rules.session.size:g}" if self._rules.session.size else ""
        ends = {"lines": [f"after {size} lines"], "seconds": [f"with its window of {size} seconds"]}.get(
            self._rules.session.kind, []
        )
        if self._idle_seconds is not None:
            ends.append(f"after {self._idle_seconds:g} seconds of silence")
        return f"a session ends {' or '.join(ends)}; {self._begins}"

    @property
    def ended(self) -> bool:
        """Nothing more can come."""
        return bool(self._logs) and all(log.tail.ended for log in self._logs.values())

    def poll(self) -> tuple[bool, EndedSessions | None]:
        """Read what came: (whether anything did, the sessions that have ended)."""
        if self._clock() - self._looked_at > LOOK_SECONDS:
            self._look()
        now_us, horizon = self._now_us(), self._horizon_us()
        due = [path for path, log in self._logs.items() if horizon is None or (log.latest_us or 0) <= horizon]
        self._unlike = RECORD_SCHEMA.to_frame().select(OWNER)
        came = [self._read(path, now_us) for path in due]
        return any(came), self._built(self.open.take(self._now_us()))

    def alarming(self) -> EndedSessions | None:
        """As they are now, the open sessions in which the last `poll` found a line that fits no `known` template."""
        return self._built(self.open.so_far(self._unlike)) if self._unlike.height else None

    def finish(self) -> EndedSessions | None:
        """End all sessions, with the text behind the last line end of each log."""
        now_us = self._now_us()
        for log in self._logs.values():
            records = log.last()
            if records is not None:
                self.open.add(records, now_us)
        return self._built(self.open.take(now_us, everything=True))

    def _read(self, path: Path, now_us: int) -> bool:
        log = self._logs[path]
        before = log.tail.position.offset
        records = log.read()
        if records is None:
            self._behind.discard(path)
            return False
        self.open.add(records, now_us)
        self._unlike = pl.concat([self._unlike, self._owners_unlike(records)])
        if log.tail.position.offset - before > CHUNK_BYTES // 2:
            self._behind.add(path)
        return True

    def _owners_unlike(self, records: pl.DataFrame) -> pl.DataFrame:
        """Whose records fit no known template."""
        messages = records["message"].unique().to_list()
        words = self._rules.template_words
        unlike = [message for message in messages if self._known.match(canonical(message, words)) is None]
        return records.filter(pl.col("message").is_in(unlike)).select(OWNER)

    def _horizon_us(self) -> int | None:
        """The time up to which the logs have been read, while more is there than is read at a time."""
        return min((self._logs[path].latest_us or 0 for path in self._behind), default=None)

    def _now_us(self) -> int:
        """The time in the logs."""
        horizon = self._horizon_us()
        return horizon if horizon is not None else max((log.now_us() for log in self._logs.values()), default=0)

    def _look(self) -> None:
        """Find files that are new."""
        self._looked_at = self._clock()
        try:
            tails = list(_tails(self._paths, self._config.max_line_bytes, set(self._logs), self._positions))
        except InputError:
            if not self._logs:
                raise
            return  # nothing is there while files are moved about
        for tail in tails:
            self._logs[tail.path] = GrowingLog(tail, len(self._logs), self._rules, self._config, self._clock)

    def _beginning(self) -> str:
        """Where reading begins, in words. Raises InputError where the state is of other logs."""
        known = sum(_place_of(path) in self._positions for path in self._logs)
        if self._positions and not known:
            raise InputError(
                f"{self._state} is the state of other logs ({', '.join(list(self._positions)[:3])}); "
                "name another --state file"
            )
        new = len(self._logs) - known
        parts = [f"{new} from the first line"] if new else []
        parts += [f"{known} from where it was left"] if known else []
        return f"logs: {', '.join(parts)}"

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
        sessions = pl.concat([grouper.add(located), grouper.finish()])
        sessions = with_times(sessions).sort("start", "session_id", nulls_last=True)
        endings = dict(zip(ended.ids, ended.endings, strict=True))
        return EndedSessions(
            Dataset(sessions.select(SESSIONS_SCHEMA.names()), templates, {}),
            sessions.select("session_id", "source_index", "line"),
            [Source(place, name, Path(name), named=True) for place, name in enumerate(names)],
            [endings[session_id] for session_id in sessions["session_id"]],
            located.select("source", "line", "text"),
            ended.texts,
        )

    def save(self) -> None:
        """Write where reading stands, in one step, as a ZIP archive.

        It holds `facts.json`, the records of open sessions as Parquet, and their texts as they lie in memory, so that
        nothing is compressed anew.
        """
        if self._state is None:
            return
        positions = self._positions | {_place_of(path): log.tail.position for path, log in self._logs.items()}
        facts = {
            "schema": SCHEMA,
            "rules": self._rules.to_dict(),
            "positions": {
                path: asdict(position) | {name: getattr(position, name).hex() for name in _BYTES}
                for path, position in positions.items()
            },
            "parts": self.open.parts,
            "windows": self.open.windows,
            "noted": self.noted,
        }
        records, blocks = self.open.records.stored()
        table = io.BytesIO()
        records.write_parquet(table, compression="lz4")
        with being_written(self._state) as beside, zipfile.ZipFile(beside, "w") as archive:
            archive.writestr(_FACTS, json.dumps(facts))
            archive.writestr(_RECORDS, table.getbuffer().tobytes())
            for number, block in enumerate(blocks):
                archive.writestr(f"{_TEXTS}{number:06}", block.packed)

    def _load(self, state: Path) -> None:
        """Take up what an earlier process saved. Raises InputError for a file that is none of its own."""
        try:
            with zipfile.ZipFile(state) as archive:
                facts = json.loads(archive.read(_FACTS))
                table = io.BytesIO(archive.read(_RECORDS))
                texts = sorted(name for name in archive.namelist() if name.startswith(_TEXTS))
                blocks = [TextBlock.read(archive.read(name)) for name in texts]
            if facts["schema"] != SCHEMA or facts["rules"] != self._rules.to_dict():
                raise InputError(f"{state} was written with another model; name another --state file")
            records = pl.read_parquet(table).select(STORED_SCHEMA.names()).cast(STORED_SCHEMA)
            self.open.records = OpenRecords.load(records, blocks)
            self.open.parts = dict(facts["parts"])
            self.open.windows = {source: (line, number) for source, (line, number) in facts.get("windows", {}).items()}
            self.noted = dict(facts["noted"])
            self._positions = {
                path: Position(**(position | {name: bytes.fromhex(position[name]) for name in _BYTES}))
                for path, position in facts["positions"].items()
            }
        except _NO_STATE as error:
            raise InputError(f"{state} is no state of isang detect --follow: {error}; name another file") from error


def _tails(
    paths: Sequence[str], max_line_bytes: int, known: set[Path], positions: Mapping[str, Position]
) -> Iterator[FileTail | PipeTail]:
    """The logs that `paths` name now and that are not `known`; one for each rotated set."""
    if "-" in paths:
        if len(paths) > 1:
            raise UsageError("standard input ('-') is followed alone, without files beside it")
        if not known:
            yield PipeTail(sys.stdin.fileno(), "stdin", max_line_bytes=max_line_bytes)
        return
    streams: dict[int, list[Source]] = {}
    for source in _sources(paths):
        streams.setdefault(source.stream, []).append(source)
    for members in streams.values():
        log = log_of(members[-1].path)
        if log not in known:
            yield FileTail(
                log, members[-1].name, max_line_bytes=max_line_bytes, start=members[0].path,
                position=positions.get(_place_of(log)),
            )  # fmt: skip


def _place_of(log: Path) -> str:
    """Where the log lies, whatever folder a process works in."""
    return str(log.absolute())


def _sources(paths: Sequence[str]) -> list[Source]:
    """As `find_sources`, but a file may be missing for now, and what does not grow is an error or left out."""
    for path in paths:
        if Path(path).is_fifo():
            raise UsageError(f"{path} is a pipe; follow a pipe as standard input: isang detect … - --follow < {path}")
    missing = [path for path in paths if not Path(path).exists() and not has_magic(path)]
    there = [path for path in paths if path not in missing]
    found = find_sources(there) if there else []
    for source in found:
        if source.named and source.path.suffix.lower() in COMPRESSED:
            raise UsageError(f"{source.path} is compressed, so it does not grow; leave it out, or leave out --follow")
    growing = [source for source in found if source.path.suffix.lower() not in COMPRESSED]
    streams = len(found)
    return growing + [
        Source(len(found) + place, Path(path).name, Path(path), named=True, stream=streams + place)
        for place, path in enumerate(missing)
    ]

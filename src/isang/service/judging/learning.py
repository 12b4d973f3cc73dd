"""Learning without a model: records are collected until there are enough, then a separate process trains."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from isang.config import LogsConfig
from isang.errors import IsangError
from isang.languages import Both
from isang.logs.input.sources import find_sources
from isang.logs.parsing.recognition import recognise_sources, session_rule
from isang.logs.sessions.rule import keys_of
from isang.logs.stream.line_source import FollowedLogs
from isang.progress import say
from isang.service.intake.secrets import without_secrets
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database
from isang.service.storage.journal import JournalSource, RecordJournal

ESTIMATE_SECONDS = 10.0
"""Interval at which the number of collected sessions is estimated."""
LOOK_SECONDS = 0.5
NICENESS = 10
_PLAIN_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class Learning:
    """Stores records as log files, one per stream, reports how much is missing, and trains.

    Its position is saved in the database after each poll; if the process is killed in between, a record may be stored
    twice, which does not harm training. Records that arrive during training stay in the journal and are the first to
    be judged.
    """

    def __init__(self, settings: ServiceSettings, journal: RecordJournal, database: Database) -> None:
        self._settings, self._database = settings, database
        self._folder = settings.home / "learning"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._source = JournalSource(journal)
        cursors = database.fact("learning") or {}
        self._logs = FollowedLogs(settings.logs, LogsConfig(), cursors.get("logs"))
        if cursors.get("source"):
            self._source.resume(cursors["source"])
        self._bytes = sum(path.stat().st_size for path in self._folder.iterdir())
        self._began = time.monotonic()
        self._estimated_at = 0.0
        self._sessions_at_start: float | None = None
        self.sessions = 0
        """Approximate number of sessions collected."""
        self.training = False
        self.error: str | None = None

    def says(self) -> Both:
        """The progress of learning, in a sentence."""
        if self.training:
            return Both(
                f"training a model on about {self.sessions:,} sessions",
                f"세션 약 {self.sessions:,}개로 모델을 학습하고 있습니다",
            )
        wanted = self._settings.learning_sessions
        missing = max(0, wanted - self.sessions)
        says = f"learning: about {self.sessions:,} of {wanted:,} sessions have come"
        says_ko = f"학습에 쓸 세션을 모으는 중: {wanted:,}개 중 약 {self.sessions:,}개가 들어왔습니다"
        came = self.sessions - (self._sessions_at_start or 0)
        if came > 0 and missing:
            minutes = missing * (time.monotonic() - self._began) / came / 60
            soon = minutes < 1.5
            says += "; enough in a minute" if soon else f"; enough in about {minutes:.0f} minutes"
            says_ko += ". 곧 다 모입니다" if soon else f". 약 {minutes:.0f}분 뒤에 다 모입니다"
        if self.error is not None:
            says += f"; the last attempt failed: {self.error}"
            says_ko += f". 지난번 학습은 실패했습니다: {self.error}"
        return Both(says, says_ko)

    def run(self, stop: threading.Event) -> Path | None:
        """Collect until there is enough, then train; return the model's folder, or None if `stop` came first."""
        while not stop.is_set():
            self._collect()
            if time.monotonic() - self._estimated_at > ESTIMATE_SECONDS:
                self._estimate()
                if self.sessions >= self._settings.learning_sessions or self._bytes > self._settings.learning_bytes:
                    model = self._train(stop)
                    if model is not None or stop.is_set():
                        return model
            stop.wait(LOOK_SECONDS)
        return None

    def _collect(self) -> None:
        """Store new records."""
        self._logs.look()
        while True:
            lines, logs = self._logs.read()
            sent, journal = self._source.read()
            if self._settings.redact:
                lines = without_secrets(lines)
            records = pl.concat([lines, sent])
            if records.is_empty():
                return
            for (stream,), part in records.group_by("stream", maintain_order=True):
                text = "".join(f"{line}\n" for line in _lines(part))
                with (self._folder / _file_name(str(stream))).open("a", encoding="utf-8") as file:
                    file.write(text)
                self._bytes += len(text)
            self._database.keep("learning", {"logs": logs, "source": journal})
            self._source.acknowledge(journal)
            if self._bytes > self._settings.learning_bytes:
                return

    def _estimate(self) -> None:
        """Estimate the number of collected sessions from the beginnings of the logs."""
        self._estimated_at = time.monotonic()
        try:
            found = recognise_sources(find_sources([str(self._folder)]), LogsConfig())
            rule = session_rule(found.sample, LogsConfig())
        except IsangError:
            return  # nothing is there yet
        sample = max(1, int(found.sample["text"].str.len_bytes().sum()) + found.sample.height)
        number = found.sample.height / (rule.size or LogsConfig().default_window_lines)
        if rule.pattern is not None:
            number = keys_of(found.sample["text"], rule.pattern)["key"].n_unique()
        self.sessions = int(number * max(1.0, self._bytes / sample))
        if self._sessions_at_start is None:
            self._sessions_at_start = self.sessions

    def _train(self, stop: threading.Event) -> Path | None:
        """Train in a separate process, at low priority."""
        number = 1 + max((int(path.name) for path in (self._settings.home / "models").glob("[0-9]*")), default=0)
        folder = self._settings.home / "models" / f"{number:04d}"
        folder.parent.mkdir(exist_ok=True)
        self.training = True
        say(self.says().en)
        command = [sys.executable, "-m", "isang", "run", str(self._folder), "--out", str(folder)]
        own = self._settings.home / "isang.toml"
        command += ["--config", str(own)] if own.exists() else []
        command += [] if self._settings.redact else ["--no-redact"]
        log = self._settings.home / "training.log"
        with (
            log.open("ab") as out,
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=_low_priority
            ) as process,
        ):
            while process.poll() is None:
                if stop.wait(0.5):
                    process.terminate()
        self.training = False
        if process.returncode == 0:
            return folder
        self.error = f"see {log}"
        self._estimated_at = time.monotonic() + 60  # more may come until the next attempt
        return None


def _low_priority() -> None:
    os.nice(NICENESS)


def _file_name(stream: str) -> str:
    """The file name of a stream, which contains the stream's name."""
    plain = _PLAIN_NAME.sub("-", stream).strip("-.")[-80:]
    return f"{plain}-{hashlib.sha256(stream.encode()).hexdigest()[:8]}.log"


def _lines(records: pl.DataFrame) -> list[str]:
    """Records as log lines: raw ones as they are, structured ones as JSON."""
    return [
        text
        if message is None
        else json.dumps(
            {"time": time_us and _iso(time_us), "level": level, "message": message, "trace_id": trace}
            | json.loads(fields or "{}"),
            ensure_ascii=False,
        )
        for time_us, level, message, text, fields, trace in records.select(
            "time", "level", "message", "text", "fields", "trace_id"
        ).iter_rows()
    ]


def _iso(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat()

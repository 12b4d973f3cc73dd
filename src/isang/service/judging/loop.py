"""The judging loop: all sources together, in batches, from the journal and the followed logs to incidents."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from isang.artifact import Model, load_model
from isang.detection.live import Following, LookedAt, pause_after
from isang.detection.whole.live.going import Going
from isang.errors import IsangError
from isang.logs.stream.open_sessions import MOST_RECORDS
from isang.progress import say
from isang.service.feedback import Feedback
from isang.service.judging.incident_book import STREAM, IncidentBook, IncidentChange
from isang.service.judging.log_incidents import LogIncidents
from isang.service.judging.new_line_incidents import NewLineIncidents
from isang.service.judging.shedding import Shedding
from isang.service.metrics import Metrics
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database
from isang.service.storage.journal import JournalSource, RecordJournal

PLACE = "place"
"""The file in the home folder with the position of judging."""
EXPIRE_EVERY_SECONDS = 60.0
OPEN_RECORD_BYTES = 1_000
"""Memory assumed per record of an open session; Shedding measures what is really used."""
DRAIN_SECONDS = 15.0
"""When the service stops, no new poll begins after this time: supervisors kill what does not end in time."""
RETRY_SECONDS = 5.0
"""Pause after an error that may be temporary, such as a full disk."""


class Judging:
    """Judges incoming records until it is asked to stop.

    `put` runs within the transaction in which an incident changes, `tell` after it.

    Results are in the database before the position is advanced, and an anomaly that is already there changes nothing:
    whatever kills the process, no record is lost and none counts twice.
    """

    def __init__(
        self, settings: ServiceSettings, model: Path, journal: RecordJournal, database: Database, metrics: Metrics,
        put: Callable[[IncidentChange], None], tell: Callable[[IncidentChange], None],
        begin: Mapping[str, Any] | None, feedback: Feedback, looked: Callable[[LookedAt], None] | None = None,
    ) -> None:  # fmt: skip
        self._database, self._metrics, self._put, self._tell = database, metrics, put, tell
        self._journal = journal
        self.folder = model
        self.model = _with_budget(load_model(model), settings.alerts_per_thousand)
        self.model_name = str(self.model.facts["dataset"])[:12]
        self._feedback, self._answers = feedback, feedback.answers
        self._book = self._opened_book()
        self._found: list[dict[str, Any]] = []  # anomalies that are not in the database yet
        self.following = Following(
            self.model, list(settings.logs), idle_seconds=settings.idle_seconds, state=settings.home / PLACE,
            source=JournalSource(journal), begin=begin, answers=self._answers, with_sessions=True,
            looked=looked, whole=True,
        )  # fmt: skip
        assert self.following.watch is not None
        self.watch = self.following.watch
        self._of_logs = LogIncidents(database, self.model, self.watch.window_seconds)
        self._of_new_lines = NewLineIncidents(database)
        self._going: list[Going] | None = None  # what was found of all lines and is not in the database yet
        open_sessions = self.following.follower.stream.open
        open_sessions.most_records = max(MOST_RECORDS, settings.memory_bytes // OPEN_RECORD_BYTES)
        metrics.asked.set(self.model.config.detection.alerts_per_thousand)
        metrics.model_info.clear()  # of the previous model
        metrics.model_info.labels(STREAM, self.model_name).set(1)
        metrics.templates.labels(STREAM).set(len(self.model.vocabulary.templates))
        self._counted = (0, 0)  # late records, and sessions that ended early
        self._shedding = Shedding(settings.memory_bytes, journal, metrics)
        trained_until = self.model.facts.get("trained_until")
        if trained_until is not None:
            trained_at = datetime.fromisoformat(trained_until).timestamp()
            metrics.model_age.set_function(lambda: time.time() - trained_at)
        self._keep_days, self._expired_at = settings.lifecycle.keep_days, 0.0
        self._caught_up_at = time.monotonic()
        self.error: str | None = None
        """Why judging is stalled at the moment."""

    @property
    def sessions(self) -> int:
        """Sessions judged, over all starts of the service."""
        return self.following.before[0] + self.following.sessions

    @property
    def anomalies(self) -> int:
        """Number of these sessions that were anomalous."""
        return self.following.before[1] + self.following.anomalies

    def run(self, stop: threading.Event, switch: threading.Event) -> None:
        """Judge until `switch` to another model or `stop` is set; then judge for a while what was accepted, and save.

        What is left is on disk and is judged after the next start.
        """
        self._guarded(self.following.save)
        while not (stop.is_set() or switch.is_set()):
            began = time.monotonic()
            self._guarded(partial(self.look, ended=self.following.ended_are_due(began)))
            if self.error is not None:
                stop.wait(RETRY_SECONDS)
            elif not self.following.follower.behind:
                stop.wait(pause_after(time.monotonic() - began, came=bool(self.following.follower.records)))
        until = time.monotonic() + DRAIN_SECONDS
        while not switch.is_set():
            self._guarded(self.look)
            if not self.following.follower.behind or self.error is not None or time.monotonic() > until:
                break
        if not self._found:  # else what was not written is judged again from the previous position
            self._guarded(self.following.save)
        self.following.close()

    def look(self, *, ended: bool = True) -> None:
        """Read and judge once; with `ended` False, only alarming lines in sessions that have not ended."""
        began = time.perf_counter()
        sessions, anomalies = self.following.sessions, self.following.anomalies
        _, found = self.following.poll(ended=ended)
        self._found += found
        now_us = self.following.follower.now_us()
        answers = self._feedback.answers
        going = self.watch.found(now_us)
        if going is not None:
            self._going = [*(one for one in self._going or () if one.over), *going]
        try:
            with self._database.together():
                changes = []
                if answers is not self._answers:
                    changes += self._book.answer(answers, self.sessions, now_us)
                changes += self._book.add(self._found, self.sessions, now_us) + self._book.resolve(now_us)
                if self._going is not None:
                    changes += self._of_logs.look(self._going, answers, now_us)
                changes += self._of_new_lines.look(self.watch.new_lines.found(now_us), answers, now_us)
                expired = self._expire(now_us)
                for change in changes:
                    self._put(change)
        except Exception:  # nothing of it is in the database: the next poll reads all of it again
            self._book = self._opened_book()
            self._of_new_lines = NewLineIncidents(self._database)
            raise
        self._found.clear()
        self._going = None
        self.watch.new_lines.forget_ended(now_us)
        if answers is not self._answers:
            self._answers = answers
            self.following.answer(answers)
        for change in changes:
            self._tell(change)
        self.following.save_in_time(bool(changes))
        self._measure_streams(found)
        self._measure(
            began, self.following.sessions - sessions, self.following.anomalies - anomalies, bool(changes) or expired
        )

    def _opened_book(self) -> IncidentBook:
        return IncidentBook(self._database, self.model, self.model_name, self._answers)

    def _measure(self, began: float, sessions: int, anomalies: int, changed: bool) -> None:
        metrics, follower = self._metrics, self.following.follower
        metrics.judging.observe(time.perf_counter() - began)
        metrics.sessions.labels(STREAM).inc(sessions)
        metrics.anomalies.labels(STREAM).inc(anomalies)
        if not self.following.follower.behind:
            self._caught_up_at = time.monotonic()
        metrics.lag.set(time.monotonic() - self._caught_up_at)
        metrics.journal_bytes.set(self._journal.size)
        metrics.open_sessions.labels(STREAM).set(len(self.following.follower.stream.open.records.owners()))
        late, early = follower.stream.late_records, self.following.ended_early
        metrics.late.inc(late - self._counted[0])
        metrics.ended_early.labels(STREAM).inc(early - self._counted[1])
        self._counted = (late, early)
        unseen, lines = self.following.lately
        metrics.unseen.labels(STREAM).set(unseen / lines if lines else 0.0)
        self._shedding.look(follower.stream.open)
        if self.sessions:
            metrics.alerts.labels(STREAM).set(1000 * self.anomalies / self.sessions)
        if changed:
            for (stream, state), count in self._database.counts().items():
                metrics.incidents.labels(stream, state).set(count)

    def _expire(self, now_us: int) -> bool:
        """From time to time, expire resolved incidents too old to be kept with their lines; whether there were any."""
        now = time.monotonic()
        if now - self._expired_at < EXPIRE_EVERY_SECONDS:
            return False
        self._expired_at = now
        return self._database.expire(now_us - int(self._keep_days * 86_400e6)) > 0

    def _measure_streams(self, found: Sequence[Mapping[str, Any]]) -> None:
        metrics = self._metrics
        for stream, count in self.following.follower.records.items():
            label = metrics.stream(stream)
            metrics.stream_records.labels(label).inc(count)
            metrics.stream_latest.labels(label).set(time.time())
        for record in found:
            metrics.stream_anomalies.labels(metrics.stream(record["source"])).inc()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Do `work`; an error of the system or of an input is reported once, and the work retried later."""
        try:
            work()
        except (IsangError, OSError) as error:
            if self.error != str(error):
                say(f"warning: judging waits: {error}")
            self.error = str(error)
        else:
            if self.error is not None:
                say("judging goes on")
            self.error = None


def _with_budget(model: Model, alerts_per_thousand: float | None) -> Model:
    if alerts_per_thousand is None:
        return model
    detection = replace(model.config.detection, alerts_per_thousand=alerts_per_thousand)
    return replace(model, config=replace(model.config, detection=detection))

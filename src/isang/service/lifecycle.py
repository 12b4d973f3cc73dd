"""The service from start to stop: one process, one home folder, one port."""

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn

import isang
from isang.artifact import Model, model_folder
from isang.detection.live import LookedAt
from isang.errors import UsageError
from isang.languages import Both
from isang.progress import say
from isang.service.feedback import Feedback, Refused
from isang.service.intake import Listener
from isang.service.intake.acceptance import Acceptance
from isang.service.intake.listener import bound
from isang.service.judging.incident_book import IncidentChange
from isang.service.judging.learning import Learning
from isang.service.judging.loop import Judging
from isang.service.metrics import Metrics
from isang.service.models.advice import Advice
from isang.service.models.candidates import Candidates
from isang.service.models.versions import Versions
from isang.service.outputs.delivery import Delivery
from isang.service.plugged import listeners, senders
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database
from isang.service.storage.journal import RecordJournal
from isang.service.web.events import EventChannel
from isang.service.web.http import application
from isang.signals import stopping, tell

DRAIN_SECONDS = 5
"""Time that pending requests get when the service stops."""
ASKED = Both("a person asked for it", "사람이 요청했습니다")
"""The reason for training a candidate that was not suggested."""
REQUEST_SECONDS, CROWDED_SECONDS = 10.0, 1.0
"""Time for a new connection to send its request head, normally and when half of all connections are in use."""


class Service:
    """All parts of the running service, and the threads that judge and deliver."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        settings.home.mkdir(parents=True, exist_ok=True)
        self.metrics, self.events = Metrics(), EventChannel()
        self.database = Database(settings.home / "isang.db")
        self.journal = RecordJournal(settings.home / "journal", max_bytes=settings.journal_bytes)
        self.url = _url(settings.host, settings.port)
        self._delivery = Delivery(senders(settings), self.database, self.metrics, self.url)
        self.feedback = Feedback(self.database, self.metrics, self._delivery.put, self.events.publish)
        self.feedback.judged = lambda: 0 if self._judging is None else self._judging.sessions
        self.versions = Versions(self.database)
        self.candidates = Candidates(settings, self.database, self.versions, self.feedback, self._promoted_by)
        self.advice = Advice(
            settings, self.database, self.versions, self.metrics,
            lambda reason: self.train(reason=reason, force=False), self.candidates.outage,
        )  # fmt: skip
        self._stop, self._switch = threading.Event(), threading.Event()
        self._judging: Judging | None = None
        self._learning: Learning | None = None
        self._failed: str | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start judging, or learning. Raises what `load_model` and the logs raise."""
        self.versions.interrupted()
        model = self._model()
        if model is not None:
            self._judging = self._judge_with(model)
            say(f"detecting with the model {model}; {self._judging.following.rule.en}")
            say(self._judging.watch.says.en)
        else:
            self._learning = Learning(self.settings, self.journal, self.database)
            say(self._learning.says().en)
        for work in (self._work, lambda: self._delivery.run(self._stop)):
            self._threads.append(threading.Thread(target=work, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """Judge what was accepted, save, and end all threads."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.advice.close()
        self.candidates.close()
        self.journal.close()
        self.database.close()

    def status(self) -> dict[str, Any]:
        """See Running."""
        judging, learning = self._judging, self._learning
        wrong = self._failed or (judging.error if judging else None)
        says = Both.same(wrong) if wrong else learning.says() if learning and not judging else None
        found: dict[str, Any] = {
            "schema": 1,
            "version": isang.__version__,
            "state": self._state(),
            "says": None if says is None else says.en,
            "says_ko": None if says is None else says.ko,
            "journal_bytes": self.journal.size,
            "incidents": {state: count for (_, state), count in sorted(self.database.counts().items())},
        }
        if judging is not None:
            follower = judging.following.follower
            found |= {
                "model": judging.model_name,
                "rule": judging.following.rule.en,
                "rule_ko": judging.following.rule.ko,
                "watches": judging.watch.says.en,
                "watches_ko": judging.watch.says.ko,
                "sessions": judging.sessions,
                "anomalies": judging.anomalies,
                "open_sessions": len(follower.stream.open.records.owners()),
                "streams": follower.streams,
                "behind": follower.behind,
                "budget_asked_per_thousand": (asked := judging.model.config.detection.alerts_per_thousand),
                "false_alarms": self.feedback.measured(judging.sessions, asked),
                "model_version": (self.versions.promoted() or {}).get("id"),
            }
        elif learning is not None:
            found |= {"sessions": learning.sessions, "sessions_wanted": self.settings.learning_sessions}
        return found

    def _state(self) -> str:
        if self._failed is not None:
            return "failed"
        if self._judging is not None:
            return "detecting"
        return "training" if self._learning is not None and self._learning.training else "learning"

    def model_in_use(self) -> tuple[Model, Path] | None:
        """See Running."""
        return None if self._judging is None else (self._judging.model, self._judging.folder)

    def is_ready(self) -> bool:
        """See Running."""
        return self._failed is None and (self._judging is None or self._judging.error is None)

    def _work(self) -> None:
        try:
            if self._judging is None and self._learning is not None:
                run = self._learning.run(self._stop)
                if run is None:
                    return
                self.versions.first(
                    run.name, run, reason="the first model: learned from what came in",
                    reason_ko="첫 모델: 들어온 로그로 학습했습니다", sessions=self._learning.sessions,
                )  # fmt: skip
                self._judging = self._judge_with(run)
                say(f"detecting with the model {run}")
            assert self._judging is not None
            while True:
                self._judging.run(self._stop, self._switch)
                if self._stop.is_set():
                    return
                self._switch.clear()
                model = self._model()
                assert model is not None
                self._judging = self._judge_with(model)
                say(f"detecting with the model {model}")
        except Exception as error:
            self._failed = f"judging has ended: {type(error).__name__}: {error}"
            say(f"error: {self._failed}")

    def _judge_with(self, model: Path) -> Judging:
        run = model_folder(model)
        self.feedback.use(run)
        begin = self.database.fact("learning")  # the records learned from are not judged
        judging = Judging(
            self.settings, run, self.journal, self.database, self.metrics, self._put, self._tell, begin, self.feedback,
            self._looked,
        )  # fmt: skip
        self.advice.use(judging.model, str((self.versions.promoted() or {}).get("id")))
        return judging

    def _looked(self, looked: LookedAt) -> None:
        self.candidates.looked(looked)
        self.advice.looked(looked)

    def _model(self) -> Path | None:
        """The promoted model; one that the user names is promoted, unless it was named at the last start too."""
        if self.settings.model is not None:
            named = str(self.settings.model.resolve())
            if self.database.fact("named_model") != named:
                folder = model_folder(self.settings.model)
                name = self.versions.next_id(self.settings.home / "models")
                with self.database.together():
                    self.versions.first(
                        name, folder.resolve(), reason="named when the service started",
                        reason_ko="서비스를 시작할 때 지정한 모델",
                    )  # fmt: skip
                    self.database.keep("named_model", named)
        promoted = self.versions.promoted()
        return None if promoted is None else Path(promoted["folder"])

    def models(self) -> dict[str, Any]:
        """See Acting."""
        waits, suggested = self.candidates.outage(), self.advice.suggested()
        said = {"waits": None, "waits_ko": None} if waits is None else {"waits": waits.en, "waits_ko": waits.ko}
        return {"schema": 1, "models": self.versions.all(), **said, "suggestion": suggested}

    def train(self, *, force: bool, reason: Both = ASKED) -> dict[str, Any]:
        """See Acting."""
        present = self._model()
        if present is None or self._judging is None:
            raise Refused(409, "the first model is not trained yet")
        version = self.candidates.train(model_folder(present), reason, force=force)
        self.events.publish("model", version)
        return version

    def promote(self, name: str) -> dict[str, Any]:
        """See Acting."""
        return self._promoted_by(name, "a person")

    def rollback(self) -> dict[str, Any]:
        """See Acting."""
        return self._changed(self.versions.rollback())

    def _promoted_by(self, name: str, by: str) -> dict[str, Any]:
        return self._changed(self.versions.promote(name, by))

    def _changed(self, version: dict[str, Any]) -> dict[str, Any]:
        self._switch.set()
        self.events.publish("model", version)
        return version

    def _put(self, change: IncidentChange) -> None:
        self._delivery.put(change)

    def _tell(self, change: IncidentChange) -> None:
        self.events.publish(change.event, change.incident)
        if self.settings.stdout:
            with suppress(BrokenPipeError):
                tell(json.dumps({"event": change.event, **change.incident}) + "\n")


def serve(settings: ServiceSettings, beside: Callable[[str, threading.Event], object] | None = None) -> None:
    """Run the service until SIGINT or SIGTERM; `beside`, if given, runs in a thread with the address and a stop event.

    Raises InputError and UsageError.
    """
    with _listening(settings) as listening:
        _check_home(settings.home)
        port = listening.getsockname()[1]
        service = Service(settings)
        service.url = _url(settings.host, port)
        others = listeners(settings, Acceptance(service.journal, service.metrics, settings))
        service.start()
        for what, path in (
            ("pages", "/"),
            ("status", "/api/v1/status"),
            ("intake", "/ingest"),
            ("metrics", "/metrics"),
        ):
            say(f"{what}: {service.url}{path}")
        for other in others:
            say(other.described)
        stop = threading.Event()
        if beside is not None:
            threading.Thread(target=beside, args=(service.url, stop), daemon=True).start()
        with stopping():  # uvicorn ends on a signal and raises it again, which must not interrupt what follows
            try:
                asyncio.run(_serve(service, listening, others))
            finally:
                stop.set()
                say("stopping: what was accepted is judged and saved")
                service.stop()


async def _serve(service: Service, listening: socket.socket, others: Sequence[Listener]) -> None:
    service.events.bind(asyncio.get_running_loop())
    config = uvicorn.Config(
        application(service), log_level="warning", access_log=False, server_header=False, date_header=False,
        limit_concurrency=service.settings.connections, timeout_keep_alive=15, lifespan="off",
        timeout_graceful_shutdown=DRAIN_SECONDS, h11_max_incomplete_event_size=64 << 10, ws="none",
    )  # fmt: skip
    server = _Server(config, service.events, service.metrics)
    for other in others:
        await other.start()
    try:
        await server.serve([listening])
    finally:
        for other in others:
            await other.stop()


class _Server(uvicorn.Server):
    """Disconnects event listeners when it stops, so that it need not wait for them."""

    def __init__(self, config: uvicorn.Config, events: EventChannel, metrics: Metrics) -> None:
        super().__init__(config)
        self._events, self._metrics = events, metrics
        self._silent: dict[Any, float] = {}  # connections without a request, and since when

    async def on_tick(self, counter: int) -> bool:
        """See uvicorn."""
        if counter % 5 == 0:
            self._close_silent()
        return await super().on_tick(counter)

    def _close_silent(self) -> None:
        """Close connections that send no request, the sooner the more there are: otherwise they would block all
        others."""
        now, there = time.monotonic(), self.server_state.connections
        self._silent = {one: self._silent.get(one, now) for one in there if getattr(one, "cycle", self) is None}
        crowded = len(there) > (self.config.limit_concurrency or len(there)) // 2
        patience = CROWDED_SECONDS if crowded else REQUEST_SECONDS
        for one, since in self._silent.items():
            if now - since > patience and one.transport is not None:
                one.transport.close()
                self._metrics.refused.labels("silent_connection").inc()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._events.end()
        await super().shutdown(sockets)


def check(settings: ServiceSettings) -> str:
    """Whether the service could start, in a sentence. Raises what `serve` would raise."""
    from isang.artifact import load_model
    from isang.logs.input.sources import find_sources

    with _listening(settings):
        pass
    _check_home(settings.home)
    if settings.syslog is not None:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            bound(*settings.syslog, kind).close()
    if settings.model is not None:
        load_model(settings.model)
    if settings.logs:
        find_sources(settings.logs)
    model = "without a model: it learns first" if settings.model is None else f"with the model {settings.model}"
    return f"the service can start on {_url(settings.host, settings.port)}, {model}"


def _check_home(home: Path) -> None:
    near = next(place for place in (home.absolute(), *home.absolute().parents) if place.exists())
    if not near.is_dir() or not os.access(near, os.W_OK):
        raise UsageError(f"--home {home} cannot be made: {near} is no folder that may be written to")


def _listening(settings: ServiceSettings) -> socket.socket:
    """The listening socket, bound early so that a port in use is reported at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise UsageError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}; set another --listen"
        ) from error
    return listening


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

"""Delivery of incident notices: at least once, retried with growing pauses and after a restart."""

import threading
import time
from collections.abc import Sequence

import httpx2

from isang.progress import say
from isang.service.judging.incident_book import IncidentChange
from isang.service.metrics import Metrics
from isang.service.outputs import Notice, Sender
from isang.service.storage.database import Database

LOOK_SECONDS = 0.5
FIRST_PAUSE_SECONDS, MOST_PAUSE_SECONDS = 1.0, 300.0
TIMEOUT_SECONDS = 10.0


class Delivery:
    """Sends the notices due for each output, all in one request."""

    def __init__(self, senders: Sequence[Sender], database: Database, metrics: Metrics, page_url: str) -> None:
        self._senders, self._database, self._metrics, self._page_url = senders, database, metrics, page_url
        self._failing: set[str] = set()

    def put(self, change: IncidentChange) -> None:
        """Queue a notice of a change, within the transaction that made it."""
        for sender in self._senders:
            if change.event not in ("repeated", "silenced"):
                self._database.put_notice(sender.name, change.incident["id"], change.event, 0)

    def run(self, stop: threading.Event) -> None:
        """Send until `stop` is set; pending notices are sent after the next start."""
        with httpx2.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
            while not stop.wait(LOOK_SECONDS):
                for sender in self._senders:
                    self._send(sender, client)

    def _send(self, sender: Sender, client: httpx2.Client) -> None:
        now_us = time.time_ns() // 1000
        due = self._database.due_notices(sender.name, now_us)
        notices = []
        for incident, event, _, _ in due:
            document = self._database.incident(incident)
            if document is not None:
                notices.append(Notice(event, document, f"{self._page_url}/incidents/{incident}"))  # type: ignore[arg-type]
        if not notices:
            return
        request = sender.request(notices, now_us)
        outcome = "delivered"
        if request is not None:
            try:
                answer = client.request(request.method, request.url, headers=request.headers, content=request.body)
                outcome = sender.outcome(answer.status_code, answer.content)
                why = f"it answered {answer.status_code}"
            except httpx2.HTTPError as error:
                outcome, why = "retry", str(error) or type(error).__name__
            self._say(sender.name, outcome, why)
        self._metrics.notifications.labels(sender.name, outcome).inc(len(notices))
        with self._database.together():
            for incident, event, attempts, _ in due:
                if outcome == "retry":
                    pause = min(MOST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempts)
                    self._database.notice_failed(sender.name, incident, now_us + int(pause * 1e6))
                else:
                    again = sender.repeat_seconds if event != "resolved" and outcome == "delivered" else None
                    again_us = None if again is None else now_us + int(again * 1e6)
                    self._database.notice_done(sender.name, incident, event, again_us)

    def _say(self, name: str, outcome: str, why: str) -> None:
        """Report once when delivery begins to fail, and when it works again."""
        if outcome == "delivered":
            if name in self._failing:
                say(f"{name} takes notices again")
            self._failing.discard(name)
        elif name not in self._failing:
            self._failing.add(name)
            say(f"warning: {name} takes no notices: {why}")

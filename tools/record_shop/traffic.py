"""The customers: carry out the planned journeys through the gateway and note what came of every request."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from journeys import Journey, Step
from plan import Plan

GATEWAY = ("127.0.0.1", 8080)
TIMEOUT_SECONDS = 20.0
RETRY_SECONDS = 0.6
AT_ONCE = 300


@dataclass(frozen=True)
class Outcome:
    """What a customer saw of one request."""

    journey: Journey
    step: Step
    request_id: str
    begin: float
    """Seconds since the start of the recording."""
    end: float
    status: int
    steps: str
    """What the services did, by their own word in `X-Steps`."""


class Traffic:
    def __init__(self, plan: Plan, started: float) -> None:
        self._plan, self._started = plan, started
        self._lock = threading.Lock()
        self.outcomes: list[Outcome] = []
        self.lost: list[str] = []
        """Requests without an answer that names its id; there should be none."""

    def run(self, progress: Callable[[float, int], None]) -> None:
        """All journeys, each in a thread of its own, at their planned times."""
        with ThreadPoolExecutor(AT_ONCE) as executor:
            futures = []
            for journey in self._plan.journeys:
                self._sleep_until(self._plan.clock(journey.start) - 0.05)
                futures.append(executor.submit(self._go, journey))
                progress(journey.start, len(self.outcomes))
            for future in futures:
                future.result()

    def _now(self) -> float:
        return time.time() - self._started

    def _sleep_until(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds - self._now()))

    def _go(self, journey: Journey) -> None:
        visit = _Visit(journey)
        for step in journey.steps:
            if not self._ask(visit, step, self._plan.clock(step.at)):
                break
        visit.close()

    def _ask(self, visit: "_Visit", step: Step, at: float) -> bool:
        """One step, again if it only reads and failed; whether the customer goes on."""
        if "{order}" in step.path and visit.order is None:
            return False
        for _ in range(2):
            self._sleep_until(self._plan.hold(max(at, self._now())))
            begin = self._now()
            try:
                request_id, status, steps = visit.ask(step)
            except (OSError, http.client.HTTPException) as error:
                with self._lock:
                    self.lost.append(f"{step.name}: {error!r}")
                return False
            with self._lock:
                self.outcomes.append(Outcome(visit.journey, step, request_id, begin, self._now(), status, steps))
            if status < 500 or step.method != "GET":
                break
            at = self._now() + RETRY_SECONDS
        return status == step.status


class _Visit:
    """A customer's connection, session and last order."""

    def __init__(self, journey: Journey) -> None:
        self.journey = journey
        self.order: int | None = None
        self._session = ""
        # Customers have addresses of their own, all of them on the loopback device.
        source = f"127.0.{1 + journey.customer % 8}.{10 + journey.customer % 40}"
        self._connection = http.client.HTTPConnection(*GATEWAY, timeout=TIMEOUT_SECONDS, source_address=(source, 0))

    def ask(self, step: Step) -> tuple[str, int, str]:
        """Request id, status and steps."""
        headers = {"User-Agent": self.journey.device, "Content-Type": "application/json"}
        if self._session:
            headers["X-Session"] = self._session
        body = step.body if step.body is None or isinstance(step.body, str) else json.dumps(step.body)
        self._connection.request(step.method, step.path.replace("{order}", str(self.order)), body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status < 300:
            said = json.loads(content)
            self._session = said.get("session", self._session)
            if step.name == "checkout":
                self.order = said["order"]
        return answer.headers["X-Request-ID"], answer.status, answer.headers.get("X-Steps") or ""

    def close(self) -> None:
        self._connection.close()

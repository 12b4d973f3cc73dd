"""The service's metrics, in Prometheus' format."""

import threading
import time
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

MOST_STREAMS = 200
"""Maximum number of values of the label `stream`; further streams are `other`."""


class Metrics:
    """The service's own registry; all names begin with `isang_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"namespace": "isang", "registry": self.registry}
        self.received = Counter("records_received", "Records that were accepted.", ["intake"], **own)
        self.dropped = Counter("records_dropped", "Records that could not be used.", ["reason"], **own)
        self.refused = Counter("requests_refused", "Requests that were refused.", ["reason"], **own)
        self.lag = Gauge("lag_seconds", "Since judging had last caught up with all that was accepted.", **own)
        self.journal_bytes = Gauge("journal_bytes", "Accepted records that are not judged yet.", **own)
        self.open_sessions = Gauge("open_sessions", "Sessions that may go on.", ["stream"], **own)
        self.sessions = Counter("sessions", "Sessions that were judged.", ["stream"], **own)
        self.anomalies = Counter("anomalies", "Sessions that were anomalous.", ["stream"], **own)
        self.incidents = Gauge("incidents", "Incidents by state.", ["stream", "state"], **own)
        self.asked = Gauge("budget_asked_per_thousand", "Alert budget per 1,000 normal sessions.", **own)
        self.alerts = Gauge("alerts_per_thousand", "Anomalous sessions per 1,000, of all.", ["stream"], **own)
        self.stream_records = Counter("stream_records", "Records that were judged.", ["stream"], **own)
        self.stream_latest = Gauge("stream_latest_seconds", "When records came last, since 1970.", ["stream"], **own)
        self.stream_anomalies = Counter(
            "stream_anomalies", "Anomalous sessions by where they began.", ["stream"], **own
        )
        self.model_info = Gauge("model_info", "The model that judges.", ["stream", "version"], **own)
        self.model_age = Gauge("model_age_seconds", "Seconds since the model's last training session.", **own)
        self.drift = Gauge(
            "drift",
            "How far what came lately is from calibration: 1 is usual, or at its limit.",
            ["stream", "kind"],
            **own,
        )
        self.suggested = Gauge("candidate_suggested", "1 where a new model is suggested, see /api/v1/models.", **own)
        self.late = Counter("late_records", "Records that came after later ones of their log had been read.", **own)
        self.ended_early = Counter("sessions_ended_early", "Sessions that ended for want of room.", ["stream"], **own)
        self.unseen = Gauge(
            "unseen_event_ratio", "Share of lately judged lines that fit no template of the model.", ["stream"], **own
        )
        self.templates = Gauge("templates", "Templates that the model knows.", ["stream"], **own)
        self.memory = Gauge("memory_bytes", "What the process holds in memory.", **own)
        self.judging = Histogram("judging_seconds", "Time of one look at all sources.", **own)
        self.false_alarms_told = Counter("false_alarms_told", "Sessions of incidents that people called normal.", **own)
        self.notifications = Counter("notifications", "Notices sent.", ["output", "outcome"], **own)
        self.started = Gauge("start_time_seconds", "When the service started, since 1970.", **own)
        self.started.set(time.time())
        self._streams: set[str] = set()
        self._lock = threading.Lock()

    def stream(self, name: str) -> str:
        """The label's value for a stream: its name for the first MOST_STREAMS streams, else `other`."""
        with self._lock:
            if name in self._streams or len(self._streams) < MOST_STREAMS:
                self._streams.add(name)
                return name
        return "other"

    def text(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return bytes(generate_latest(self.registry))

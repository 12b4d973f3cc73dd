"""Watches what the current model judges, suggests a candidate with reasons, and trains it automatically if allowed."""

import threading
from collections.abc import Callable
from typing import Any

from isang.artifact import Model
from isang.detection.live import LookedAt
from isang.languages import Both
from isang.progress import say
from isang.service.feedback import Refused
from isang.service.metrics import Metrics
from isang.service.models.history import History, counts_of
from isang.service.models.suggestions import Usual, measured, suggestion, usual_of
from isang.service.models.versions import Versions
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database

AGAIN_SESSIONS = 4_000
"""Minimum number of sessions between two automatically trained candidates."""
UNDER_WAY = ("training", "shadow")
STREAM = "logs"


class Advice:
    """`train` starts a candidate for a reason and raises Refused; `waits` says why this is not a time to learn.

    A candidate is trained automatically only if `lifecycle.promote` is "auto", and never during an outage.
    """

    def __init__(
        self, settings: ServiceSettings, database: Database, versions: Versions, metrics: Metrics,
        train: Callable[[Both], Any], waits: Callable[[], Both | None],
    ) -> None:  # fmt: skip
        self._settings, self._database, self._versions, self._metrics = settings, database, versions, metrics
        self._train, self._waits = train, waits
        self._model: Model | None = None
        self._usual: Usual | None = None
        self._history: History | None = None
        self._training: threading.Thread | None = None

    def use(self, model: Model, version: str) -> None:
        """Use this version as the one that judges from now on."""
        self._model, self._usual = model, usual_of(model, self._settings.lifecycle.half_life_days)
        self._history = History(self._database, version)
        self._measure()

    def looked(self, looked: LookedAt) -> None:
        """Count sessions that were just judged; runs in the judging thread."""
        if self._history is None or self._model is None or not len(looked.judged.rows):
            return
        if self._history.add(counts_of(self._model, looked)):
            self._measure()
            if self._settings.lifecycle.promote == "auto":
                self.train_alone()

    def suggested(self) -> dict[str, Any] | None:
        """The suggestion: `reasons`, what is `expected`, `waits`; None if there is none, or a candidate is in
        progress."""
        history, usual = self._history, self._usual
        if history is None or usual is None or any(self._versions.in_state(state) for state in UNDER_WAY):
            return None
        bins = list(history.bins)
        real = self._called_anomalies(bins[0].first if bins else None)
        found = suggestion(bins, usual, real)
        waits = self._waits()
        said = {"waits": None, "waits_ko": None} if waits is None else {"waits": waits.en, "waits_ko": waits.ko}
        return None if found is None else found | said

    def train_alone(self) -> None:
        """Start a candidate if one is suggested, nothing opposes it, and the last one is long enough ago."""
        history = self._history
        if history is None or (history.tried_after is not None and history.tried_after < AGAIN_SESSIONS):
            return
        found = self.suggested()
        if found is None or found["waits"] is not None:
            return
        history.tried_after = 0
        history.save()
        reason = Both(*("; ".join(one[key] for one in found["reasons"]) for key in ("says", "says_ko")))
        self._training = threading.Thread(target=self._begin, args=(reason,), daemon=True)
        self._training.start()

    def close(self) -> None:
        """Save the counts."""
        if self._training is not None:
            self._training.join()
        if self._history is not None and self._history.bins:
            self._history.save()

    def _begin(self, reason: Both) -> None:
        say(f"a candidate is trained: {reason.en}")
        try:
            self._train(reason)
        except Refused as refusal:
            say(f"no candidate is trained: {refusal}")

    def _measure(self) -> None:
        if self._history is None or self._usual is None:
            return
        for kind, value in measured(self._history.bins, self._usual).items():
            self._metrics.drift.labels(STREAM, kind).set(value)
        self._metrics.suggested.set(self.suggested() is not None)

    def _called_anomalies(self, since: str | None) -> int:
        """Number of sessions in incidents since then that a person called anomalies."""
        return self._database.sessions_by_verdict(since).get("anomaly", 0)

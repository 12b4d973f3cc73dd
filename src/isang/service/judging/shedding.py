"""Keeps the service within its memory limit, before the system would kill the process.

First free memory is returned to the system; then the sessions that were silent longest are ended early, a quarter of
the open ones per poll; at the limit itself no more records are accepted, so that senders wait.
"""

from isang.logs.stream.open_sessions import OpenSessions
from isang.memory import give_back, resident_bytes
from isang.progress import say
from isang.service.metrics import Metrics
from isang.service.storage.journal import RecordJournal

HIGH, LOW = 0.9, 0.8
"""Shares of the limit: above the first, load is shed; below the second, operation is normal again."""
LEAST_RECORDS = 1_000
"""Minimum number of open records that are always allowed."""


class Shedding:
    """`most_bytes` limits the memory of the process."""

    def __init__(self, most_bytes: int, journal: RecordJournal, metrics: Metrics) -> None:
        self._most_bytes, self._journal, self._metrics = most_bytes, journal, metrics
        self._usual: int | None = None  # number of open records allowed before

    def look(self, open_sessions: OpenSessions) -> None:
        """Shed load if needed; called after each poll of judging."""
        used = resident_bytes()
        if used > HIGH * self._most_bytes:
            give_back()
            used = resident_bytes()
        self._metrics.memory.set(used)
        if used > HIGH * self._most_bytes:
            if self._usual is None:
                self._usual = open_sessions.most_records
                say(
                    f"warning: {used >> 20:,} of {self._most_bytes >> 20:,} MiB are in use: the sessions that were "
                    "silent longest end early; give more with --memory, or a shorter --idle"
                )
            open_sessions.most_records = max(LEAST_RECORDS, open_sessions.records.height * 3 // 4)
        elif used < LOW * self._most_bytes and self._usual is not None:
            open_sessions.most_records, self._usual = self._usual, None
        full = used > self._most_bytes
        if full and not self._journal.paused:
            say("warning: no memory is left: nothing more is taken in until there is")
        if full or used < HIGH * self._most_bytes:
            self._journal.paused = full

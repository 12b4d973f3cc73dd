"""The service stays within its memory: what is shed, in which order, before the system would end the process.

First free memory goes back to the system; then the sessions that were silent longest end early, a quarter of what is
open with each look; at the limit itself no more is taken in, so that senders wait with what they have.
"""

from isang.logs.stream.open_sessions import OpenSessions
from isang.memory import give_back, resident_bytes
from isang.progress import say
from isang.service.metrics import Metrics
from isang.service.storage.journal import RecordJournal

HIGH, LOW = 0.9, 0.8
"""Shares of the limit: from the first on something is shed, below the second all is as usual."""
LEAST_RECORDS = 1_000
"""So many open records are always kept."""


class Shedding:
    """`most_bytes` bounds what the process holds."""

    def __init__(self, most_bytes: int, journal: RecordJournal, metrics: Metrics) -> None:
        self._most_bytes, self._journal, self._metrics = most_bytes, journal, metrics
        self._usual: int | None = None  # open records that were allowed before

    def look(self, open_sessions: OpenSessions) -> None:
        """After each look of judging: shed what has to be shed."""
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

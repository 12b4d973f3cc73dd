"""Common to all intakes: records are redacted, written to disk and counted."""

import asyncio

import polars as pl

from isang.logs.stream.record import Record, frame_of
from isang.service.intake import Decoded
from isang.service.intake.secrets import without_secrets
from isang.service.metrics import Metrics
from isang.service.settings import ServiceSettings
from isang.service.storage.journal import RecordJournal, TooLarge


class Acceptance:
    """Writes records to the journal."""

    def __init__(self, journal: RecordJournal, metrics: Metrics, settings: ServiceSettings) -> None:
        self.journal, self.metrics, self.settings = journal, metrics, settings

    def table(self, records: list[Record]) -> pl.DataFrame:
        """Records in the form in which they are written (RECORDS_SCHEMA)."""
        found = frame_of(records)
        return without_secrets(found) if self.settings.redact and found.height else found

    async def keep(self, intake: str, decoded: Decoded, table: pl.DataFrame) -> None:
        """Return when the records are on disk.

        Raises JournalFull, TooLarge if they must be sent in parts, and OSError if they cannot be written.
        """
        if table.height:
            await asyncio.wrap_future(self.journal.append(table))
        self.metrics.received.labels(intake).inc(table.height)
        for reason, count in decoded.refused.items():
            self.metrics.dropped.labels(reason).inc(count)

    async def keep_in_parts(self, intake: str, decoded: Decoded, table: pl.DataFrame) -> None:
        """The same for a sender that cannot send smaller batches; a single record that is too large is dropped."""
        try:
            await self.keep(intake, decoded, table)
        except TooLarge:
            if table.height < 2:
                self.drop("too_large", table.height)
                return
            half = table.height // 2
            await self.keep_in_parts(intake, decoded, table.head(half))
            await self.keep_in_parts(intake, Decoded([]), table.tail(-half))

    def drop(self, reason: str, count: int = 1) -> None:
        """Count dropped records; `reason` is one of a few fixed words."""
        self.metrics.dropped.labels(reason).inc(count)

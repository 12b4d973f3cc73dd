"""What every intake does with the records of a request: secrets out, on disk, counted."""

import asyncio

import polars as pl

from isang.logs.stream.record import Record, frame_of
from isang.service.intake import Decoded
from isang.service.intake.secrets import without_secrets
from isang.service.metrics import Metrics
from isang.service.settings import ServiceSettings
from isang.service.storage.journal import Journal


class Acceptance:
    """The way of records into the journal."""

    def __init__(self, journal: Journal, metrics: Metrics, settings: ServiceSettings) -> None:
        self.journal, self.metrics, self.settings = journal, metrics, settings

    def table(self, records: list[Record]) -> pl.DataFrame:
        """Records as they are written (RECORDS_SCHEMA)."""
        found = frame_of(records)
        return without_secrets(found) if self.settings.redact and found.height else found

    async def keep(self, intake: str, decoded: Decoded, table: pl.DataFrame) -> None:
        """Return when the records are on disk. Raises JournalFull, and OSError where they cannot be written."""
        if table.height:
            await asyncio.wrap_future(self.journal.append(table))
        self.metrics.received.labels(intake).inc(table.height)
        for reason, count in decoded.refused.items():
            self.metrics.dropped.labels(reason).inc(count)

    def drop(self, reason: str, count: int = 1) -> None:
        """Count records that are not kept; `reason` is one of few, fixed words."""
        self.metrics.dropped.labels(reason).inc(count)

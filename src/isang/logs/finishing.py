"""The last step of preparing: sessions in the order of their start, labelled, counted and written."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from isang.logs.account import SessionTotals
from isang.logs.parsing.timeline import NO_TIME
from isang.logs.places import PLACES_SCHEMA
from isang.logs.redaction import SALT, redacted_keys
from isang.logs.sessions.external_sort import Passed
from isang.logs.sessions.labels import LabelCounts, LabelJoin
from isang.logs.store import SESSIONS_SCHEMA, write_in_row_groups

SESSION_ORDER = ("start", "session_id")


class Counted(NamedTuple):
    """The counts of some sessions."""

    totals: SessionTotals
    labels: LabelCounts | None


@dataclass
class Finishing:
    """Turns sessions as `Grouper` makes them into those of the dataset, and counts them.

    Others, made by `anew`, may each finish a part of the sessions; `add` adds what they counted.
    """

    labels: LabelJoin | None
    redact: bool
    totals: SessionTotals = field(default_factory=SessionTotals)
    salt: bytes = SALT
    """Of the names that replace secret keys; a field, so that another process uses the same."""

    def finished(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """A part of the sessions as the dataset has them."""
        sessions = with_times(sessions)
        self.totals.add(sessions)
        sessions = sessions if self.labels is None else self.labels.attach(sessions)
        if not self.redact:
            return sessions
        return sessions.with_columns(redacted_keys(sessions["session_id"], sessions["source"], salt=self.salt))

    def write(self, parts: Iterable[pl.DataFrame], sessions: Path, places: Path, directory: Path) -> None:
        """Write parts of the sessions in SESSION_ORDER, and the places of their events, into two files.

        What does not fit into memory meanwhile is stored in `directory`.
        """
        with Passed(PLACES_SCHEMA, directory) as passed:
            write_in_row_groups(map(self.finished, passed.passing(parts)), SESSIONS_SCHEMA, sessions)
            write_in_row_groups(passed.again(), PLACES_SCHEMA, places)

    def anew(self) -> "Finishing":
        """One that does the same and has counted nothing."""
        return Finishing(None if self.labels is None else self.labels.anew(), self.redact, salt=self.salt)

    @property
    def counted(self) -> Counted:
        """What was counted so far."""
        return Counted(self.totals, None if self.labels is None else self.labels.counts)

    def add(self, later: Counted) -> None:
        """Add what another one counted of the sessions that follow."""
        self.totals.add_all(later.totals)
        if self.labels is not None and later.labels is not None:
            self.labels.counts.add(later.labels)


def with_times(sessions: pl.DataFrame) -> pl.DataFrame:
    """Sessions as `Grouper` makes them, as the dataset has them before they are labelled."""
    times = [pl.col(name).replace(NO_TIME, None).cast(pl.Datetime("us", "UTC")) for name in ("start", "end")]
    return sessions.with_columns(*times, kind=pl.lit(None, dtype=pl.String))

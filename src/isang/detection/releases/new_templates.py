"""Templates that are new in many sessions: one cause, so one incident, whether a new release or a fault."""

from typing import NamedTuple

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.threshold.decisions import Judged
from isang.logs.store import Dataset
from isang.model.vocabulary import UNSEEN
from isang.model.wording import tells_of_failure, words

LEAST_SHARE = 0.01
"""A new template in a smaller share of the sessions is not a sign of a new release."""
LEAST_SESSIONS = 10
SHOWN_CHARACTERS = 100


class NewLines(NamedTuple):
    """Templates that training never had, that are taken for no known one, and that many sessions have."""

    templates: tuple[str, ...]
    """The most frequent first."""
    sessions: int
    """Number of sessions with one of them."""
    of: int
    """Sessions from the first of them on."""
    since: str | None
    """When that one began."""

    @property
    def says(self) -> str:
        """What it may mean and what to do, in two sentences."""
        count = len(self.templates)
        ones = "a template" if count == 1 else f"one of {count:,} templates"
        since = f" since {self.since[:19]}" if self.since else ""
        return (
            f"{100 * self.sessions / self.of:.3g} % of the sessions{since} have {ones} that training never had, most "
            f"often “{self.templates[0][:SHOWN_CHARACTERS]}”: their alerts are one group. If this is a new release and "
            f"not a fault, train on logs from then on"
        )


def new_lines(model: Model, dataset: Dataset, judged: Judged) -> NewLines | None:
    """The templates that are new in many of the judged sessions; None if there are none.

    A template that reports a failure is not a sign of a release: its alerts are kept separate.
    """
    texts = dict(dataset.templates["event", "template"].iter_rows())
    unseen = np.flatnonzero(model.vocabulary.tokens(dataset) == UNSEEN).tolist()
    unseen = [event for event in unseen if event in texts and not tells_of_failure(words(texts[event]), ())]
    if not unseen:
        return None
    table = dataset.sessions[judged.rows].select("start", event="events").with_row_index("session")
    table = table.explode("event").filter(pl.col("event").is_in(unseen))
    least = max(LEAST_SESSIONS, LEAST_SHARE * len(judged.rows))
    counts = table.group_by("event").agg(sessions=pl.col("session").n_unique())
    counts = counts.filter(pl.col("sessions") >= least).sort(["sessions", "event"], descending=[True, False])
    if not len(counts):
        return None
    having = table.filter(pl.col("event").is_in(counts["event"].implode()))
    first: int = having["session"].min()  # type: ignore[assignment]
    since = having["start"].min()
    return NewLines(
        tuple(texts[event] for event in counts["event"]),
        having["session"].n_unique(),
        len(judged.rows) - first,
        None if since is None else str(since),
    )

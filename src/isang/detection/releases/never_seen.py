"""What in a log no training session has: each such template with its first line, and how much of the log is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.anomalies import SHOWN_CHARACTERS, Located
from isang.detection.detectors import detectors_of
from isang.detection.releases.rewordings import MOST_NEW
from isang.model.vocabulary import UNSEEN
from isang.model.wording import LOUDNESS, loudness_of

MOST_LISTED = 100
"""Maximum number of templates listed, the loudest."""
LEAST_KNOWN = 0.5
"""If a smaller share of the lines resembles lines of the training period, the log cannot be judged."""


@dataclass(frozen=True)
class Coverage:
    """How much of a log the model could judge."""

    lines: int
    """Lines of sessions."""
    known: int
    """Those with a template of the training period, or with one that is taken for such."""
    without_power: tuple[str, ...] = ()
    """Detectors that learned too little to judge; their silence does not mean "no anomaly"."""
    new_templates: int = 0
    """Templates that training never had."""
    compared: int = 0
    """Number of them, the most frequent, that were compared with known ones that a release may have reworded."""

    @property
    def not_compared(self) -> str | None:
        """A note if there are more of them than were compared."""
        if not self.compared or self.compared == self.new_templates:
            return None
        return (
            f"{self.new_templates:,} templates are new; whether a new release has reworded known ones was asked for "
            f"the {self.compared:,} most frequent of them, and the others count as new"
        )

    @property
    def share(self) -> float | None:
        """None where there is no line."""
        return self.known / self.lines if self.lines else None

    @property
    def other_program(self) -> bool:
        """Whether most lines resemble none of the training period."""
        return self.share is not None and self.share < LEAST_KNOWN

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        verdict = "cannot_tell" if self.other_program or not self.lines else "judged"
        return {"lines": self.lines, "known_lines": self.known, "share_known": self.share, "verdict": verdict,
                "detectors_without_power": list(self.without_power), "new_templates": self.new_templates,
                "new_templates_compared": self.compared}  # fmt: skip


def coverage(model: Model, prepared: Located) -> Coverage:
    """How many of the lines are like lines of the training period."""
    events = prepared.dataset.sessions["events"].explode(empty_as_null=False, keep_nulls=False).to_numpy()
    known = int((model.vocabulary.tokens(prepared.dataset)[events] != UNSEEN).sum())
    without = tuple(detector.name for detector in detectors_of(model) if not detector.can_tell(model.fitted))
    templates = prepared.dataset.templates.filter(~pl.col("template").is_in(list(model.vocabulary.templates)))
    written = np.unique(events)
    new = templates.filter(pl.col("event").is_in(written))["template"].n_unique()
    return Coverage(len(events), known, without, new, min(new, MOST_NEW) if model.config.detection.rewordings else 0)


def never_seen(model: Model, prepared: Located) -> list[dict[str, Any]]:
    """The templates of no training session: the loudest first, of equals the one that came first.

    `template`, `level`, `loudness` (of LOUDNESS), `count` of lines, number of `sessions`, and the `first` line.
    """
    dataset = prepared.dataset
    token_of = model.vocabulary.tokens(dataset)
    new = {
        event: (text, level)
        for event, text, level in dataset.templates["event", "template", "level"].iter_rows()
        if token_of[event] == UNSEEN
    }
    is_new = pl.col("event").is_in(list(new))
    lines = dataset.sessions.select(event="events").with_row_index("session").explode("event").filter(is_new)
    lines = lines.with_columns(dataset.sessions["start"].gather(lines["session"]))
    table = lines.group_by("event").agg(pl.len(), pl.col("session").n_unique(), pl.col("start").min())
    earliest = lines.unique("session").join(table.select("start").unique(), on="start", how="semi", nulls_equal=True)
    sessions = earliest["session"].cast(pl.Int64).to_numpy()
    firsts = earliest.select("start", event=dataset.sessions["events"].gather(sessions)).hstack(
        prepared.places(sessions)
    )
    firsts = firsts.explode("event", "source_index", "line").filter(is_new)
    by_place = ("start", "source_index", "line")
    firsts = firsts.sort(by_place, nulls_last=True).unique("event", keep="first")
    table = table.drop("start").join(firsts, on="event").sort(by_place, nulls_last=True)
    loudness = [loudness_of(*new[event]) for event in table["event"]]
    order = np.argsort(-np.array(loudness, dtype=np.int64), kind="stable")[:MOST_LISTED]
    rows = [table.row(int(place), named=True) for place in order]
    raw = prepared.raw({(row["source_index"], row["line"]) for row in rows})
    return [_entry(prepared, row, *new[row["event"]], raw) for row in rows]


def with_outside(entries: list[dict[str, Any]], outside: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The list of `never_seen` with new kinds of lines that belong to no session."""
    both = sorted([*entries, *outside], key=lambda entry: -LOUDNESS.index(entry["loudness"]))
    return both[:MOST_LISTED]


def _entry(
    prepared: Located, row: Mapping[str, Any], template: str, level: str | None, raw: Mapping[tuple[int, int], str]
) -> dict[str, Any]:
    place = row["source_index"], row["line"]
    return {
        "template": template,
        "level": level,
        "loudness": LOUDNESS[loudness_of(template, level)],
        "count": row["len"],
        "sessions": row["session"],
        "first": {
            "source": prepared.sources[place[0]].name,
            "number": place[1],
            "text": (raw.get(place) or template)[:SHOWN_CHARACTERS],
            "session_start": None if row["start"] is None else row["start"].isoformat(),
        },
    }

"""Counts of what the current model has judged lately, in bins of some hundred sessions, kept across restarts."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.detectors import detectors_of
from isang.detection.detectors.baselines import unseen_template
from isang.detection.evaluation.drift import high_from
from isang.detection.live import LookedAt
from isang.detection.threshold.decisions import calibration_scores
from isang.service.storage.database import Database

BIN_SESSIONS = 250
MOST_BINS = 16
MOST_NAMED = 20
"""Maximum number of new templates named per bin; all are counted."""
_FACT = "judged_lately"


@dataclass
class Bin:
    """Counts of consecutive sessions."""

    sessions: int = 0
    alerts: int = 0
    """Anomalous sessions that were reported."""
    silenced: int = 0
    """Anomalous sessions that an answer calls normal."""
    new: int = 0
    """Sessions with a line whose template is in no training session."""
    new_alerts: int = 0
    """Reported alerts among these."""
    high: dict[str, int] = field(default_factory=dict)
    """Sessions with a high score, by detector; see `evaluation.drift`."""
    templates: dict[str, int] = field(default_factory=dict)
    """New templates, with the number of sessions that have them."""
    first: str | None = None
    """When the first of them began and the last one ended, ISO 8601; None without timestamps."""
    last: str | None = None

    def add(self, other: "Bin") -> None:
        """Add the counts of later sessions."""
        for name in ("sessions", "alerts", "silenced", "new", "new_alerts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("high", "templates"):
            own = getattr(self, name)
            for key, count in getattr(other, name).items():
                own[key] = own.get(key, 0) + count
        most = sorted(self.templates.items(), key=lambda item: -item[1])[:MOST_NAMED]
        self.templates = dict(most)
        self.first, self.last = self.first or other.first, max(filter(None, (self.last, other.last)), default=None)


class History:
    """The bins of one version of the model; another version starts with no bins.

    They are written when a bin is full: a kill loses at most one bin, which hardly affects suggestions.
    """

    def __init__(self, database: Database, version: str) -> None:
        self._database, self._version = database, version
        kept = database.fact(_FACT) or {}
        self.bins = [Bin(**one) for one in kept.get("bins", ())] if kept.get("version") == version else []
        self.tried_after: int | None = kept.get("tried_after") if self.bins else None
        """Sessions since a candidate was last trained automatically; None if none was."""

    def add(self, counted: Bin) -> bool:
        """Add the counts of later sessions; return whether a bin is now full."""
        if not self.bins or self.bins[-1].sessions >= BIN_SESSIONS:
            self.bins.append(Bin())
            del self.bins[:-MOST_BINS]
        self.bins[-1].add(counted)
        if self.tried_after is not None:
            self.tried_after += counted.sessions
        full = self.bins[-1].sessions >= BIN_SESSIONS
        if full:
            self.save()
        return full

    def save(self) -> None:
        """Save the bins."""
        value = {"version": self._version, "tried_after": self.tried_after, "bins": [asdict(one) for one in self.bins]}
        self._database.keep(_FACT, value)


def counts_of(model: Model, looked: LookedAt) -> Bin:
    """The counts of sessions that were just judged."""
    judged, dataset = looked.judged, looked.ended.dataset
    told = {(one["session_id"], one["start"]) for one in looked.records if "silenced_by" not in one}
    names = zip(
        *(dataset.sessions[name].gather(judged.rows).to_list() for name in ("session_id", "start")), strict=True
    )
    told_S = np.array([(name, start and start.isoformat()) in told for name, start in names], dtype=bool)
    new_S = unseen_template(model, dataset, judged.rows, judged.sessions) > 0
    ends = dataset.sessions["end"].gather(judged.rows)
    last: datetime | None = ends.max()  # type: ignore[assignment]
    first: datetime | None = dataset.sessions["start"].gather(judged.rows).min()  # type: ignore[assignment]
    return Bin(
        sessions=len(judged.rows), alerts=int(told_S.sum()), silenced=len(looked.records) - int(told_S.sum()),
        new=int(new_S.sum()), new_alerts=int((new_S & told_S).sum()),
        high=_high(model, judged.scores_DS), templates=_new_templates(model, looked, new_S),
        first=None if first is None else first.isoformat(), last=None if last is None else last.isoformat(),
    )  # fmt: skip


def high_limits(model: Model) -> dict[str, float]:
    """The score from which a session counts as high, by detector."""
    return {one.name: high_from(calibration_scores(model, one.name), one.allowance) for one in detectors_of(model)}


def _high(model: Model, scores_DS: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, int]:
    limits = model.kept.once(high_limits, lambda: high_limits(model))
    return {
        name: int((scores_S > limit).sum()) for (name, limit), scores_S in zip(limits.items(), scores_DS, strict=True)
    }


def _new_templates(model: Model, looked: LookedAt, new_S: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, int]:
    if not new_S.any():
        return {}
    dataset = looked.ended.dataset
    new = dataset.templates.filter(~pl.col("template").is_in(list(model.vocabulary.templates)))
    events = dataset.sessions[looked.judged.rows[new_S]].select(event=pl.col("events").list.unique()).explode("event")
    counted = events.join(new.select("event", "template"), on="event").group_by("template").len()
    counted = counted.sort(["len", "template"], descending=[True, False]).head(MOST_NAMED)
    return dict(counted.select("template", "len").iter_rows())


def together(bins: Sequence[Bin]) -> Bin:
    """The sum of all bins."""
    found = Bin()
    for one in bins:
        found.add(one)
    return found


def without_worst(bins: Sequence[Bin], count: Callable[[Bin], int]) -> list[Bin]:
    """The bins without the eighth with the highest counts: a single outage or burst is not drift."""
    return sorted(bins, key=count)[: len(bins) - -(-len(bins) // 8)]

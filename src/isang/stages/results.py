"""What the stages give back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isang.files import to_json, write_text

if TYPE_CHECKING:
    from isang.detection.comparison.compare import Comparison
    from isang.detection.incidents import Incident
    from isang.detection.threshold.stretches import Stretch
    from isang.logs.store import Dataset
    from isang.runs.finding import Language


SCHEMA = 1
WHOLE_REASONS = 5
"""Titles of incidents that say why logs as a whole are unlike normal ones."""


@dataclass(frozen=True)
class Trained:
    """A finished training run."""

    folder: Path
    steps: int
    best_epoch: int
    best_validation_loss: float | None
    """None where no encoder was trained; then there are no steps, no log and no report either."""


@dataclass(frozen=True)
class Detected:
    """What was found in logs."""

    sessions: int
    anomalies: list[dict[str, Any]]
    """One record per anomalous session, as `isang detect --json` prints them, the strangest first."""
    incidents: list["Incident"] = field(default_factory=list)
    """The anomalies by their causes, the most severe first."""
    dataset: "Dataset | None" = None
    """The sessions of the logs, for the page."""
    name: str = "logs"
    """What was read, in a few words."""
    silenced: list["Incident"] = field(default_factory=list)
    """Incidents that people told to be normal."""
    asked_per_thousand: float | None = None
    """The alert budget; None where no model judged."""
    never_seen: list[dict[str, Any]] = field(default_factory=list)
    """Templates that no training session has, the loudest first, with their first line and their number."""
    smaller: list["Incident"] = field(default_factory=list)
    """Further ones, such as normal stretches of the training period have too."""
    whole: "Stretch | None" = None
    """The logs as a whole beside held-out stretches of the training period."""
    coverage: dict[str, Any] = field(default_factory=dict)
    """`lines`, `known_lines` and `share_known`: how much of the logs is like the training period; `verdict`:
    `cannot_tell` where the logs are of another program, else `judged`."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    """What the anomalies can be judged again with, see `reproduce`."""

    reviewed: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Stretches of the logs whose results were before people when they answered."""

    def write(
        self,
        folder: Path,
        *,
        evaluation: Mapping[str, Any] | None = None,
        report: str | None = None,
        data: Path | None = None,
        language: "Language | None" = None,
    ) -> None:
        """Write `incidents.json`, `anomalies.jsonl` and the page that shows them, `index.html`.

        The page shows the `evaluation` and the values in slots that the dataset folder `data` has too, and leads to the
        training's `report`, an address beside it; its `language` is the locale's where None.
        """
        from isang.detection.incidents import document
        from isang.pages.contents import contents_of, slots_in
        from isang.pages.page import index_html
        from isang.runs.report.report import default_language

        told = self.false_alarms()
        beside: dict[str, Any] = {"never_seen": self.never_seen, "coverage": self.coverage}
        beside |= {"silenced": [incident.to_dict() for incident in self.silenced]}
        if self.whole is not None:
            reasons = [incident.title for incident in self.incidents[:WHOLE_REASONS]]
            beside["whole"] = self.whole.to_dict() | {"reasons": reasons}
            beside["smaller"] = [incident.to_dict() for incident in self.smaller]
        found = document(self.incidents, **beside, **({} if told is None else {"false_alarms": told}))
        write_text(folder / "incidents.json", to_json(found))
        lines = (to_json(record, indent=None) for record in self.anomalies)
        write_text(folder / "anomalies.jsonl", "".join(lines))
        if self.kept:
            write_text(folder / "kept_sessions.jsonl", "".join(to_json(one, indent=None) for one in self.kept))
        if self.dataset is None:
            return
        links = {"incidents": "incidents.json", **({} if report is None else {"report": report})}
        contents = contents_of(
            self.name, self.dataset, sessions=self.sessions, anomalies=self.anomalies, incidents=found["incidents"],
            never_seen=self.never_seen, coverage=self.coverage, slots=None if data is None else slots_in(data),
            evaluation=evaluation, links=links,
        )  # fmt: skip
        write_text(folder / "index.html", index_html(contents, language or default_language()))

    def false_alarms(self) -> dict[str, Any] | None:
        """What people's answers measure, beside the budget; None where no model judged."""
        from isang.detection.feedback.measured import false_alarms, in_any, reviewed_alone

        if self.asked_per_thousand is None or self.dataset is None:
            return None
        starts = [start and start.isoformat() for start in self.dataset.sessions["start"].to_list()]
        reviewed = sum(in_any(start, self.reviewed) for start in starts) if self.reviewed else 0
        known = [incident.to_dict() for incident in (*self.incidents, *self.silenced)]
        incidents, elsewhere = reviewed_alone(known, self.anomalies, self.reviewed)
        found = false_alarms(incidents, self.sessions, self.asked_per_thousand, reviewed)
        clock = sorted(start for start in starts if start)
        span = {"from": clock[0] if clock else None, "until": clock[-1] if clock else None}
        return found | {"not_reviewed": elsewhere, **span}


@dataclass(frozen=True)
class Finished:
    """All that `run` made."""

    folder: Path
    dataset: "Dataset"
    evaluation: Mapping[str, Any]
    """Empty where the log was too small to learn from."""
    detected: Detected
    halves: "Comparison | None" = None
    """The log's second half beside its first, in place of a model, where it was too small to learn from."""
    judged_training: bool = True
    """False where no encoder was trained, so that there is no report on its training."""

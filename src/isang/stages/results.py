"""The results of the stages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isang.files import to_json, write_text
from isang.languages import default_language

if TYPE_CHECKING:
    from isang.detection.comparison.compare import Comparison
    from isang.detection.incidents import Incident
    from isang.detection.threshold.stretches import Stretch
    from isang.logs.store import Dataset
    from isang.runs.finding import Language


SCHEMA = 1
WHOLE_REASONS = 5
"""Maximum number of incident titles listed as reasons why logs as a whole differ from normal ones."""


@dataclass(frozen=True)
class Trained:
    """A finished training run."""

    folder: Path
    steps: int
    best_epoch: int
    best_validation_loss: float | None
    """None if no encoder was trained; then there are no steps, no log and no report either."""


@dataclass(frozen=True)
class Detected:
    """The result of detection in logs."""

    sessions: int
    anomalies: list[dict[str, Any]]
    """One record per anomalous session, as `isang detect --json` prints them, the most unusual first."""
    incidents: list["Incident"] = field(default_factory=list)
    """The anomalies by their causes, the most severe first."""
    dataset: "Dataset | None" = None
    """The sessions of the logs, for the page."""
    name: str = "logs"
    """A short name for the logs."""
    silenced: list["Incident"] = field(default_factory=list)
    """Incidents that users marked as normal."""
    asked_per_thousand: float | None = None
    """The alert budget; None if no model judged."""
    never_seen: list[dict[str, Any]] = field(default_factory=list)
    """Templates in no training session, the loudest first, with their first line and their count."""
    smaller: list["Incident"] = field(default_factory=list)
    """Other incidents, whose like also occurs in normal stretches of the training period."""
    whole: "Stretch | None" = None
    """The logs as a whole, compared with held-out stretches of the training period."""
    coverage: dict[str, Any] = field(default_factory=dict)
    """`lines`, `known_lines` and `share_known`: how much of the logs is like the training period; `verdict`:
    `cannot_tell` if the logs come from another program, else `judged`."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    """What is needed to judge the anomalies again, see `reproduce`."""

    reviewed: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Stretches of the logs whose results users had seen when they answered."""
    compared: bool = False
    """The incidents are also those of a comparison with the logs that a small run learned from."""

    @property
    def records(self) -> list[dict[str, Any]]:
        """What `isang detect --json` prints: the anomalies, and of a small run's logs the incidents too."""
        return [*self.anomalies, *(incident.to_dict() for incident in self.incidents if self.compared)]

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

        The page also shows the `evaluation` and the slot values from the dataset folder `data`, and links to the
        training's `report` by a relative address; `language` None: the locale's.
        """
        from isang.detection.incidents import document
        from isang.pages.contents import contents_of, slots_in
        from isang.pages.page import index_html

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
        """False alarms measured from users' answers, and the budget; None if no model judged."""
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
    """The results of `run`."""

    folder: Path
    dataset: "Dataset"
    evaluation: Mapping[str, Any]
    """Empty if the log was too small to learn from."""
    detected: Detected
    halves: "Comparison | None" = None
    """The comparison of the log's second half with its first, if it was too small for an alert budget."""
    judged_training: bool = True
    """False if no encoder was trained, so there is no report on its training."""

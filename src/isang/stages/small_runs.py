"""Runs on logs that are too small for an alert budget: later logs are compared with those that were learned from."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isang.config import LogsConfig, TrainingConfig, from_dict
from isang.errors import InputError, IsangError, UsageError
from isang.files import open_regular
from isang.progress import say
from isang.stages.results import Detected
from isang.training.split import LEAST_FOR_ENCODER

if TYPE_CHECKING:
    from isang.detection.comparison.compare import Comparison
    from isang.detection.feedback.coverage import Answers
    from isang.detection.incidents import Incident

LEARNED = "the logs that were learned from"


@dataclass(frozen=True)
class SmallRun:
    """What `isang run` wrote for small logs."""

    logs: tuple[str, ...]
    """The logs, which are unchanged since."""
    config: LogsConfig
    """How they were read."""
    trained: bool
    """Whether there is a model too."""


def small_run(folder: Path) -> SmallRun | None:
    """The small run that `isang run` wrote to `folder`; None if there is none, or if its logs are gone or changed."""
    from isang.json_files import anything, mapping, read_json
    from isang.logs.store import is_dataset

    if not is_dataset(folder / "data"):
        return None
    meta = read_json(folder / "data" / "meta.json", mapping(anything), "run isang run again with --overwrite")
    sessions, sources = meta.get("sessions"), meta.get("sources")
    if not isinstance(sessions, int) or sessions * TrainingConfig.train_fraction >= LEAST_FOR_ENCODER:
        return None
    if not isinstance(sources, list) or not all(isinstance(one, dict) for one in sources) or "config" not in meta:
        return None
    if any(one.get("path") == "-" for one in sources):
        return None
    changed = [one.get("path") for one in sources if not _unchanged(one.get("path"), one.get("sha256"))]
    if changed:
        say(f"warning: {changed[0]} is gone or has changed since {folder} was made: nothing is compared with it")
        return None
    paths = tuple(one["path"] for one in sources)
    return SmallRun(paths, from_dict({"logs": meta["config"]}).logs, (folder / "run" / "model").is_dir())


def _unchanged(path: Any, digest: Any) -> bool:
    if not isinstance(path, str):
        return False
    try:
        with open_regular(Path(path)) as file:
            return bool(hashlib.file_digest(file, "sha256").hexdigest() == digest)
    except InputError:
        return False


def halves_of(logs: Sequence[str], config: LogsConfig, *, needed: bool) -> "Comparison | None":
    """The second half of logs beside the first; None, with a warning, if they cannot be compared.

    Raises InputError instead if the comparison is `needed`, because nothing else judges the logs.
    """
    from isang.detection.comparison.compare import compare_halves

    def compared() -> "Comparison":
        if "-" in logs:
            raise InputError("standard input cannot be read again; write it to a file")
        return compare_halves(logs, config)

    return compared() if needed else _or_warn(compared)


def _or_warn(comparison: "Callable[[], Comparison | None]") -> "Comparison | None":
    """The comparison; None, with a warning, if the logs cannot be compared."""
    try:
        return comparison()
    except IsangError as error:
        say(f"warning: nothing beside the sessions is compared: {error}")
        return None


def beside_learned(run: SmallRun, logs: Sequence[str | Path]) -> "Comparison | None":
    """The logs beside those that the run learned from; None if they share one, or are standard input or a dataset.

    If the run has a model, also None, with a warning, if they cannot be compared.
    """
    from isang.detection.comparison.compare import compared
    from isang.logs.event_records import read_event_records
    from isang.logs.input.sources import find_sources
    from isang.logs.store import is_dataset

    paths = [str(path) for path in logs]
    if "-" in paths or any(is_dataset(Path(path)) for path in paths):
        return None
    learned, later = {Path(path).resolve() for path in run.logs}, [source.path for source in find_sources(paths)]
    if any(path.resolve() in learned for path in later):
        return None
    runs = recordings(run.logs, later)

    def comparison() -> "Comparison":
        names = tuple(runs) if len(runs) > 1 else (LEARNED,)
        return compared(read_event_records([*runs.values(), paths], run.config), names, (" ".join(paths),))

    return _or_warn(comparison) if run.trained else comparison()


def recordings(learned: Sequence[str], later: Sequence[Path]) -> dict[str, list[str]]:
    """The logs that were learned from, by folder if each folder is one recording like the later logs, else together.

    It is one if it has files of the same names. Several good recordings show how much normal ones differ.
    """
    folders: dict[str, list[str]] = {}
    for path in learned:
        folders.setdefault(str(Path(path).parent), []).append(path)
    names = sorted(path.name for path in later)
    alike = all(sorted(Path(path).name for path in own) == names for own in folders.values())
    return folders if alike else {LEARNED: list(learned)}


def detected_beside(run: SmallRun, logs: Sequence[str | Path], answers: "Answers", name: str) -> Detected:
    """The incidents of logs beside those of a run that has no model. Raises UsageError if they cannot be compared."""
    from isang.logs.stored import stored_logs

    found = beside_learned(run, logs)
    if found is None:
        raise UsageError(
            "the run holds too few sessions for a model; give other logs, and they are compared with its own"
        )
    with stored_logs(logs, lambda: (None, run.config)) as read:
        alone = Detected(len(read.dataset.sessions), [], dataset=read.dataset, name=name)
        return with_comparison(alone, found, answers)


def with_comparison(detected: Detected, found: "Comparison", answers: "Answers") -> Detected:
    """The incidents of the sessions, and those of the comparison that have another cause.

    What is low in the comparison, as more than one good log in ten has the like, is a smaller one.
    """
    from isang.detection.feedback.silencing import told_of_logs

    answered, told = told_of_logs(found.incidents, answers), _told(found)
    low = [one for one in answered.incidents if one.fingerprint not in told]
    more = with_incidents(
        detected, [one for one in answered.incidents if one.fingerprint in told], [*low, *found.differences]
    )
    return replace(more, silenced=[*more.silenced, *answered.silenced], compared=True)


def _told(found: "Comparison") -> set[str]:
    return {incident.fingerprint for incident in found.incidents if incident.severity != "low"}


def as_smaller(detected: Detected, found: "Comparison") -> Detected:
    """What a model says that cannot tell an anomaly from chance: smaller, unless the comparison says so too."""
    said = _told(found)
    rest = [one for one in (*detected.incidents, *detected.smaller) if one.fingerprint not in said]
    anomalies = [one if one["incident"] in said else one | {"smaller": True} for one in detected.anomalies]
    return replace(detected, anomalies=anomalies, incidents=[], smaller=rest)


def with_incidents(detected: Detected, found: "Sequence[Incident]", smaller: "Sequence[Incident]" = ()) -> Detected:
    """With the incidents that have another cause than those that are there."""
    from isang.detection.incidents import ranked

    known = {incident.fingerprint for incident in (*detected.incidents, *detected.smaller, *detected.silenced)}
    further, rest = ([one for one in ones if one.fingerprint not in known] for ones in (found, smaller))
    return replace(
        detected, incidents=ranked([*detected.incidents, *further]), smaller=ranked([*detected.smaller, *rest])
    )

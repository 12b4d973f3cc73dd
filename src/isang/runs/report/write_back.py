"""Verdicts written back into the run that they are about: a text in a TensorBoard folder, tags and a summary in W&B."""

import time
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from isang.errors import InputError, UsageError
from isang.runs.findings import Language
from isang.runs.findings.ranking import first_things, ranked
from isang.runs.read.readers import tensorboard, wandb
from isang.runs.report import markdown
from isang.runs.report.event_file import text_events
from isang.runs.report.judge import JudgedRun
from isang.runs.text.writing import plain_text

MOST_FILES = 10_000
TAG = "isang"
EVENTS = "events.out.tfevents."
OURS = f".{TAG}"
"""What the name of an event file of ours ends with; the next one takes its place."""
OFFLINE = "offline-run-"

Writer = Callable[[JudgedRun, Language], str]
"""Writes the verdicts on one run, and says where they are."""


def writer_for(log: Path) -> Writer:
    """The writer that adds the verdicts to the run in `log`.

    Raises UsageError if the log is neither a TensorBoard folder nor a W&B run, or holds several, or wandb is not
    installed.
    """
    files = [log] if log.is_file() else sorted(islice((p for p in log.rglob("*") if p.is_file()), MOST_FILES))
    runs = [file for file in files if file.suffix == ".wandb" and _is(file, wandb.sure)]
    if len(runs) == 1:
        return _wandb_writer(runs[0])
    events = [file for file in files if file.name.startswith(EVENTS) and _is(file, tensorboard.sure)]
    if events and not runs:
        return lambda report, language: _write_text(report, language, log if log.is_dir() else log.parent)
    raise UsageError(
        f"--write-back writes into a TensorBoard folder or a W&B run, and {log} holds "
        + (f"{len(runs)} W&B runs; give the folder of each" if runs else "neither")
    )


def write_back(
    writers: Sequence[Writer], reports: Sequence[Sequence[JudgedRun]], logs: Sequence[Path], language: Language
) -> list[str]:
    """Write the verdicts into the single run of each log, with its writer; returns where they are, in words.

    Raises UsageError if a log holds several runs, before anything is written.
    """
    for log, found in zip(logs if writers else (), reports, strict=False):
        if len(found) != 1:
            raise UsageError(
                f"--write-back needs one run per log, and {log} holds {len(found)}; give the folder of each"
            )
    return [writer(found[0], language) for writer, found in zip(writers, reports, strict=False)]


def _is(file: Path, sure: Callable[[bytes, Path], float]) -> bool:
    with file.open("rb") as stream:
        return sure(stream.read(64), file) > 0


def _write_text(report: JudgedRun, language: Language, folder: Path) -> str:
    """Write an event file with the verdicts beside those of the run, in the place of our last one."""
    now = time.time()
    text = markdown.verdicts(report, language)
    before = [path for path in folder.glob(f"{EVENTS}*{OURS}") if path.is_file()]
    path = folder / f"{EVENTS}{now:.0f}{OURS}"
    building = folder / f".{path.name}.writing"
    try:
        building.write_bytes(text_events(TAG, text, now))
        building.replace(path)
    except OSError as error:
        building.unlink(missing_ok=True)
        raise InputError(f"cannot write the verdicts to {folder}: {error.strerror}") from error
    for old in before:
        if old != path:
            old.unlink(missing_ok=True)
    return f"{path} (TensorBoard: Text, {TAG})"


def _wandb_writer(file: Path) -> Writer:
    try:
        library = import_module("wandb")
    except ImportError as error:
        raise UsageError("--write-back needs a package that is not here: pip install 'isang[wandb]'") from error
    run = wandb.identity_of(file)
    if not run.id:
        raise InputError(f"{file} does not say which run it is: its record of the run is missing or damaged")

    def write(report: JudgedRun, language: Language) -> str:
        """Resume the run, which adds a part to it, and set its tags and summary."""
        home = file.parent
        base = home.parent.parent if home.parent.name == "wandb" else home.parent
        offline = home.name.startswith(OFFLINE)
        resumed = library.init(
            id=run.id, project=run.project or None, entity=run.entity or None, dir=str(base), resume="allow",
            mode="offline" if offline else None, settings=library.Settings(silent=True, console="off"),
        )  # fmt: skip
        kept = [tag for tag in (*run.tags, *(resumed.tags or ())) if not tag.startswith(f"{TAG}:")]
        resumed.tags = tuple(dict.fromkeys([*kept, *tags_of(report)]))
        resumed.summary.update(summary_of(report, language))
        where = str(resumed.dir)
        resumed.finish()
        sent = "; `wandb sync` sends it with the run" if offline else ""
        return f"{Path(where).parent.name} (W&B run {plain_text(run.id)}{sent})"

    return write


def tags_of(report: JudgedRun) -> list[str]:
    """`isang:fine`, or one tag for each problem, the first to attend to first."""
    return [f"{TAG}:{finding.id}" for finding in ranked(report.findings)] or [f"{TAG}:fine"]


def summary_of(report: JudgedRun, language: Language) -> dict[str, Any]:
    """The verdict of each finding, the number of problems, and what to try first."""
    problems, first = ranked(report.findings), first_things(report.findings)
    told: dict[str, Any] = {f"{TAG}/{finding.id}": finding.verdict for finding in report.findings}
    told[f"{TAG}/problems"] = len(problems)
    if problems:
        told[f"{TAG}/first"] = problems[0].statement[language]
    if first and first[0].remedy:
        told[f"{TAG}/try_first"] = first[0].remedy[language]
    return told

"""How often overfitting is seen rightly in real histories of known answer; a table of `judging.py`.

The folder holds logs of any format that is read and `labels.csv` with the columns `file` and `overfitted` (yes or no).
Every second history of each answer, in the order of names, belongs to the half on which limits may be chosen.
"""

import csv
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from isang.runs.finding import Finding
from isang.runs.findings import RunContext
from isang.runs.findings.generalisation import overfitting, validation_points
from isang.runs.read.folders import read_runs
from isang.runs.read.table import Floats

PERCENT = (1, 2, 5, 10, 20)
"""A naive rule calls a history overfitted if it ends this many per cent above its lowest validation loss."""
PATIENCE = (5, 10, 20, 50)
"""Another one does so if the lowest validation loss is this many validations old."""


@dataclass(frozen=True)
class _History:
    """A run of known answer and what is said of it."""

    name: str
    overfitted: bool
    choosing: bool
    """It belongs to the half on which limits may be chosen."""
    finding: Finding
    validation: Floats


def histories(folder: Path) -> None:
    """F1, false alarms and what is left open, beside naive rules; then each error."""
    known = _known(folder)
    print(f"\nOverfitting in {len(known)} real histories of {folder.name}, target F1 .98")
    print(f"{'':40s}{'F1':>6s} {'found':>10s} {'false alarms':>14s} {'cannot tell':>12s}")
    for name, part in (
        ("all", known),
        ("the half that limits were chosen on", [history for history in known if history.choosing]),
        ("the other half", [history for history in known if not history.choosing]),
    ):
        called = [history.finding.verdict == "problem" for history in part]
        unsure = sum(history.finding.verdict == "cannot_tell" for history in part)
        print(_line(name, part, called) + f"{unsure:13d}")
    for percent in PERCENT:
        called = [h.validation[-1] > (1 + percent / 100) * h.validation.min() for h in known]
        print(_line(f"naive: ends {percent} % above its lowest", known, called))
    for patience in PATIENCE:
        called = [len(h.validation) - 1 - int(np.argmin(h.validation)) >= patience for h in known]
        print(_line(f"naive: lowest {patience} validations before", known, called))
    for history in known:
        if (history.finding.verdict == "problem") != history.overfitted:
            evidence = {name: history.finding.evidence.get(name) for name in ("rise", "threshold", "likelihood_ratio")}
            numbers = ", ".join(f"{name} {value:.3g}" for name, value in evidence.items() if value is not None)
            truth = "overfitted" if history.overfitted else "not overfitted"
            print(f"  {history.name} ({truth}): {history.finding.verdict}; {numbers}")


def _known(folder: Path) -> list[_History]:
    with (folder / "labels.csv").open(newline="") as lines:
        answers = sorted((row["overfitted"] == "yes", row["file"]) for row in csv.DictReader(lines))
    known = []
    for overfitted, group in groupby(answers, key=lambda answer: answer[0]):
        for place, (_, name) in enumerate(group):
            table = read_runs(folder / name)[0]
            finding = overfitting(table, RunContext(table))
            known.append(_History(name, overfitted, place % 2 == 0, finding, validation_points(table)[1]))
    return known


def _line(name: str, part: list[_History], called: list[bool]) -> str:
    hits = sum(c and history.overfitted for c, history in zip(called, part, strict=True))
    alarms = sum(called) - hits
    true = sum(history.overfitted for history in part)
    score = 2 * hits / max(true + hits + alarms, 1)
    return f"  {name:38s}{score:6.3f} {hits:4d} of {true:3d} {alarms:5d} of {len(part) - true:3d}"

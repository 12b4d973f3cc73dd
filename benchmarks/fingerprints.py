"""Whether an incident keeps its fingerprint when the model is trained anew, and where a release rewords its lines.

    python benchmarks/fingerprints.py WORK [--minutes 1]

From the recorded shop: `first` and `second`, the halves of its fault-free part, and `faulty`, all that comes after the
first fault began; `reworded` is the same with other words in lines of every day. Models: of `first`, of `first` with
another seed, and of `second`. Each judges `faulty`; printed is how many of one model's incidents another one finds with
the same fingerprint, and why the others differ. Prints Markdown.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from isang.config import from_dict
from isang.samples import Sample, shop
from isang.service.demo import lines_of
from isang.stages import detect, prepare, train

MODELS = {"first": ("first", 0), "another seed": ("first", 1), "second": ("second", 0)}
REWORDED = (
    ("reservation confirmed", "stock was reserved"),
    ("payment authorised", "authorisation of the payment received"),
    ("order stored", "order was written"),
)
"""Replaced where they occur, in fault-free and faulty lines alike."""


def main() -> None:
    """Cut the sample, train, judge, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=1.0, help="of training, for each model")
    options = parser.parse_args()
    cut(shop(), options.work)
    found = {name: incidents_of(options.work, name, options.minutes) for name in MODELS}
    print(
        "| model | beside | incidents | with the same fingerprint | share |",
        "| --- | --- | --- | --- | --- |",
        sep="\n",
    )
    for one, other in (("first", "another seed"), ("first", "second"), ("second", "first")):
        print(row(one, other, found[one], found[other]))
    for one, other in (("first", "another seed"), ("first", "second"), ("second", "first")):
        for incident in missing(found[one], found[other]):
            print(f"- {one}, not {other}: {incident['severity']} {incident['sessions']} {incident['title']}")


def cut(sample: Sample, work: Path) -> None:
    """Write the parts of the sample as logs, a folder for each."""
    lines = lines_of(sample, None)
    with sample.faults.open() as file:
        begin = min(datetime.fromisoformat(row["start"]) for row in csv.DictReader(file))
    fault = (begin - begin.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    middle = (lines[0][0] + fault) / 2
    parts: dict[str, list[tuple[str, str]]] = {"first": [], "second": [], "faulty": []}
    for second, program, line in lines:
        parts["first" if second < middle else "second" if second < fault else "faulty"].append((program, line))
    for part, of_it in parts.items():
        folder = work / "logs" / part
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        for program in sorted({program for program, _ in of_it}):
            own = (line for other, line in of_it if other == program)
            (folder / f"{program}.log").write_text("".join(f"{line}\n" for line in own))


def incidents_of(work: Path, name: str, minutes: float) -> list[dict[str, Any]]:
    """The incidents of the faulty part, judged by the model of this name, which is trained where it is not there."""
    part, seed = MODELS[name]
    data, run, out = work / f"data_{part}", work / f"run_{name.replace(' ', '_')}", work / f"{name}.json"
    if not out.exists():
        config = from_dict({"training": {"seed": seed, "train_fraction": 0.9, "max_minutes": minutes}})
        if not data.exists():
            prepare([str(work / "logs" / part)], data, config=config)
        if not run.exists():
            train(data, run, config=config)
        judged = detect(run / "model", [str(work / "logs" / "faulty")])
        out.write_text(json.dumps([incident.to_dict() for incident in judged.incidents]))
    incidents: list[dict[str, Any]] = json.loads(out.read_text())
    return incidents


def missing(one: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The incidents whose fingerprint no incident of the other model has."""
    known = {incident["fingerprint"] for incident in other}
    return [incident for incident in one if incident["fingerprint"] not in known]


def row(name: str, beside: str, one: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> str:
    """A row of the table."""
    same = len(one) - len(missing(one, other))
    return f"| {name} | {beside} | {len(one)} | {same} | {100 * same / max(1, len(one)):.0f} % |"


if __name__ == "__main__":
    main()

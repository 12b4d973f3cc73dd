"""Whether an incident keeps its fingerprint when the model is trained anew, and where a release rewords its lines.

    python benchmarks/fingerprints.py WORK [--minutes 1]

From the recorded shop: `first` and `second`, the halves of its fault-free part, and `faulty`, all that comes after the
first fault began; `reworded` is the same with other words in lines of every day. Models: of `first`, of `first` with
another seed, and of `second`. Each judges `faulty`, the first one `reworded` too. Printed is how many incidents of one
judgement another one finds with the same fingerprint, under another name (a session of it is in an incident of another
fingerprint), and not at all (no session of it is an anomaly: what differs is detection). Prints Markdown.
"""

import argparse
import csv
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from isang.config import from_dict
from isang.samples import Sample, shop
from isang.service.demo import lines_of
from isang.stages import detect, prepare, train

JUDGED = {
    "first": ("first", 0, "faulty"), "another seed": ("first", 1, "faulty"), "second": ("second", 0, "faulty"),
    "reworded": ("first", 0, "reworded"),
}  # fmt: skip
"""The part that a model learned from, its seed, and what it judged."""
BESIDE = (("first", "another seed"), ("first", "second"), ("second", "first"), ("first", "reworded"))
REWORDED = (
    ("is paid", "has been paid"), ("confirmed", "is now confirmed"), ("Invoice of order", "Invoice for the order"),
    ("basket emptied", "basket was emptied"), ("Reserved product", "Product reserved:"),
    ("charge recorded", "charge was recorded"), ("checkout started", "checkout has started"),
)  # fmt: skip
"""Replaced wherever they occur."""


def main() -> None:
    """Cut the sample, train, judge, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=1.0, help="of training, for each model")
    options = parser.parse_args()
    cut(shop(), options.work)
    found = {name: judged(options.work, name, options.minutes) for name in JUDGED}
    print("| judged | beside | incidents | same fingerprint | another name | not found | same of those found |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for one, other in BESIDE:
        print(row(one, other, found))
    for one, other in BESIDE:
        for title in compared(found[one], found[other])["another name"]:
            print(f"- {one}, another name with {other}: {title}")


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
    parts["reworded"] = [(program, reworded(line)) for program, line in parts["faulty"]]
    for part, of_it in parts.items():
        folder = work / "logs" / part
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        for program in sorted({program for program, _ in of_it}):
            own = (line for other, line in of_it if other == program)
            (folder / f"{program}.log").write_text("".join(f"{line}\n" for line in own))


def reworded(line: str) -> str:
    """The line as another release writes it."""
    for one, other in REWORDED:
        line = line.replace(one, other)
    return line


def judged(work: Path, name: str, minutes: float) -> dict[str, Any]:
    """`incidents`, title by fingerprint, and `sessions`, fingerprint by session; a model is trained where none is."""
    part, seed, logs = JUDGED[name]
    data, run, out = work / f"data_{part}", work / f"run_{part}_{seed}", work / f"{name}.json"
    if not out.exists():
        config = from_dict({"training": {"seed": seed, "train_fraction": 0.9, "max_minutes": minutes}})
        if not data.exists():
            prepare([str(work / "logs" / part)], data, config=config)
        if not run.exists():
            train(data, run, config=config)
        found = detect(run / "model", [str(work / "logs" / logs)])
        sessions = {f"{one['session_id']} {one['start']}": one["incident"] for one in found.anomalies}
        incidents = {one.fingerprint: f"{one.severity}, {one.title}" for one in found.incidents}
        out.write_text(json.dumps({"incidents": incidents, "sessions": sessions}))
    value: dict[str, Any] = json.loads(out.read_text())
    return value


def compared(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, list[str]]:
    """Titles of the incidents of one, by what the other has of them."""
    found: dict[str, list[str]] = {"same": [], "another name": [], "not found": []}
    for fingerprint, title in one["incidents"].items():
        own = [session for session, incident in one["sessions"].items() if incident == fingerprint]
        if fingerprint in other["sessions"].values():
            found["same"].append(title)
        else:
            found["another name" if any(session in other["sessions"] for session in own) else "not found"].append(title)
    return found


def row(name: str, beside: str, found: Mapping[str, Mapping[str, Any]]) -> str:
    """A row of the table."""
    counts = {kind: len(titles) for kind, titles in compared(found[name], found[beside]).items()}
    both = counts["same"] + counts["another name"]
    share = f"{100 * counts['same'] / max(1, both):.0f} %"
    return f"| {name} | {beside} | {sum(counts.values())} | {' | '.join(map(str, counts.values()))} | {share} |"


if __name__ == "__main__":
    main()

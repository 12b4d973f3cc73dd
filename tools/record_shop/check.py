"""What a recording holds, and how trivial detectors do on it: `python tools/record_shop/check.py FOLDER`.

FOLDER is a recording or the sample made of it. Sessions are prepared with isang's own rules; thresholds are not tuned:
a trivial detector flags what the fault-free part never showed.
"""

import argparse
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from isang.config import LogsConfig
from isang.logs.input.chunks import read_all
from isang.logs.prepare import prepare

ERROR_LEVELS = ("ERROR", "FATAL", "CRITICAL", "PANIC")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--session-by", default="auto", help="as in `isang prepare`")
    arguments = parser.parse_args()
    logs, labels, faults = parts(arguments.folder)
    requests = pl.read_csv(_bytes(labels), schema_overrides={"start": pl.String}).with_columns(
        pl.col("fault", "deviation").fill_null("")
    )
    first_fault = pl.read_csv(faults)["start"].min()
    print(counts(logs, requests, first_fault))
    prepared = prepare([str(path) for path in logs], LogsConfig(session_by=arguments.session_by), labels=labels)
    print(f"Sessions by {prepared.dataset.meta['session_rule']['pattern']}\n")
    sessions = prepared.dataset.sessions.filter(pl.col("label").is_not_null()).join(
        requests.select(session_id="request_id", fault="fault", begin="start"), on="session_id"
    )
    print(baselines(sessions, prepared.dataset.templates, first_fault))


def _bytes(path: Path) -> bytes:
    return read_all(path, max_bytes=1 << 30)


def parts(folder: Path) -> tuple[list[Path], Path, Path]:
    """(logs, requests.csv, faults.csv) of a recording or of the sample."""
    logs = sorted([*folder.glob("logs/*.log"), *folder.glob("*.log.zst")])
    (labels,) = [*folder.glob("requests.csv"), *folder.glob("requests.csv.zst")]
    return logs, labels, folder / "faults.csv"


def counts(logs: list[Path], requests: pl.DataFrame, first_fault: str) -> str:
    """Tables of lines by file, and of requests by part and fault."""
    lines = ["| log | lines |", "| --- | ---: |"]
    total = 0
    for path in logs:
        number = _bytes(path).count(b"\n")
        total += number
        lines.append(f"| {path.name} | {number:,} |")
    lines += [f"| all | {total:,} |", "", "| requests | number | anomalous |", "| --- | ---: | ---: |"]
    second = pl.col("start") >= first_fault
    for name, part in (("fault-free part", requests.filter(~second)), ("part with faults", requests.filter(second))):
        anomalous = int(part["anomalous"].sum())
        lines.append(f"| {name} | {part.height:,} | {anomalous:,} ({anomalous / part.height:.1%}) |")
    lines += ["", "| fault | anomalous requests | how they deviate |", "| --- | ---: | --- |"]
    for fault, part in requests.filter("anomalous").sort("fault").group_by("fault", maintain_order=True):
        ways = ", ".join(f"{way} {number}" for way, number in Counter(part["deviation"]).most_common())
        lines.append(f"| {fault[0]} | {part.height} | {ways} |")
    strays = requests.filter(~pl.col("anomalous") & (pl.col("deviation") != "")).height
    return "\n".join([*lines, "", f"Deviations without a fault, which count as normal: {strays}.", ""])


def baselines(sessions: pl.DataFrame, templates: pl.DataFrame, first_fault: str) -> str:
    """A table of precision, recall and F1 on the part with faults, and recall by fault."""
    errors = set(templates.filter(pl.col("level").str.to_uppercase().is_in(ERROR_LEVELS))["event"])
    train, test = (sessions.filter(pl.col("begin") < first_fault), sessions.filter(pl.col("begin") >= first_fault))
    normal = [tuple(events) for events in train["events"]]
    seen = {event for events in normal for event in events}
    lengths = {len(events) for events in normal}
    vectors = {tuple(sorted(events)) for events in normal}
    pairs = {pair for events in normal for pair in itertools.pairwise(events)}
    detectors: dict[str, Any] = {
        "unseen template": lambda events: not seen.issuperset(events),
        "unseen length": lambda events: len(events) not in lengths,
        "unseen event counts": lambda events: tuple(sorted(events)) not in vectors,
        "unseen pair of neighbours": lambda events: not pairs.issuperset(itertools.pairwise(events)),
        "any ERROR line": lambda events: not errors.isdisjoint(events),
    }
    truth, kinds = test["label"].to_list(), test["fault"].to_list()
    names = sorted({kind for kind, label in zip(kinds, truth, strict=True) if label})
    lines = [
        f"| detector | precision | recall | F1 | {' | '.join(names)} |",
        "| --- " + "| ---: " * (3 + len(names)) + "|",
    ]
    for name, detect in detectors.items():
        flags = [detect(events) for events in test["events"].to_list()]
        hits = sum(flag and label for flag, label in zip(flags, truth, strict=True))
        precision, recall = hits / max(1, sum(flags)), hits / max(1, sum(truth))
        caught = Counter(kind for kind, flag, label in zip(kinds, flags, truth, strict=True) if flag and label)
        shares = [f"{caught[kind] / kinds.count(kind):.2f}" for kind in names]
        f1 = 2 * hits / max(1, sum(flags) + sum(truth))
        lines.append(f"| {name} | {precision:.2f} | {recall:.2f} | {f1:.2f} | {' | '.join(shares)} |")
    return "\n".join([f"Sessions: {len(normal):,} to learn from, {test.height:,} to judge.", "", *lines])


if __name__ == "__main__":
    main()

"""`isang compare` on ten real bugs of five distributed systems: two good runs and a bad one of each.

    python benchmarks/comparing.py [--half development|later] [--data ../shared/data]

Prints Markdown. The rules were made with the bugs of DEVELOPMENT in view; those of LATER were looked at once, when the
rules were done. For each bug: incidents of the second good run against the first one; the place of the first incident
that shows a line of the failure, by what its report names (TELLING), where one and where two good runs were given;
whether the bad run ranks above the good one, both against the first good run; and, beside it, how many lines of the bad
run are new once what varies is masked (the same masks), and the place of the first telling one among these.
"""

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path

from isang.config import LogsConfig
from isang.detection.comparison.compare import Comparison, compare
from isang.logs.event_records import read_event_records
from isang.logs.parsing import masks

TELLING = {
    "cassandra-17663": r"Streaming error occurred|Stream failed|Remote peer .* failed stream session",
    "hbase-18137": r"Failed to read stream of replication entries|IOE in log roller",
    "hdfs-12248": r"Exception in doCheckpoint",
    "kafka-10048": r"Exception while producing|Graceful stop of task .* failed",
    "zookeeper-2247": r"Severe unrecoverable error",
    "hbase-19876": r"WrongRowIOException",
    "hbase-25905": r"AsyncFSWAL.* sync failed",
    "hdfs-15032": r"Retrying connect to server",
    "kafka-8755": r"AssertionError",
    "zookeeper-3157": r"Unable to load database on disk|KeeperErrorCode = ConnectionLoss",
}
"""By bug: a regular expression of the lines that tell of the failure."""
DEVELOPMENT = ("cassandra-17663", "hbase-18137", "hdfs-12248", "kafka-10048", "zookeeper-2247")
LATER = ("hbase-19876", "hbase-25905", "hdfs-15032", "kafka-8755", "zookeeper-3157")


def main() -> None:
    """Print a row for each bug."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("development", "later"), default="development")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    compare_bugs(options.half, options.data)


def compare_bugs(half: str, data: Path) -> None:
    """Print a row for each bug of a half."""
    heads = (
        "bug", "lines", "incidents, good against good", "failure shown at, one good run", "two good runs",
        "bad ranks above good", "masked lines that are new", "first telling one of these", "s",
    )  # fmt: skip
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for bug in DEVELOPMENT if half == "development" else LATER:
        print_row(bug, data / "distributed_failures" / bug)


def print_row(bug: str, folder: Path) -> None:
    """One bug."""
    one, two, bad = (str(folder / f"{name}.log.zst") for name in ("good_1", "good_2", "bad"))
    quiet, alone = compare([one], [two]), compare([one], [bad])
    start = time.process_time()
    both = compare([one, two], [bad])
    seconds = time.process_time() - start
    telling = re.compile(TELLING[bug])
    new, first = masked_difference([one, two], bad, telling)
    cells = [
        bug, f"{both.lines[1]:,}", len(quiet.incidents), place(alone, telling), place(both, telling),
        f"{'yes' if alone.score > quiet.score else 'no'}: {alone.score:.1f}, {quiet.score:.1f}",
        f"{new:,}", first, f"{seconds:.1f}",
    ]  # fmt: skip
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def place(found: Comparison, telling: re.Pattern[str]) -> str:
    """The place of the first incident that shows a telling line, from 1; in brackets that of a smaller difference."""
    for number, incident in enumerate([*found.incidents, *found.differences], 1):
        if any(telling.search(reason["line"]["text"]) for reason in incident.reasons):
            return f"{number}" if number <= len(found.incidents) else f"({number})"
    return "-"


def masked_difference(good: Sequence[str], bad: str, telling: re.Pattern[str]) -> tuple[int, str]:
    """(lines of the bad run that no good one has when both are masked, the place of the first telling one)."""
    records = read_event_records([good, [bad]], LogsConfig()).frame
    text = masks.masked(records["message"], masks.compiled(masks.BUILT_IN))
    known = set(text.filter(records["run"] == 0))
    new = list(dict.fromkeys(line for line in text.filter(records["run"] == 1) if line not in known))
    return len(new), next((str(number) for number, line in enumerate(new, 1) if telling.search(line)), "-")


if __name__ == "__main__":
    main()

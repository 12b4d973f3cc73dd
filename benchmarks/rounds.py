"""Whole runs of a cloud beside fault-free ones: is a round in which a fault was injected unlike these?

    python benchmarks/rounds.py [--half development|later] [--data ../shared/data]

Prints Markdown. The 30 fault-free rounds of the training log are cut at its 29 longest silences; pieces of fewer than
2,000 lines are left out. Each round of the half is compared with all of them as `isang compare` does; the p-value is
that of `verdict`. Rounds are in the order of their numbers, the first half of each kind for development, the rest
looked at once. All rounds are read together: one reading in place of one for each. Beside it: lines at ERROR or worse.
"""

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from isang.config import LogsConfig
from isang.detection.comparison.families import families_of
from isang.detection.comparison.verdict import Verdict, run_score
from isang.logs.event_records import EventRecords, read_event_records

TRAINING_ROUNDS = 30
LEAST_LINES = 2_000
KINDS = ("normal", "failed", "survived")


def main() -> None:
    """Print a row for each kind of round, and how well the scores part failed rounds from fault-free ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("development", "later"), default="development")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    folder = options.data / "openstack_faults"
    chosen = rounds_of(folder / "rounds.csv", later=options.half == "later")
    records = read_event_records(
        [[str(folder / "train")], *([str(folder / "rounds" / name)] for _, name in chosen)], LogsConfig()
    )
    families = families_of(cut_training(records), TRAINING_ROUNDS + len(chosen))
    lines = families.counts_FR.sum(axis=0)
    good = [number for number in range(TRAINING_ROUNDS) if lines[number] >= LEAST_LINES]
    good_scores = tuple(run_score(families, [other for other in good if other != own], own) for own in good)
    found: dict[str, list[tuple[Verdict, int]]] = {kind: [] for kind in KINDS}
    for number, (kind, _) in enumerate(chosen, TRAINING_ROUNDS):
        errors = int(families.counts_FR[families.loudness_F == 3, number].sum())
        found[kind].append((Verdict(run_score(families, good, number), good_scores), errors))
    print(
        f"scores of {len(good)} fault-free training rounds, each beside the others: {np.round(sorted(good_scores), 1)}"
    )
    print("| rounds | scores | p-values | lines at ERROR |\n| --- | --- | --- | --- |")
    for kind, verdicts in found.items():
        scores = ", ".join(f"{verdict.score:.1f}" for verdict, _ in verdicts)
        p_values = ", ".join(f"{verdict.p_value:.2f}" for verdict, _ in verdicts)
        print(
            f"| {kind} ({len(verdicts)}) | {scores} | {p_values} | {', '.join(str(errors) for _, errors in verdicts)} |"
        )
    by_score = parted([v.score for v, _ in found["failed"]], [v.score for v, _ in found["normal"]])
    by_errors = parted([e for _, e in found["failed"]], [e for _, e in found["normal"]])
    print(f"AUC of failed against fault-free rounds: {by_score:.3f}; of lines at ERROR: {by_errors:.3f}")


def rounds_of(table: Path, *, later: bool) -> list[tuple[str, str]]:
    """(kind, round) of one half."""
    with table.open() as file:
        rows = list(csv.DictReader(file))
    chosen = []
    for kind in KINDS:
        names = sorted((row["round"] for row in rows if row["kind"] == kind), key=lambda name: int(name.split("_")[1]))
        half = (len(names) + 1) // 2
        chosen += [(kind, name) for name in (names[half:] if later else names[:half])]
    return chosen


def cut_training(records: EventRecords) -> EventRecords:
    """The records with the rounds of the training log as runs 0 to TRAINING_ROUNDS - 1, the others behind them."""
    training, rest = records.frame.filter(pl.col("run") == 0), records.frame.filter(pl.col("run") > 0)
    times = training["time"].drop_nulls().sort()
    longest = times.diff().arg_sort(descending=True, nulls_last=True).head(TRAINING_ROUNDS - 1)
    own = np.searchsorted(
        times.gather(longest).sort().to_numpy(), training["time"].fill_null(strategy="forward").to_numpy(), side="right"
    )
    training = training.with_columns(run=pl.Series(own, dtype=pl.Int32))
    rest = rest.with_columns(run=(pl.col("run") + TRAINING_ROUNDS - 1).cast(pl.Int32))
    return replace(records, frame=pl.concat([training, rest]))


def parted(higher: list[float], lower: list[float]) -> float:
    """The area under the ROC curve: how often one of the first is above one of the second, ties half."""
    return float(np.mean([[(one > other) + 0.5 * (one == other) for other in lower] for one in higher]))


if __name__ == "__main__":
    main()

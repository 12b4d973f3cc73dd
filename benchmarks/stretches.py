"""Fault-free and failed rounds of a cloud before a model that saw fault-free ones alone: which of them have incidents?

    python benchmarks/stretches.py [--half development|later] [--data ../shared/data] [--work DIR]

Prints Markdown: for each kind of round the incidents and the p-value of the round as a whole, how well its score parts
failed from fault-free rounds, and beside it what counting lines at ERROR, lines never seen and lines of all kinds would
have done. Nothing is labelled for the model, which is kept in the work folder. Rounds are in the order of their
numbers, the first half of each kind for development, the rest looked at once.
"""

import argparse
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rounds import KINDS, parted, rounds_of

from isang import stages
from isang.artifact import load_model
from isang.config import Config, ModelConfig, TrainingConfig
from isang.detection.batch import JudgedLogs, judge_logs
from isang.model.wording import loudness_of

CLOCK_BEHIND = timedelta(hours=4)
"""The logs' own clock is behind that of the table."""
SIMPLE = ("any ERROR line", "lines never seen", "all lines")
ATTENTION = 10


def main() -> None:
    """Train where there is no model yet, judge the rounds of one half, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("development", "later"), default="development")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("out/benchmark/stretches"))
    options = parser.parse_args()
    judge_rounds(options.half, options.data, options.work)


def judge_rounds(half: str, data: Path, work: Path) -> None:
    """Print a row for each round of a half, then what each kind has in common; the model is kept in `work`."""
    folder = data / "openstack_faults"
    if not (work / "run").exists():
        stages.prepare([folder / "train"], work / "data", overwrite=True)
        small = ModelConfig(layers=2, width=64, heads=2)
        config = Config(model=small, training=TrainingConfig(train_fraction=1.0, min_steps=300, epochs=1))
        stages.train(work / "data", work / "run", config=config, with_report=False)
    model = load_model(work / "run")
    table = pl.read_csv(folder / "rounds.csv")
    rows = []
    for kind, name in rounds_of(folder / "rounds.csv", later=half == "later"):
        judged = judge_logs(model, [folder / "rounds" / name])
        began = table.filter(pl.col("round") == name)["activated_at_utc"][0]
        rows.append(measured(kind, name, judged, began))
        print(f"| {' | '.join(str(value) for value in rows[-1].values())} |", flush=True)
    print_summary(rows)


def measured(kind: str, name: str, judged: JudgedLogs, began: str | None) -> dict[str, Any]:
    """The figures of one round."""
    templates = judged.dataset.templates
    errors = [loudness_of(text, level) == 3 for text, level in templates["template", "level"].iter_rows()]
    return {
        "kind": kind, "round": name, "sessions": len(judged.p_values), "anomalies": len(judged.anomalies),
        "incidents": len(judged.incidents), "score": round(judged.whole.score, 2),
        "p": None if judged.whole.p_value is None else round(judged.whole.p_value, 4),
        "any ERROR line": int(templates["count"].filter(pl.Series(errors)).sum()),
        "lines never seen": sum(entry["count"] for entry in judged.never_seen),
        "all lines": int(templates["count"].sum()), "delay_s": delay(judged, began),
    }  # fmt: skip


def delay(judged: JudgedLogs, began: str | None) -> float | None:
    """Seconds from the activation of the fault to the first of the first incidents that began after it."""
    if began is None:
        return None
    start = datetime.fromisoformat(began) - CLOCK_BEHIND
    firsts = [datetime.fromisoformat(one.first_seen) for one in judged.incidents[:ATTENTION] if one.first_seen]
    later = [(first - start).total_seconds() for first in firsts if first >= start]
    return min(later) if later else None


def print_summary(rows: list[dict[str, Any]]) -> None:
    """What the rounds of each kind have in common."""
    for kind in KINDS:
        own = [row["incidents"] for row in rows if row["kind"] == kind]
        print(f"{kind}: {sum(n == 0 for n in own)} of {len(own)} without an incident, the most have {max(own)}")
    delays = [row["delay_s"] for row in rows if row["kind"] == "failed"]
    known = [one for one in delays if one is not None]
    noticed = (
        f"{len(known)} of {len(delays)} failed rounds: one of the first {ATTENTION} incidents begins after the fault"
    )
    print(noticed, end="")
    print(f"; delay {np.median(known):.0f} s in the median" if known else "")
    for name in ("score", *SIMPLE):
        of = {kind: [row[name] for row in rows if row["kind"] == kind] for kind in KINDS}
        print(f"AUC of failed against fault-free rounds, {name}: {parted(of['failed'], of['normal']):.3f}")


if __name__ == "__main__":
    main()

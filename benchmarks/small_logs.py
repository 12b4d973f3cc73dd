"""Detection learned from small logs: thresholds with 30 to 400 held-out sessions, beside what the ranking would allow.

    python benchmarks/small_logs.py [--case hdfs-200 ...] [--seeds 3] [--no-encoder] [--data DIR] [--work DIR]

Prints Markdown. Only the first half, by time, of each dataset is used: whatever is chosen may be chosen here. Each seed
has another stretch of it as well as other weights. Trained models are kept in the work folder; scores, calibration and
decisions are always made anew.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from detection_data import bgl, hdfs, shop, trainticket

from detection import spread
from isang import stages
from isang.artifact import Model, load_model
from isang.config import Config, LogsConfig, ModelConfig, TrainingConfig
from isang.detection.assembly import calibrated
from isang.detection.detectors import detectors_of
from isang.detection.evaluation.metrics import Flags, Floats, average_precision, precision_recall
from isang.detection.evaluation.synthetic_anomalies import plant
from isang.detection.releases.rewordings import judge_reworded
from isang.detection.threshold.decisions import limits_at
from isang.logs.prepare import prepare
from isang.logs.store import Dataset, read_dataset, write_dataset
from isang.training.split import Split, split_by_time

STRETCHES = (0.5, 0.65, 0.35)
"""Where in the development half the training period ends, by seed."""
MOST_LATER = 2_000
"""Maximum number of sessions after the training period that are judged."""


@dataclass(frozen=True)
class Case:
    """A small log: a dataset and how much of it, in sessions, the model may learn from."""

    title: str
    read: Callable[[Path], Dataset]
    sessions: int | None = None
    """The training period; None: everything from the beginning of the development half."""


def bgl_50(data: Path) -> Dataset:
    """BGL in windows of 50 lines; one with an alert line is anomalous."""
    return _bgl_windows(data, 50)


def bgl_20(data: Path) -> Dataset:
    """BGL in windows of 20 lines."""
    return _bgl_windows(data, 20)


def _bgl_windows(data: Path, lines: int) -> Dataset:
    return prepare([str(data / "bgl" / "BGL_100k.log.gz")], LogsConfig(window_lines=lines)).dataset


SIZES = (200, 500, 1_000, 2_000)
CASES: Mapping[str, Case] = {
    **{f"hdfs-{size}": Case(f"HDFS, {size:,} sessions", hdfs, size) for size in SIZES},
    **{f"shop-{size}": Case(f"the shop (fault-free), {size:,} sessions", shop, size) for size in SIZES},
    "bgl-100": Case("BGL, windows of 100 lines", bgl),
    "bgl-50": Case("BGL, windows of 50 lines", bgl_50),
    "bgl-20": Case("BGL, windows of 20 lines", bgl_20),
    "trainticket": Case("trainticket", trainticket),
}


def main() -> None:
    """Measure the cases asked for, one after the other, and print a row as soon as each is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--seeds", type=int, default=3, choices=range(1, len(STRETCHES) + 1))
    parser.add_argument("--no-encoder", action="store_true", help="the statistical detectors alone")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("out/benchmark/few"))
    options = parser.parse_args()
    print("| | held out | anomalous | F1 | best F1 of any threshold (oracle) | average precision | ", end="")
    print("false alarms per 1,000 | found of what was planted, % | detectors that raised false alarms |")
    print("| --- |" + " --- |" * 8)
    for name in options.case:
        encoder = not options.no_encoder
        results = [measure(name, options.data, options.work, seed, encoder) for seed in range(options.seeds)]
        print_row(CASES[name], results)


def measure(name: str, data: Path, work: Path, seed: int, encoder: bool) -> dict[str, Any]:
    """What one seed of one case found."""
    model, dataset, split = trained(name, data, work, seed, encoder)
    model, judged, _ = judge_reworded(calibrated(model, dataset, split.train, split.validation), dataset, split.later)
    labels = dataset.sessions["label"].gather(split.later)
    anomalous, known = labels.fill_null(False).to_numpy(), labels.is_not_null().to_numpy()
    flagged = np.array([decision.anomalous for decision in judged.decisions], dtype=bool)
    scores = np.array([decision.score for decision in judged.decisions])
    false_alarms = flagged & known & ~anomalous
    spoke_DS = judged.p_values_DS <= limits_at(model, model.config.detection.alerts_per_thousand)[:, None]
    planted = [item["found"]["value"] for item in plant(model, dataset, judged, ~anomalous)]
    return {
        "held_out": len(split.validation),
        "anomalous": int(anomalous.sum()),
        **quality(flagged[known], scores[known], anomalous[known]),
        "false_alarms": 1000 * false_alarms.sum() / (known & ~anomalous).sum(),
        "planted": 100 * np.mean([share for share in planted if share is not None]),
        "flooding": {
            detector.name: int((spoke_S & false_alarms).sum())
            for detector, spoke_S in zip(detectors_of(model), spoke_DS, strict=True)
        },
    }


def trained(name: str, data: Path, work: Path, seed: int, encoder: bool) -> tuple[Model, Dataset, Split]:
    """The model of a case with its default settings, the stretch that it is of, and how that is split."""
    case = CASES[name]
    folder = work / "data" / case.read.__name__
    if not folder.exists():
        write_dataset(case.read(data), folder)
    half = read_dataset(folder)
    half = replace(half, sessions=half.sessions.head(len(half.sessions) // 2))
    until = int(STRETCHES[seed] * len(half.sessions))
    since = 0 if case.sessions is None else until - case.sessions
    stretch = replace(half, sessions=half.sessions[since : until + MOST_LATER])
    fraction = (until - since + 0.5) / len(stretch.sessions)
    config = Config(model=ModelConfig(encoder=encoder), training=TrainingConfig(train_fraction=fraction, seed=seed))
    run = work / name / f"seed{seed}{'' if encoder else '_no_encoder'}"
    if not (run / "run").exists():
        write_dataset(stretch, run / "data", overwrite=True)
        stages.train(run / "data", run / "run", config=config, with_report=False)
    return load_model(run / "run"), stretch, split_by_time(stretch, config.training)


def quality(flagged: Flags, scores: Floats, anomalous: Flags) -> dict[str, float | None]:
    """F1 as decided, the best that any threshold of the scores would have had, and average precision."""
    if not anomalous.any():
        return {"f1": None, "oracle_f1": None, "average_precision": None}
    _, precision, recall = precision_recall(scores, anomalous)
    both = precision + recall
    return {
        "f1": float(2 * (flagged & anomalous).sum() / (flagged.sum() + anomalous.sum())),
        "oracle_f1": float((2 * precision * recall / np.where(both > 0, both, 1.0)).max()),
        "average_precision": average_precision(scores, anomalous),
    }


def print_row(case: Case, results: Sequence[Mapping[str, Any]]) -> None:
    """One row: means and standard deviations over the seeds."""
    flooding: Counter[str] = Counter()
    for result in results:
        flooding.update(result["flooding"])
    loudest = ", ".join(f"{name} {times}" for name, times in flooding.most_common(3) if times)
    cells = [
        case.title,
        "/".join(str(result["held_out"]) for result in results),
        "/".join(str(result["anomalous"]) for result in results),
        *(spread(result[key] for result in results) for key in ("f1", "oracle_f1", "average_precision")),
        *(spread((result[key] for result in results), 1) for key in ("false_alarms", "planted")),
        loudest,
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

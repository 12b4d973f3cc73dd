"""Detection quality over seeds: every detector and baseline, the alert budget, planted anomalies, drift.

    python benchmarks/detection.py [--part hdfs50 bgl openstack_faults ...] [--seeds 5] [--max-minutes 3]
                                   [--development] [--data ../shared/data] [--work DIR]

Without --part all datasets, with one table of all that have labels at the end; `openstack_faults` and
`distributed_failures`, whose unit is a whole run, print what stretches.py and comparing.py do.
Prints Markdown. Trained models are kept in the work folder; scores, calibration and evaluation are always made anew.
`--development` uses the first half of each dataset alone: whatever is chosen is chosen there, never on the later half.
"""

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from comparing import compare_bugs
from detection_data import PARTS, Part, dataset_of, train_fraction
from detection_table import print_table
from rewording import MAKERS, reword_dataset
from stretches import judge_rounds

from isang import stages
from isang.artifact import Model, load_model
from isang.config import Config, TrainingConfig
from isang.detection.assembly import calibrated
from isang.detection.detectors import detectors_of, fit
from isang.detection.detectors.timed_sessions import timed_sessions
from isang.detection.evaluation.evaluate import evaluate
from isang.files import to_json, write_text
from isang.logs.store import Dataset, write_dataset
from isang.training.split import split_by_time

WHOLE_RUNS = {
    "openstack_faults": judge_rounds,
    "distributed_failures": lambda half, data, work: compare_bugs(half, data),
}
QUALITY = ("precision", "recall", "f1", "average_precision", "accuracy")


def main() -> None:
    """Measure the parts asked for, one after the other, and print each as soon as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*PARTS, *WHOLE_RUNS]
    parser.add_argument("--part", nargs="+", choices=names, default=names, metavar="PART", help=", ".join(names))
    parser.add_argument("--max-minutes", type=float, help="of each training; its own end where not given")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--development", action="store_true", help="use the first half of each dataset alone")
    parser.add_argument("--maker", choices=MAKERS, default="reword", help="who rewords a reworded part")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("out/benchmark/detection"))
    options = parser.parse_args()
    by_title: dict[str, list[dict[str, Any]]] = {}
    for name in options.part:
        if name in WHOLE_RUNS:
            print(f"\n### {name}\n", flush=True)
            half = "development" if options.development else "later"
            WHOLE_RUNS[name](half, options.data, options.work / name)
            continue
        part = replace(PARTS[name], maker=options.maker)
        results = []
        for seed in range(options.seeds):
            results.append(
                measure(
                    part, options.data, options.work, seed, development=options.development,
                    max_minutes=options.max_minutes,
                )
            )  # fmt: skip
            kept = f"{name}{'-development' if options.development else ''}-seed{seed}.json"
            write_text(options.work / "results" / kept, to_json(results[-1]))
        print_part(part, results, development=options.development)
        by_title[part.title] = results
    print_table(by_title, development=options.development)


def measure(
    part: Part, data: Path, work: Path, seed: int, *, development: bool, max_minutes: float | None = None
) -> dict[str, Any]:
    """The evaluation of one seed."""
    dataset = dataset_of(part, data, work, development=development, seed=seed)
    fraction = train_fraction(part, development=development)
    name = f"{part.read.__name__}-{fraction:g}{'-contaminated' if part.contaminated else ''}"
    folder = work / ("development" if development else "whole") / name / f"seed{seed}"
    config = Config(training=TrainingConfig(train_fraction=fraction, seed=seed, max_minutes=max_minutes))
    if not (folder / "run").exists():
        write_dataset(dataset, folder / "data", overwrite=True)
        stages.train(folder / "data", folder / "run", config=config, with_report=False)
    model = load_model(folder / "run")
    split = split_by_time(dataset, config.training)
    model = _fitted_anew(model, dataset, np.concatenate([split.train, split.validation]))
    model = calibrated(model, dataset, split.train, split.validation)
    if not part.reworded:
        return evaluate(model, dataset)
    before = evaluate(model, dataset)["metrics"]
    changed = evaluate(model, _reworded(dataset, model, split.later, part, seed))
    return changed | {"f1_before_rewording": before and before["f1"]["value"]}


def _fitted_anew(model: Model, dataset: Dataset, rows: np.ndarray) -> Model:
    """The model with what the detectors of this version learn, so that one trained earlier will do."""
    return replace(model, fitted=fit(detectors_of(model), timed_sessions(dataset, model.vocabulary, rows)))


def _reworded(dataset: Dataset, model: Model, later: np.ndarray, part: Part, seed: int) -> Dataset:
    known = set(model.vocabulary.templates)
    events = [event for event, text in dataset.templates["event", "template"].iter_rows() if text in known]
    return reword_dataset(dataset, later, events, part.reworded, seed, part.maker)


def print_part(part: Part, results: Sequence[dict[str, Any]], *, development: bool) -> None:
    """All tables of one part."""
    first = results[0]
    sessions, half = first["sessions"], ", development half" if development else ""
    print(f"\n### {part.title}{half}\n")
    print(
        f"{len(results)} seeds; {sessions['evaluated']:,} later sessions, {sessions['labelled']:,} labelled, "
        f"{sessions['anomalous']:,} anomalous; {first['budget']['calibration_sessions']:,} for calibration."
    )
    if first["measured"]:
        _print_quality(results)
        _print_fall(results)
    else:
        print(f"Not measured: {first['why_not_measured']}.")
    _print_budgets(results)
    _print_kinds(results)
    _print_planted(results)
    for result in results[:1]:
        if result.get("drift"):
            print(f"\nDrift, seed 0: {result['drift']['says']}", flush=True)


def _print_quality(results: Sequence[dict[str, Any]]) -> None:
    print("\n| | precision | recall | F1 | average precision | accuracy | false alarms per 1,000 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    _print_row("**isang**", results)
    for group in ("detectors", "baselines"):
        for place, item in enumerate(results[0][group]):
            _print_row(item["name"], [result[group][place] for result in results])


def _print_fall(results: Sequence[dict[str, Any]]) -> None:
    """What rewording cost, seed by seed."""
    if "f1_before_rewording" in results[0]:
        pairs = [(result["f1_before_rewording"], result["metrics"]["f1"]["value"]) for result in results]
        falls = ", ".join(f"{before:.3f} to {after:.3f}" for before, after in pairs)
        named = sum("templates" in result["drift"]["drifted"] for result in results)
        print(f"\nF1 before and after the rewording (synthetic), by seed: {falls}; ", end="")
        print(f"fall {spread(before - after for before, after in pairs)}; drift named in {named} of {len(results)}.")


def _print_row(name: str, measured: Sequence[dict[str, Any]]) -> None:
    cells = [spread(item["metrics"][metric]["value"] for item in measured) for metric in QUALITY]
    print(f"| {name} | {' | '.join(cells)} | {spread(map(_false_alarms, measured), digits=1)} |")


def _false_alarms(item: dict[str, Any]) -> float | None:
    normal = item["counts"]["false_positives"] + item["counts"]["true_negatives"]
    return 1000 * item["counts"]["false_positives"] / normal if normal else None


def _print_budgets(results: Sequence[dict[str, Any]]) -> None:
    asked = [item["asked_per_thousand"] for item in results[0].get("budgets", [])]
    if not asked:
        return
    print("\n| asked per 1,000 | found on later normal sessions | 95 % interval, mean of the seeds | F1 |")
    print("| --- | --- | --- | --- |")
    for place, budget in enumerate(asked):
        items = [result["budgets"][place] for result in results]
        found = [item["false_alarms_per_thousand"] for item in items]
        low, high = (_mean(share[bound] for share in found) for bound in ("low", "high"))
        f1 = spread((item["metrics"] or {}).get("f1", {}).get("value") for item in items)
        print(f"| {budget:g} | {spread((share['value'] for share in found), 1)} | {low} to {high} | {f1} |")


def _print_kinds(results: Sequence[dict[str, Any]]) -> None:
    kinds = results[0].get("kinds") or []
    if kinds:
        print("\n| kind of fault | sessions | found, % |\n| --- | --- | --- |")
    for place, kind in enumerate(kinds):
        found = spread((100 * result["kinds"][place]["found"]["value"] for result in results), 0)
        print(f"| {kind['kind']} | {kind['sessions']} | {found} |")


def _print_planted(results: Sequence[dict[str, Any]]) -> None:
    columns = {"found": "found, %", "culprit_first": "culprit line first, %", "turned": "undoing turns the verdict, %"}
    present = [name for name in columns if name in results[0]["planted"][0]]
    print(f"\n| planted by isang | {' | '.join(columns[name] for name in present)} |")
    print("| --- |" + " --- |" * len(present))
    for place, kind in enumerate(results[0]["planted"]):
        items = [result["planted"][place] for result in results]
        cells = [spread((_percent(item[name]) for item in items), 1) for name in present]
        print(f"| {kind['kind'].replace('_', ' ')} | {' | '.join(cells)} |")


def _percent(share: dict[str, Any] | None) -> float | None:
    return None if share is None or share["value"] is None else 100 * share["value"]


def spread(values: Any, digits: int = 3) -> str:
    """Mean and standard deviation over the seeds; how many of them are defined where not all are."""
    given = list(values)
    defined = [value for value in given if value is not None]
    if not defined:
        return "undefined"
    deviation = statistics.stdev(defined) if len(defined) > 1 else 0.0
    some = "" if len(defined) == len(given) else f" ({len(defined)} of {len(given)} seeds)"
    return f"{statistics.mean(defined):.{digits}f} ± {deviation:.{digits}f}{some}"


def _mean(values: Any) -> str:
    defined = [value for value in values if value is not None]
    return f"{statistics.mean(defined):.1f}" if defined else "undefined"


if __name__ == "__main__":
    main()

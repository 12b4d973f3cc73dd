"""All datasets of the detection benchmark in one table: isang beside its own parts and simple rules, on the same terms.

Every row is judged by thresholds from normal sessions alone; means over the seeds.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

SIMPLE = {"any ERROR line": "error_line", "new templates": "unseen_template", "counts": "count_vector"}
WITHIN = 3
"""A budget holds if at most this many times as many false alarms are found."""


def print_table(results: Mapping[str, Sequence[dict[str, Any]]], *, development: bool) -> None:
    """One row for each part that has labels; `results` are those of the seeds, by the title of the part."""
    measured = {title: own for title, own in results.items() if own[0]["measured"]}
    if not measured:
        return
    half = "development halves" if development else "later sessions"
    print(f"\n## F1 at a budget of 1 per 1,000, {half}\n")
    print(f"| | isang | event_counts alone | best part alone | {' | '.join(SIMPLE)} | loses to its best part |")
    print("|" + " --- |" * (5 + len(SIMPLE)))
    for title, own in measured.items():
        parts = {item["name"]: _mean([_f1(_named(one, "detectors", item["name"])) for one in own])
                 for item in own[0]["detectors"]}  # fmt: skip
        best = max(parts, key=lambda name: parts[name])
        isang = _mean([_f1(one) for one in own])
        rules = [f"{_mean([_f1(_named(one, 'baselines', name)) for one in own]):.3f}" for name in SIMPLE.values()]
        loss = max(0.0, parts[best] - isang)
        print(
            f"| {title} | {isang:.3f} | {parts['event_counts']:.3f} | {best} {parts[best]:.3f} | {' | '.join(rules)} "
            f"| {f'{loss:.3f}' if loss > 0.005 else 'no'} |"
        )
    print_budgets(measured)


def print_budgets(results: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """What was said beforehand of each budget, and what was found."""
    print("\n| | asked per 1,000 | said beforehand | found on later normal sessions | within 3 times, or said |")
    print("| --- | --- | --- | --- | --- |")
    for title, own in results.items():
        for place, budget in enumerate(own[0]["budgets"]):
            items = [one["budgets"][place] for one in own]
            found = _mean([item["false_alarms_per_thousand"]["value"] for item in items])
            asked, doubted = budget["asked_per_thousand"], all(item["extrapolated"] for item in items)
            lowest = _mean([item["supported_per_thousand"] for item in items])
            said = f"cannot be kept for sure, {lowest:.2g} can" if doubted else "is kept"
            right = found <= WITHIN * asked or doubted
            print(f"| {title} | {asked:g} | {said} | {found:.1f} | {'yes' if right else 'no'} |")


def _named(result: dict[str, Any], group: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in result[group] if item["name"] == name)
    return found


def _f1(item: dict[str, Any]) -> float:
    return float(item["metrics"]["f1"]["value"] or 0.0)


def _mean(values: Sequence[float]) -> float:
    return statistics.mean(values)

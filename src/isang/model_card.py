"""The README of a model folder."""

from collections.abc import Mapping
from typing import Any

import isang


def model_card(
    facts: Mapping[str, Any],
    *,
    templates: int,
    calibration_sessions: int,
    alerts_per_thousand: float,
    evaluation: Mapping[str, Any] | None,
) -> str:
    """The model's README: what it is, what it was trained on, and its measured quality."""
    lines = [
        "# An isang log anomaly detector",
        "",
        f"Written by isang {isang.__version__}. Score logs with `isang detect MODEL LOGS...`.",
        "",
        "| | |",
        "| --- | --- |",
        *(f"| {name.replace('_', ' ')} | {value} |" for name, value in facts.items() if not isinstance(value, dict)),
        f"| templates | {templates} |",
        f"| calibration sessions | {calibration_sessions} |",
        f"| alert budget | {alerts_per_thousand:g} per 1,000 normal sessions |",
        "",
        "## Measured quality",
        "",
        *_quality_lines(evaluation),
        "",
        "## Limits",
        "",
        "It knows the templates of its training period only; a new release of the logging program raises the number",
        "of alerts until the model is trained again. The alert budget is kept while sessions are like those of the",
        "calibration period; what is new since then comes on top, and an evaluation says how much that was.",
        "It says that a session is unusual, not that it does harm.",
        "",
    ]
    return "\n".join(lines)


def _quality_lines(evaluation: Mapping[str, Any] | None) -> list[str]:
    if evaluation is None:
        return ["Not evaluated."]
    lines = (
        _metric_lines(evaluation) if evaluation["measured"] else [f"Not measured: {evaluation['why_not_measured']}."]
    )
    if "drift" in evaluation:
        lines += ["", f"Drift: {evaluation['drift']['says']}"]
    found = [
        f"{part['kind'].replace('_', ' ')} {_number(part['found']['value'])}" for part in evaluation.get("planted", ())
    ]
    if found:
        lines += [
            "",
            f"Share found of anomalies that isang planted itself, which are no real ones: {', '.join(found)}.",
        ]
    return lines


def _metric_lines(evaluation: Mapping[str, Any]) -> list[str]:
    """The metrics, the alert budgets, and the best trivial rule for comparison."""
    metrics = [
        f"| {name.replace('_', ' ')} | {_number(metric['value'])} | {_number(metric['low'])} to "
        f"{_number(metric['high'])} |"
        for name, metric in evaluation["metrics"].items()
    ]
    budgets = [
        f"| false alarms per 1,000 where {budget['asked_per_thousand']:g} may be | {_number(found['value'])} | "
        f"{_number(found['low'])} to {_number(found['high'])} |"
        for budget in evaluation["budgets"]
        for found in (budget["false_alarms_per_thousand"],)
    ]
    best = max(evaluation["baselines"], key=lambda rule: rule["metrics"]["f1"]["value"] or 0)
    return [
        f"On {evaluation['sessions']['labelled']:,} later labelled sessions:", "",
        "| metric | value | 95 % interval |", "| --- | --- | --- |", *metrics, *budgets, "",
        f"The best trivial rule on the same sessions is {best['name'].replace('_', ' ')} with F1 "
        f"{_number(best['metrics']['f1']['value'])}.",
    ]  # fmt: skip


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"

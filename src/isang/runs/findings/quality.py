"""What was measured: a loss alone measures no quality."""

import math
from typing import Any

from isang.runs.finding import Finding, RunContext, both, plain
from isang.runs.findings.journal.training_internals import hardly_learned, with_faults
from isang.runs.read.table import RunTable
from isang.runs.text.writing import number

SCALE = {"basic": 2.0, "practical": 1.5, "good": 1.0, "best": 0.5}
"""A scale of losses that some reports use. It is shown as that scale; it measures nothing."""


def measured_quality(table: RunTable, context: RunContext) -> Finding:
    """The quality measured by an evaluation. A loss alone measures no quality, but one near guessing shows its
    absence."""
    fault = hardly_learned(table)
    return with_faults(_evaluated(context), [fault] if fault else [])


def _evaluated(context: RunContext) -> Finding:
    known = context.statistics["running_mean"] or context.statistics["smoothed_loss"]
    value = known["final"] if known else None
    scale = {
        "limits": SCALE,
        "loss": value,
        "reached": [name for name, limit in SCALE.items() if value is not None and value < limit],
        "note": "a scale of training losses used in some reports; it measures no quality",
    }
    evidence: dict[str, Any] = {"loss_scale": scale, "evaluation": None}
    measured = _measured(context.evaluation or {})
    if not measured:
        return Finding(
            "measured_quality",
            "not_applicable",
            both(
                "No evaluation was given: accuracy, precision, recall and F1 were not measured, and no loss "
                "can stand in for them.",
                "평가 결과가 주어지지 않았습니다. 정확도·정밀도·재현율·F1은 측정되지 않았으며 손실로 대신할 수 "
                "없습니다.",
            ),
            plain(evidence),
            both("Run `isang evaluate` on labelled data.", "라벨이 있는 데이터로 `isang evaluate`를 실행하십시오."),
        )
    evidence["evaluation"] = measured
    text = ", ".join(f"{name} {number(v)}" for name, v in measured.items())
    return Finding(
        "measured_quality",
        "ok",
        both(f"Measured on held-out data: {text}.", f"학습에 쓰지 않은 데이터에서 측정한 값: {text}."),
        plain(evidence),
    )


def _measured(evaluation: Any, depth: int = 0) -> dict[str, float]:
    """The first accuracy, precision, recall and F1 found in an evaluation."""
    found: dict[str, float] = {}
    if not isinstance(evaluation, dict) or depth > 4:
        return found
    for name in ("accuracy", "precision", "recall", "f1"):
        value = evaluation.get(name)
        if isinstance(value, dict):
            value = value.get("value", value.get("estimate"))
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            found[name] = float(value)
    if found:
        return found
    for value in evaluation.values():
        found = _measured(value, depth + 1)
        if found:
            return found
    return {}

"""An evaluation as pages show it: the table, the curves, the budget, planted anomalies."""

from collections.abc import Mapping, Sequence
from typing import Any

CURVE_WIDTH, CURVE_HEIGHT = 300, 150
AS_GOOD = 0.005
"""A simple rule counts as equally good if its F1 is lower by no more than this."""


def quality(evaluation: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The table of an evaluation, its curves, and the simple rule that does as well as everything together."""
    if evaluation is None:
        return None
    rows, best = [], None
    if evaluation["measured"]:
        own = evaluation["metrics"]
        rows = [("all_together", "", own)]
        rows += [("", part["name"], part["metrics"]) for part in evaluation["detectors"]]
        rows += [("simple_rule", part["name"], part["metrics"]) for part in evaluation["baselines"]]
        rules = [part for part in evaluation["baselines"] if part["metrics"]["f1"]["value"] is not None]
        best = max(rules, key=lambda part: part["metrics"]["f1"]["value"], default=None)
        if best is None or best["metrics"]["f1"]["value"] < (own["f1"]["value"] or 0) - AS_GOOD:
            best = None
    curves = evaluation.get("curves") or {}
    return {
        "rows": rows, "best": best, "budget": next(iter(evaluation.get("budgets", ())), None),
        "planted": [
            part for part in evaluation.get("planted", ()) if part["planted"] and part["found"]["value"] is not None
        ],
        "kinds": [part for part in evaluation.get("kinds") or () if part["sessions"]],
        "precision_recall": _precision_recall(curves.get("precision_recall")),
        "scores": _histogram(curves.get("scores")),
        "by_tenths": _tenths((evaluation.get("drift") or {}).get("tenths") or ()),
    }  # fmt: skip


def _precision_recall(curve: Mapping[str, Sequence[float]] | None) -> str | None:
    """The path of the curve in a box of CURVE_WIDTH x CURVE_HEIGHT, recall to the right and precision upwards."""
    if not curve or len(curve["recall"]) < 2:
        return None
    points = zip(curve["recall"], curve["precision"], strict=True)
    return "M" + "L".join(
        f"{CURVE_WIDTH * recall:.1f} {CURVE_HEIGHT * (1 - precision):.1f}" for recall, precision in points
    )


def _histogram(scores: Mapping[str, Sequence[float]] | None) -> list[dict[str, Any]]:
    """Bars of the scores of each kind of session; the height is the square root of the count, so small counts show."""
    if not scores:
        return []
    kinds = [kind for kind in ("normal", "unlabelled", "anomalous") if any(scores.get(kind) or ())]
    most = max((max(scores[kind]) for kind in kinds), default=0)
    if not most:
        return []
    step = CURVE_WIDTH / len(scores["normal"])
    found = []
    for kind in kinds:
        heights = [CURVE_HEIGHT * (count / most) ** 0.5 for count in scores[kind]]
        path = "".join(
            f"M{place * step:.1f} {CURVE_HEIGHT}v-{height:.1f}h{step:.1f}v{height:.1f}z"
            for place, height in enumerate(heights)
            if height
        )
        found.append({"kind": kind, "path": path, "count": int(sum(scores[kind]))})
    return found


def _tenths(tenths: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Alerts per 1,000 sessions in each tenth of the time span."""
    return [
        {
            "from": str(part["from"] or "")[:19].replace("T", " "), "sessions": part["sessions"],
            "alerts": part["alerts_per_thousand"], "new": part["new_template_events"],
        }
        for part in tenths
    ]  # fmt: skip

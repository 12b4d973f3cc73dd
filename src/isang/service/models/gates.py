"""The tests that a candidate must pass before it may judge: each gate says whether it passed, and why."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from isang.artifact import Model
from isang.detection.evaluation.metrics import share, wilson
from isang.detection.evaluation.synthetic_anomalies import found_by_kind
from isang.detection.releases.rewordings import judge_reworded
from isang.detection.threshold.decisions import judge
from isang.logs.store import Dataset

TRAINING = ("finite", "divergence", "schedule")
"""Findings of the training judge that must not be a problem."""
SUSPECT_TIMES = 10.0
"""The current model may flag its budget times this factor of a candidate's training sessions..."""
LEAST_SUSPECT = 0.02
"""... or at least this share; more indicates an outage, or sessions of another kind."""
MORE_SURPRISE = 0.2
"""Allowed relative increase in surprise: the two models were measured on different sessions."""
MOST_JUDGED = 5_000
"""Maximum number of sessions, the latest, that a gate judges."""
SHOWN = 20


def gate(name: str, passed: bool, says: str, says_ko: str, **figures: Any) -> dict[str, Any]:
    """The result of a gate."""
    return {"name": name, "passed": passed, "says": says, "says_ko": says_ko, **figures}


def training_gate(findings: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    """No problem in training: `findings` by id, each with `verdict` and `statement`; None: nothing was trained."""
    if findings is None:
        return gate("training", True, "no encoder was trained", "학습한 인코더가 없습니다", problems=[])
    wrong = [name for name in TRAINING if findings[name]["verdict"] == "problem"]
    if wrong:
        why, why_ko = (
            "; ".join(f"{name}: {findings[name]['statement'][language]}" for name in wrong) for language in ("en", "ko")
        )
        says, says_ko = f"the training has a problem: {why}", f"학습에 문제가 있습니다: {why_ko}"
        return gate("training", False, says, says_ko, problems=wrong)
    names = ", ".join(TRAINING)
    return gate("training", True, f"no problem in {names}", f"문제 없음: {names}", problems=[])


def material_gate(present: Model, learned: Dataset) -> dict[str, Any]:
    """The candidate's training sessions are normal to the current model, except for slow changes."""
    dataset = _latest(learned)
    flagged = _flagged(present, dataset)
    asked = present.config.detection.alerts_per_thousand / 1000
    most = max(LEAST_SUSPECT, SUSPECT_TIMES * asked)
    low, _ = wilson(flagged, len(dataset.sessions))
    passed = low is None or low <= most
    sessions = len(dataset.sessions)
    says = f"the present model flags {flagged:,} of {sessions:,} sessions that it learned from"
    says_ko = f"후보가 학습한 세션 {sessions:,}개 중 {flagged:,}개를 현재 모델이 이상으로 판정합니다"
    if not passed:
        limit = f"{100 * most:.3g} %"
        says += f", more than {limit}: they come from an outage, or their times are not those of the logs"
        says_ko += f"(한도 {limit} 초과). 장애 때의 로그이거나 로그와 시각이 맞지 않습니다"
    return gate("material", passed, says, says_ko, flagged=share(flagged, sessions))


def planted_gate(present: Model, candidate: Model, held_out: Dataset) -> dict[str, Any]:
    """For each kind of planted anomaly, it finds no less than the current model, within that model's interval."""
    dataset = _latest(held_out)
    rows = np.arange(len(dataset.sessions), dtype=np.int64)
    kinds, worse, worse_ko = [], [], []
    before, after = (found_by_kind(model, dataset, rows) for model in (present, candidate))
    for kind, (found, of) in before.items():
        own = share(*after[kind])
        low, _ = wilson(found, of)
        kinds.append({"kind": kind, "present": share(found, of), "candidate": own})
        if low is not None and own["value"] < low:
            name = kind.replace("_", " ")
            worse.append(f"{name} {after[kind][0]} of {of} against {found}")
            worse_ko.append(f"{name} {of}개 중 {after[kind][0]}개, 현재 모델은 {found}개")
    says, says_ko = "as good as the present model", "현재 모델보다 나쁘지 않습니다"
    if worse:
        says = f"worse than the present model: {'; '.join(worse)}"
        says_ko = f"현재 모델보다 적게 찾습니다: {'; '.join(worse_ko)}"
    return gate("planted", not worse, f"planted anomalies: {says}", f"심은 이상: {says_ko}", kinds=kinds)


def surprise_gate(present: Model, candidate: Model) -> dict[str, Any]:
    """Held-out normal sessions surprise its encoder no more than the current one, up to MORE_SURPRISE.

    In nats per masked event, from the facts of both trainings; passed if one of them has no encoder.
    """
    if present.encoder is None or candidate.encoder is None:
        return gate("surprise", True, "there are no two encoders to compare", "비교할 인코더 둘이 없습니다")
    before, after = (float(model.facts["validation_loss"]) for model in (present, candidate))
    passed = after <= (1 + MORE_SURPRISE) * before
    says = f"held-out sessions surprise it by {after:.3g} nats per event, the present model by {before:.3g}"
    says_ko = f"남겨 둔 세션에 대한 손실이 이벤트당 {after:.3g} nats입니다(현재 모델 {before:.3g})"
    if not passed:
        says, says_ko = f"{says}: it has learned less of them", f"{says_ko}. 현재 모델보다 덜 배웠습니다"
    return gate("surprise", passed, says, says_ko, present=before, candidate=after)


def budget_gate(candidate: Model, held_out: Dataset) -> dict[str, Any]:
    """The alerts on the latest normal sessions are within the budget, as far as their number can show."""
    dataset = _latest(held_out)
    flagged, sessions = _flagged(candidate, dataset), len(dataset.sessions)
    asked = candidate.config.detection.alerts_per_thousand
    low, _ = wilson(flagged, sessions)
    passed = low is None or 1000 * low <= asked
    says = f"{flagged:,} alerts among the latest {sessions:,} normal sessions where {asked:g} per 1,000 may be"
    says_ko = f"최근 정상 세션 {sessions:,}개에서 알림 {flagged:,}개(예산은 1,000개당 {asked:g}개)"
    return gate("budget", passed, says, says_ko, alerts_per_thousand=share(flagged, sessions, 1000.0))


def changes(present: Model, candidate: Model, held_out: Dataset) -> dict[str, Any]:
    """Templates known to only one of the models, and the new ones that reword known ones."""
    old, new = (set(model.vocabulary.templates) for model in (present, candidate))
    _, _, reworded = judge_reworded(present, _latest(held_out))
    return {
        "new_templates": {"count": len(new - old), "examples": sorted(new - old)[:SHOWN]},
        "gone_templates": {"count": len(old - new), "examples": sorted(old - new)[:SHOWN]},
        "rewordings": [{"template": one.template, "taken_for": one.known} for one in reworded[:SHOWN]],
    }


def _latest(dataset: Dataset) -> Dataset:
    return Dataset(dataset.sessions.tail(MOST_JUDGED), dataset.templates, dataset.meta)


def _flagged(model: Model, dataset: Dataset) -> int:
    if dataset.sessions.is_empty():
        return 0
    return sum(decision.anomalous for decision in judge(model, dataset).decisions)

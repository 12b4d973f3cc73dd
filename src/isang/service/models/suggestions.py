"""When a candidate is worth training: drift and age as reasons, with what training would change, or why to wait."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isang.artifact import Model
from isang.detection.evaluation.drift import LEAST_SHARE, TIMES_HIGHER, clearly_more
from isang.detection.evaluation.metrics import share
from isang.detection.threshold.decisions import calibration_scores
from isang.service.models.history import Bin, high_limits, together, without_worst

LEAST_SESSIONS = 1_000
"""Minimum number of sessions to assess drift."""
LEARNABLE = 0.5
"""If a smaller share of the sessions with new lines can be learned from, the suggestion says how to allow it."""
SHOWN = 3
SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Usual:
    """What is normal to the model that judges."""

    asked_per_thousand: float
    new: dict[str, Any]
    """Share of calibration sessions with a line that no other session has."""
    high: dict[str, dict[str, Any]]
    """Share of calibration sessions with a high score, by detector."""
    trained_until: datetime | None
    half_life_days: float


def usual_of(model: Model, half_life_days: float) -> Usual:
    """What is normal to a model."""
    unseen, until = calibration_scores(model, "unseen_template"), model.facts.get("trained_until")
    high = {}
    for name, limit in high_limits(model).items():
        scores = calibration_scores(model, name)
        high[name] = share(int((scores > limit).sum()), len(scores))
    return Usual(
        model.config.detection.alerts_per_thousand, share(int((unseen > 0).sum()), len(unseen)), high,
        None if until is None else datetime.fromisoformat(until), half_life_days,
    )  # fmt: skip


def suggestion(bins: Sequence[Bin], usual: Usual, real: int = 0) -> dict[str, Any] | None:
    """The reasons for a candidate and what it would change; None if there are none.

    `real`: alerts in the bins that a person called anomalies; they are not false alarms. For each reason except age the
    bins with the most of it are excluded, so that a single outage or burst is not a reason.
    """
    lately = together(bins)
    if lately.sessions < LEAST_SESSIONS:
        return None
    found = [_new_lines(bins, usual), _scores(bins, usual), _budget(bins, usual, real), _age(lately, usual)]
    reasons = [reason for reason in found if reason is not None]
    if not reasons:
        return None
    return {"reasons": reasons, **_expected(lately, usual, real), "sessions": lately.sessions, "since": lately.first}


def measured(bins: Sequence[Bin], usual: Usual) -> dict[str, float]:
    """The drift of recent sessions from calibration, as in `isang_drift`, by kind: 1 is usual, or at its limit.

    `new_templates`: share of sessions with a new template, divided by the smallest that counts; `scores`: the highest
    share of high scores, divided by the usual one; `budget`: alerts divided by those requested; `age`: age divided by
    half-life.
    """
    lately = together(bins)
    if not lately.sessions:
        return {}
    of = lately.sessions
    highs = [
        lately.high.get(name, 0) / of / was["value"] for name, was in usual.high.items() if was["value"]
    ]  # fmt: skip
    days = _age_days(lately, usual)
    return {
        "new_templates": lately.new / of / max(LEAST_SHARE, usual.new["value"] or 0.0),
        "scores": max(highs, default=0.0),
        "budget": 1000 * lately.alerts / of / usual.asked_per_thousand if usual.asked_per_thousand else 0.0,
        "age": 0.0 if days is None else days / usual.half_life_days,
    }


def _new_lines(bins: Sequence[Bin], usual: Usual) -> dict[str, Any] | None:
    kept = together(without_worst(bins, lambda one: one.new))
    later = share(kept.new, kept.sessions)
    if not clearly_more({"calibration": usual.new, "later": later}, times=1.0) or later["low"] < LEAST_SHARE:
        return None
    lately = together(bins)
    named = [text[:SHOWN_CHARACTERS] for text in lately.templates]
    shown, percent, was = "”, “".join(named[:SHOWN]), _percent(later), _percent(usual.new)
    return _reason(
        "new_templates",
        f"{percent} of the sessions have a line that training never had ({was} when it was calibrated), most often "
        f"“{shown}”",
        f"세션의 {percent}에 학습에서 본 적 없는 줄이 있습니다(보정 때 {was}). 가장 잦은 줄: “{shown}”",
        share=later, calibration=usual.new, templates=named,
    )  # fmt: skip


def _scores(bins: Sequence[Bin], usual: Usual) -> dict[str, Any] | None:
    moved = {}
    for name, was in usual.high.items():
        kept = together(without_worst(bins, _high_of(name)))
        later = share(kept.high.get(name, 0), kept.sessions)
        if clearly_more({"calibration": was, "later": later}, times=TIMES_HIGHER):
            moved[name] = {"share": later, "calibration": was}
    if not moved:
        return None
    name, first = max(moved.items(), key=lambda item: item[1]["share"]["value"])
    percent, usually = _percent(first["share"]), _percent(first["calibration"])
    return _reason(
        "scores",
        f"{percent} of the sessions score high with {name} ({usually} when it was calibrated)",
        f"세션의 {percent}가 {name}에서 높은 점수를 받습니다(보정 때 {usually})",
        detectors=moved,
    )


def _budget(bins: Sequence[Bin], usual: Usual, real: int) -> dict[str, Any] | None:
    kept = together(without_worst(bins, lambda one: one.alerts))
    left_out = together(bins).alerts - kept.alerts
    alerts = max(0, kept.alerts - max(0, real - left_out))
    found, asked = share(alerts, kept.sessions, 1000.0), usual.asked_per_thousand
    if found["low"] is None or found["low"] <= asked:
        return None
    rate = _rate(found["value"])
    return _reason(
        "budget",
        f"{rate} alerts per 1,000 sessions that nobody called anomalies, where {asked:g} may be",
        f"이상이라고 답한 것을 빼고도 세션 1,000개당 알림이 {rate}개입니다(예산 {asked:g}개)",
        alerts_per_thousand=found, asked_per_thousand=asked,
    )  # fmt: skip


def _age(lately: Bin, usual: Usual) -> dict[str, Any] | None:
    days = _age_days(lately, usual)
    if days is None or days <= usual.half_life_days:
        return None
    return _reason(
        "age",
        f"its latest training session is {days:.0f} days older than what comes now, and after "
        f"{usual.half_life_days:g} days half of what it learned from should be forgotten",
        f"마지막 학습 세션이 지금 들어오는 로그보다 {days:.0f}일 오래되었습니다(반감기 {usual.half_life_days:g}일)",
        days=round(days, 1), half_life_days=usual.half_life_days,
    )  # fmt: skip


def _expected(lately: Bin, usual: Usual, real: int) -> dict[str, Any]:
    """What a candidate would change. Alerts are not learned from unless a person called them normal."""
    learnable, asked = lately.new - lately.new_alerts, usual.asked_per_thousand
    now = 1000 * max(0, lately.alerts - real) / lately.sessions
    says, says_ko = [], []
    if lately.new:
        says.append(
            f"of {lately.new:,} sessions with new lines it would learn {learnable:,}, whose lines would be known then"
        )
        says_ko.append(
            f"새로운 줄이 있는 세션 {lately.new:,}개 중 {learnable:,}개를 학습하며, 그 줄은 아는 줄이 됩니다"
        )
        if learnable < LEARNABLE * lately.new:
            says.append(
                f"{lately.new_alerts:,} are alerts that nobody called normal, which are not learned: call them normal "
                "first, or they stay alerts"
            )
            says_ko.append(
                f"{lately.new_alerts:,}개는 정상이라고 답하지 않은 알림이라 학습하지 않습니다. 정상이면 먼저 답하세요"
            )
    says.append(
        f"its thresholds would be set on what comes now, for {asked:g} alerts per 1,000 sessions; there are "
        f"{_rate(now)}"
    )
    says_ko.append(
        f"임곗값을 지금 들어오는 로그로 다시 정합니다(세션 1,000개당 알림 예산 {asked:g}개, 현재 {_rate(now)}개)"
    )
    return {
        "expected": "; ".join(says), "expected_ko": ". ".join(says_ko), "learnable_sessions": learnable,
        "unanswered_alerts": lately.new_alerts, "alerts_per_thousand": now,
    }  # fmt: skip


def _reason(kind: str, says: str, says_ko: str, **figures: Any) -> dict[str, Any]:
    return {"kind": kind, "says": says, "says_ko": says_ko, **figures}


def _age_days(lately: Bin, usual: Usual) -> float | None:
    """Days from the latest training session to the latest judged one, by the time in the logs, not by the clock."""
    if lately.last is None or usual.trained_until is None:
        return None
    return (datetime.fromisoformat(lately.last) - usual.trained_until).total_seconds() / 86_400


def _high_of(name: str) -> Callable[[Bin], int]:
    return lambda one: one.high.get(name, 0)


def _rate(alerts: float) -> str:
    """Alerts per 1,000 sessions, for display."""
    return f"{alerts:,.0f}" if alerts >= 10 else f"{alerts:.2g}"


def _percent(part: Mapping[str, Any]) -> str:
    return f"{100 * (part['value'] or 0.0):.3g} %"

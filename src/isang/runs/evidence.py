"""The evidence of a finding in words: names and values, for people."""

from collections.abc import Mapping
from typing import Any

from isang.runs.findings import Language
from isang.runs.writing import NO_VALUE

SHOWN = 8
"""Entries of a list that the report shows; report.json holds them all."""
DEPTH = 3
"""Values nested deeper are shown as they stand."""
LONG = 44
"""Longer values take a line of their own."""

KOREAN: Mapping[str, str] = {
    "losses": "손실 개수",
    "first_step": "첫 스텝",
    "last_step": "마지막 스텝",
    "threshold": "문턱값",
    "needed": "필요한 개수",
    "interval": "구간",
    "interval_percent": "구간 수준 (%)",
    "interval_98": "98 % 구간",
    "unit": "단위",
    "points": "점 개수",
    "effective_samples": "유효 표본 수",
    "segments": "구간별",
    "validations": "검증 횟수",
    "loss_scale": "손실 기준표",
    "rise": "상승폭",
    "change": "변화량",
    "drop": "감소폭",
    "memory": "자기상관",
    "blocks": "블록 수",
    "level": "수준",
    "smallest_decrease_of_interest": "의미 있는 최소 감소폭",
    "random_walk_limit": "무작위 행보 한계",
    "count": "개수",
    "family": "종류",
    "parameters": "매개변수",
    "peak_rate": "최고 학습률",
    "first_rate": "처음 학습률",
    "lowest_rate": "최저 학습률",
    "lowest_step": "최저 스텝",
    "final_rate": "마지막 학습률",
    "zero_tail_steps": "학습률 0인 마지막 스텝 수",
    "fit_error_percent": "적합 오차 (%)",
    "run_steps": "실행 스텝 수",
    "planned_steps": "계획 스텝 수",
    "step_total_in_log": "로그에 적힌 전체 스텝 수",
    "stopped_early": "중간 종료",
    "rises_again_at": "다시 상승하는 스텝",
    "warmup_steps": "워밍업 스텝 수",
    "warmup_end": "워밍업 끝 스텝",
    "best": "최선의 값",
    "best_step": "최선의 스텝",
    "best_at": "최선의 시점",
    "final": "마지막 값",
    "noise": "잡음",
    "noise_quantile_99": "잡음의 99 % 분위수",
    "gained": "감소한 양",
    "lowest_level": "최저 수준",
    "last_level": "마지막 수준",
    "lowest_around_step": "최저 수준 부근 스텝",
    "ends_without_a_number": "수가 아닌 값으로 끝남",
    "recovered": "회복됨",
    "lingering": "오래 남음",
    "divergent": "발산",
    "spikes": "스파이크",
    "listed": "나열된 개수",
    "tail_degrees": "꼬리 자유도",
    "logarithmic": "로그 척도",
    "above_5_sigma": "위로 5 σ 초과",
    "below_5_sigma": "아래로 5 σ 초과",
    "percent": "변화 (%)",
    "threshold_percent": "문턱값 (%)",
    "unit_steps": "단위당 스텝 수",
    "outcome": "결과",
    "rate_ends_low": "낮은 학습률로 끝남",
    "rate_rising_at_end": "끝에서 학습률 상승",
    "loss_is_held_out": "검증 손실 사용",
    "around_low_point": "최저점 부근",
    "judged_by": "판정에 쓴 값",
    "noise_unit": "잡음 단위",
    "earliest_within_noise": "잡음 이내의 가장 이른 시점",
    "earliest_step": "그 시점의 스텝",
    "loss_there": "그 시점의 손실",
    "loss_cost": "손실 차이",
    "hours_saved": "절약되는 시간",
    "prechelt": "Prechelt 기준",
    "noise_percent_of_level": "수준 대비 잡음 (%)",
    "growth_factor": "증가 배율",
    "seconds_per_step": "스텝당 초",
    "median_seconds_per_step": "스텝당 초 (중앙값)",
    "steps_per_second": "초당 스텝",
    "hours_per_epoch": "에폭당 시간",
    "pauses_between_epochs": "에폭 사이 휴지 횟수",
    "pause_seconds": "휴지 시간 (초)",
    "stall_count": "멈춤 횟수",
    "stalled_seconds": "멈춘 시간 (초)",
    "stalls": "멈춤",
    "epochs": "에폭",
    "restarts": "재시작",
    "steps_lost": "다시 수행한 스텝 수",
    "vocabulary_size": "어휘 크기",
    "guessing": "무작위 추측의 손실",
    "first_loss": "첫 손실",
    "ratio": "비율",
    "series": "계열",
    "training_change_after_best": "최선 이후 학습 손실 변화",
    "rate_factor_after_best": "최선 이후 학습률 배율",
    "false_alarm_rate": "거짓 경보율",
    "evaluation": "평가",
    "kind": "종류",
    "last_rate": "마지막 학습률",
    "interval_98_percent": "98 % 구간",
    "step": "스텝",
    "seconds": "초",
    "epoch": "에폭",
    "minimum": "최저",
    "peak": "최고",
    "start": "시작",
    "low_point": "최저점",
    "T_max": "T_max",
    "limits": "기준",
    "loss": "손실",
}
"""Korean names of what evidence holds; a name that is not here stands as in report.json."""


def evidence_rows(evidence: Mapping[str, Any], language: Language) -> list[tuple[str, str, bool]]:
    """Name, value and whether the value is long, for all that is known; long lists are cut, and say so."""
    rows = []
    for name, value in evidence.items():
        if value is None or value == [] or value == {}:
            continue
        text = written(value, str(name), language)
        rows.append((shown_name(str(name), language), text, len(text) > LONG))
    return rows


def shown_name(name: str, language: Language) -> str:
    """The name of a piece of evidence as people read it."""
    return KOREAN.get(name, name.replace("_", " ")) if language == "ko" else name.replace("_", " ")


def written(value: Any, name: str, language: Language, depth: int = 0) -> str:
    """A JSON value in words; `name` is its key."""
    if value is None:
        return NO_VALUE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e12 else f"{value:.4g}"
    if isinstance(value, Mapping) and depth < DEPTH:
        known = ((str(key), inner) for key, inner in value.items() if inner is not None)
        return ", ".join(
            f"{shown_name(key, language)} {written(inner, key, language, depth + 1)}" for key, inner in known
        )
    if isinstance(value, list | tuple) and depth < DEPTH:
        return _listed(value, name, language, depth)
    return str(value)


def _listed(values: list[Any] | tuple[Any, ...], name: str, language: Language, depth: int) -> str:
    parts = [written(entry, name, language, depth + 1) for entry in values[:SHOWN]]
    if len(values) == 2 and "interval" in name:
        return " … ".join(parts)
    if len(values) > SHOWN:
        parts.append(f"… (+{len(values) - SHOWN:,})")
    return ("; " if any(isinstance(entry, Mapping) for entry in values) else ", ").join(parts)

"""The words of the report in English and Korean, and how numbers are written in them."""

import math
from collections.abc import Mapping
from typing import Any

from isang.formatting import printable_line
from isang.runs.findings import Language
from isang.runs.text import messages_ko
from isang.runs.text.writing import NO_VALUE

WORDS: Mapping[str, Mapping[Language, str]] = {
    # the pictures
    "title": {"en": "Training curves", "ko": "학습 곡선"},
    "plot_loss_per_step": {"en": "1. Loss per step", "ko": "1. 스텝별 손실"},
    "plot_smoothed_loss": {"en": "2. Loss per step, smoothed", "ko": "2. 스텝별 손실 (스무딩)"},
    "plot_epoch_means": {"en": "3. Mean loss per epoch", "ko": "3. 에폭별 평균 손실"},
    "plot_learning_rate": {"en": "4. Learning rate", "ko": "4. 학습률 변화"},
    "plot_decrease": {"en": "5. Decrease from the initial loss", "ko": "5. 초기 손실 대비 감소율"},
    "plot_epoch_boxes": {"en": "6. Spread of the loss per epoch", "ko": "6. 에폭별 손실 분포"},
    "plot_loss_per_step_metric": {"en": "1. Metric per step", "ko": "1. 스텝별 지표"},
    "plot_smoothed_loss_metric": {"en": "2. Metric per step, smoothed", "ko": "2. 스텝별 지표 (스무딩)"},
    "plot_epoch_means_metric": {"en": "3. Mean metric per epoch", "ko": "3. 에폭별 평균 지표"},
    "plot_epoch_boxes_metric": {"en": "6. Spread of the metric per epoch", "ko": "6. 에폭별 지표 분포"},
    "plot_overlay_metric": {"en": "Smoothed metric of the runs", "ko": "실행별 스무딩 지표"},
    "plot_overlay": {"en": "Smoothed losses of the runs", "ko": "실행별 스무딩 손실"},
    "overlay_more": {"en": "{count} more not drawn", "ko": "그리지 않은 실행 {count}개"},
    "loss": {"en": "Loss", "ko": "손실"},
    "mean_loss": {"en": "Mean loss", "ko": "평균 손실"},
    "mean_metric": {"en": "Mean metric", "ko": "평균 지표"},
    "step": {"en": "Step", "ko": "스텝"},
    "epoch": {"en": "Epoch", "ko": "에폭"},
    "tenth": {"en": "Tenth of the run", "ko": "전체의 10등분"},
    "learning_rate": {"en": "Learning rate", "ko": "학습률"},
    "decrease_axis": {"en": "Decrease (%)", "ko": "감소율 (%)"},
    "highest": {"en": "highest {value} at step {step}", "ko": "최고 {value} (스텝 {step})"},
    "lowest": {"en": "lowest {value} at step {step}", "ko": "최저 {value} (스텝 {step})"},
    "goal_reached": {"en": "{goal} % at step {step}", "ko": "{goal}% 도달: 스텝 {step}"},
    "goal_missed": {"en": "{goal} %: not reached", "ko": "{goal}%: 도달하지 못함"},
    "no_loss": {"en": "No finite loss to draw", "ko": "그릴 수 있는 유한한 손실이 없습니다"},
    "no_learning_rate": {"en": "The log holds no learning rate", "ko": "로그에 학습률이 없습니다"},
    "no_decrease": {
        "en": "A decrease in per cent needs a positive initial loss",
        "ko": "감소율은 초기 손실이 양수일 때만 계산할 수 있습니다",
    },
    "no_decrease_metric": {
        "en": "The judged metric is better the higher it is: no decrease to draw",
        "ko": "판정에 쓴 지표는 높을수록 좋으므로 감소율을 그리지 않습니다",
    },
    "series_batch_loss": {"en": "Batch loss", "ko": "배치 손실"},
    "series_running_mean": {"en": "Running mean of the epoch", "ko": "에폭 누적 평균"},
    "series_interval_loss": {"en": "Loss (mean since the row before)", "ko": "손실 (직전 기록 이후 평균)"},
    "series_smoothed_loss": {"en": "Smoothed loss", "ko": "스무딩 손실"},
    "series_ideal": {"en": "Ideal curve (fitted decay)", "ko": "이상적인 곡선 (감쇠 적합)"},
    "series_metric": {"en": "Judged metric", "ko": "판단에 쓴 지표"},
    "series_smoothed_metric": {"en": "Smoothed metric", "ko": "스무딩 지표"},
    "series_validation_loss": {"en": "Validation loss", "ko": "검증 손실"},
    "series_learning_rate": {"en": "Learning rate", "ko": "학습률"},
    "series_decrease": {"en": "Decrease of the smoothed loss", "ko": "스무딩 손실 감소율"},
    # the findings
    "finding_finite": {"en": "Finite values", "ko": "유한한 값"},
    "finding_decreasing": {"en": "Decrease", "ko": "감소"},
    "finding_divergence": {"en": "Divergence", "ko": "발산"},
    "finding_spikes": {"en": "Spikes", "ko": "스파이크"},
    "finding_stability": {"en": "Stability", "ko": "안정성"},
    "finding_convergence": {"en": "Convergence", "ko": "수렴"},
    "finding_schedule": {"en": "Learning rate schedule", "ko": "학습률 스케줄"},
    "finding_overfitting": {"en": "Overfitting", "ko": "과적합"},
    "finding_stopping_point": {"en": "Stopping point", "ko": "종료 시점"},
    "finding_start_loss": {"en": "Start loss", "ko": "시작 손실"},
    "finding_throughput": {"en": "Throughput", "ko": "처리 속도"},
    "finding_restarts": {"en": "Restarts", "ko": "재시작"},
    "finding_normal_sessions": {"en": "Normal sessions", "ko": "정상 세션"},
    "finding_measured_quality": {"en": "Measured quality", "ko": "측정된 품질"},
    "verdict_problem": {"en": "Problem", "ko": "문제"},
    "verdict_cannot_tell": {"en": "Cannot tell", "ko": "판단 불가"},
    "verdict_ok": {"en": "Fine", "ko": "이상 없음"},
    "verdict_not_applicable": {"en": "Does not apply", "ko": "해당 없음"},
    "heading_problem": {"en": "Problems", "ko": "문제"},
    "heading_cannot_tell": {"en": "What cannot be decided", "ko": "판단할 수 없는 것"},
    "heading_ok": {"en": "Fine", "ko": "이상 없음"},
    "heading_not_applicable": {"en": "Does not apply", "ko": "해당 없음"},
    "try": {"en": "What to try", "ko": "해 볼 일"},
    "new_problem": {"en": "problem at step {step}: {name}", "ko": "스텝 {step}에서 문제: {name}"},
    "try_first": {"en": "What to try first", "ko": "먼저 해 볼 일"},
    "section_first": {"en": "What to do first", "ko": "먼저 할 일"},
    # what lines of a log were used for
    "used_step": {"en": "steps", "ko": "스텝"},
    "used_epoch": {"en": "epochs", "ko": "에폭"},
    "used_validation": {"en": "validation", "ko": "검증"},
    "used_other values": {"en": "other values", "ko": "그 밖의 값"},
    "used_plan": {"en": "plan of the run", "ko": "실행 계획"},
    "used_environment": {"en": "environment", "ko": "실행 환경"},
    "used_resumed": {"en": "resumed", "ko": "재개"},
    "used_stopped": {"en": "stopped before the plan's end", "ko": "계획보다 일찍 종료"},
    "used_done": {"en": "end of the run", "ko": "실행 끝"},
    "used_blank": {"en": "blank", "ko": "빈 줄"},
    "used_prose": {"en": "prose", "ko": "일반 문장"},
    "used_repeats a step": {"en": "repeats a step", "ko": "같은 스텝의 반복"},
    "used_done again after a resume": {"en": "done again after a resume", "ko": "재개 후 다시 수행된 스텝"},
    "used_numbers before the first step": {"en": "numbers before the first step", "ko": "첫 스텝 이전의 숫자"},
    "used_lines of a box": {"en": "lines of a box that was read as one", "ko": "한 줄로 읽은 상자의 줄"},
    "used_headings": {"en": "headings, read with the line below them", "ko": "아래 줄과 함께 읽은 제목"},
    "used_names of the columns": {"en": "names of the columns", "ko": "열 이름"},
    "used_settings of the run": {"en": "settings of the run", "ko": "실행 설정"},
    "used_records without numbers": {"en": "records without numbers", "ko": "숫자가 없는 기록"},
    "used_records without scalars": {"en": "records without scalars", "ko": "스칼라가 없는 기록"},
    # the page
    "report": {"en": "Training report", "ko": "학습 보고서"},
    "runs_report": {"en": "Training report: {count} runs", "ko": "학습 보고서: 실행 {count}개"},
    "contents": {"en": "Contents", "ko": "차례"},
    "section_verdicts": {"en": "Verdicts", "ko": "판정"},
    "section_reading": {"en": "How the log was read", "ko": "로그를 읽은 방법"},
    "section_statistics": {"en": "Statistics", "ko": "학습 통계"},
    "section_epochs": {"en": "Epochs", "ko": "에폭별 평균 손실"},
    "section_phases": {"en": "Phases", "ko": "학습 단계"},
    "section_curves": {"en": "Learning curves", "ko": "학습 곡선"},
    "section_findings": {"en": "Findings and their evidence", "ko": "판정과 근거"},
    "section_quality": {"en": "Measured quality", "ko": "측정된 품질"},
    "section_forecast": {"en": "Forecast", "ko": "예측"},
    "section_limits": {"en": "What a log alone can never show", "ko": "로그만으로는 결코 알 수 없는 것"},
    "section_comparison": {"en": "Comparison", "ko": "비교"},
    "count_problem_one": {"en": "1 problem", "ko": "문제 1건"},
    "count_problem": {"en": "{count} problems", "ko": "문제 {count}건"},
    "count_problem_none": {"en": "No problem found", "ko": "발견된 문제 없음"},
    "count_cannot_tell": {"en": "{count} undecided", "ko": "판단 불가 {count}건"},
    "count_ok": {"en": "{count} fine", "ko": "이상 없음 {count}건"},
    "count_not_applicable": {"en": "{count} do not apply", "ko": "해당 없음 {count}건"},
    "file": {"en": "File", "ko": "파일"},
    "format": {"en": "Format", "ko": "형식"},
    "size": {"en": "Size", "ko": "크기"},
    "bytes": {"en": "{count} bytes", "ko": "{count}바이트"},
    "judged_by": {"en": "Judged by", "ko": "판정에 쓴 값"},
    "judged_by_window": {
        "en": "{name}, each value standing for {window} steps",
        "ko": "{name}, 값 하나가 {window}스텝을 나타냄",
    },
    "lines_total": {"en": "Lines in all", "ko": "전체 줄"},
    "lines_used": {"en": "Used: {what}", "ko": "사용: {what}"},
    "lines_ignored": {"en": "Not needed: {what}", "ko": "필요 없음: {what}"},
    "lines_failed": {"en": "Could not be read", "ko": "읽지 못함"},
    "accounted": {
        "en": "Every line of the file stands in exactly one row of this table.",
        "ko": "파일의 모든 줄은 이 표의 한 행에만 속합니다.",
    },
    "not_accounted": {
        "en": "{count} lines are not accounted for; please report this as a fault of the reader.",
        "ko": "{count}줄이 집계되지 않았습니다. 읽기 모듈의 결함이므로 알려 주십시오.",
    },
    "failed_examples": {"en": "Examples of what could not be read", "ko": "읽지 못한 줄의 예"},
    "assumed": {"en": "Assumptions", "ko": "가정"},
    "item": {"en": "Item", "ko": "항목"},
    "value": {"en": "Value", "ko": "값"},
    "period": {"en": "Period", "ko": "학습 기간"},
    "period_value": {"en": "{started} to {ended}", "ko": "{started} ~ {ended}"},
    "duration": {"en": "Duration", "ko": "소요 시간"},
    "epochs": {"en": "Epochs", "ko": "총 에폭"},
    "steps": {"en": "Steps", "ko": "총 스텝"},
    "epoch_steps": {"en": "Steps", "ko": "스텝"},
    "batches_per_epoch": {"en": "Batches per epoch", "ko": "에폭당 배치 수"},
    "batch_size": {"en": "Batch size", "ko": "배치 크기"},
    "batch_size_value": {
        "en": "{batch_size} (devices: {devices} × {batch_size_per_device})",
        "ko": "{batch_size} (장치 {devices}개 × {batch_size_per_device})",
    },
    "curve": {"en": "Curve", "ko": "곡선"},
    "initial": {"en": "Initial", "ko": "초기"},
    "final": {"en": "Final", "ko": "최종"},
    "minimum": {"en": "Minimum", "ko": "최소"},
    "minimum_step": {"en": "at step", "ko": "최소 스텝"},
    "decrease_percent": {"en": "Decrease", "ko": "감소율"},
    "change_percent": {"en": "Change", "ko": "변화율"},
    "best_value": {"en": "Best", "ko": "최적값"},
    "curves_note": {
        "en": "The batch loss is the loss of one step. The running mean restarts with each epoch, so its minimum "
        "can be the first batch of an epoch by chance. The smoothed loss is the one to compare.",
        "ko": "배치 손실은 한 스텝의 손실입니다. 누적 평균은 에폭마다 새로 시작하므로 그 최소값은 우연히 에폭의 첫 "
        "배치일 수 있습니다. 비교에는 스무딩 손실을 쓰십시오.",
    },
    "minimum_at_epoch_start": {
        "en": "The minimum of the running mean, {value} at step {step}, is the first batch of epoch {epoch}, where the "
        "mean restarts and is that of one batch. The smoothed loss is lowest at step {smooth_step}, with "
        "{smooth_value}.",
        "ko": "누적 평균의 최소값은 {value}(스텝 {step})이지만, 이는 평균이 새로 시작되는 에폭 {epoch}의 첫 배치 "
        "하나의 값입니다. 스무딩 손실의 최소값은 스텝 {smooth_step}의 {smooth_value}입니다.",
    },
    "improvement": {"en": "Improvement", "ko": "개선율"},
    "cumulative": {"en": "Cumulative decrease", "ko": "누적 감소율"},
    "cumulative_change": {"en": "Cumulative change", "ko": "누적 변화율"},
    "base": {"en": "base", "ko": "기준"},
    "rate_first_last": {"en": "Learning rate", "ko": "학습률"},
    "quartiles": {"en": "Quartiles", "ko": "사분위수"},
    "phase": {"en": "Phase", "ko": "단계"},
    "phase_early": {"en": "Early", "ko": "초기"},
    "phase_middle": {"en": "Middle", "ko": "중기"},
    "phase_late": {"en": "Late", "ko": "후기"},
    "epochs_shown": {
        "en": "{shown} of {count} epochs are shown: evenly spaced ones, and the one with the lowest loss. All are in "
        "report.json.",
        "ko": "{count}개 에폭 중 {shown}개를 표시합니다. 고르게 고른 에폭과 손실이 가장 낮은 에폭이며, 전체는 "
        "report.json에 있습니다.",
    },
    "no_epochs": {"en": "The log names no epochs.", "ko": "로그에 에폭이 없습니다."},
    "no_phases": {"en": "The run is too short for phases.", "ko": "단계로 나누기에는 실행이 너무 짧습니다."},
    "shows": {"en": "What it shows", "ko": "무엇을 보여 주는가"},
    "healthy": {"en": "A healthy one", "ko": "정상적인 모습"},
    "this": {"en": "This one", "ko": "이번 실행"},
    "drawn": {"en": "Points drawn: {parts}.", "ko": "그린 점: {parts}."},
    "drawn_part": {"en": "{name} {drawn} of {of}", "ko": "{name} {of}개 중 {drawn}개"},
    "drawn_note": {
        "en": "Where fewer are drawn than there are, each stretch keeps its lowest and highest point, and every point "
        "that a finding cites is kept.",
        "ko": "점을 줄여 그린 곳에서는 구간마다 최저점과 최고점을 남기고, 판정이 근거로 든 점은 모두 남깁니다.",
    },
    "evidence": {"en": "Evidence", "ko": "근거"},
    "quality_none": {
        "en": "No evaluation was found beside this log, so accuracy, precision, recall and F1 are unknown. "
        "`isang evaluate` measures them.",
        "ko": "이 로그와 함께 있는 평가 결과가 없으므로 정확도, 정밀도, 재현율, F1은 알 수 없습니다. "
        "`isang evaluate`로 측정할 수 있습니다.",
    },
    "quality_unmeasured": {
        "en": "The evaluation could not measure accuracy, precision, recall and F1: {why}",
        "ko": "평가에서 정확도, 정밀도, 재현율, F1을 측정하지 못했습니다: {why}",
    },
    "no_reason": {"en": "no reason was recorded", "ko": "이유가 기록되지 않았습니다"},
    "metric": {"en": "Metric", "ko": "지표"},
    "interval": {"en": "Interval", "ko": "구간"},
    "metric_accuracy": {"en": "Accuracy", "ko": "정확도"},
    "metric_precision": {"en": "Precision", "ko": "정밀도"},
    "metric_recall": {"en": "Recall", "ko": "재현율"},
    "metric_f1": {"en": "F1", "ko": "F1"},
    "metric_average_precision": {"en": "Average precision", "ko": "평균 정밀도 (AP)"},
    "this_model": {"en": "This model", "ko": "이 모델"},
    "scale_note": {
        "en": "A common rule of thumb sorts losses into steps. It is a scale of the loss and nothing more: the same "
        "loss means different things with another vocabulary, another masking or other logs, and it says nothing "
        "about accuracy.",
        "ko": "흔히 쓰는 어림 기준은 손실을 단계로 나눕니다. 이것은 손실의 눈금일 뿐입니다. 어휘, 마스킹, 로그가 "
        "다르면 같은 손실도 뜻이 다르며, 정확도에 대해서는 아무것도 말해 주지 않습니다.",
    },
    "scale_step": {"en": "Step of the scale", "ko": "평가 기준"},
    "scale_limit": {"en": "Loss below", "ko": "손실 기준"},
    "scale_this": {"en": "Final loss {loss}", "ko": "최종 손실 {loss}"},
    "scale_basic": {"en": "basic", "ko": "기본 사용 가능"},
    "scale_practical": {"en": "practical", "ko": "실용적 사용 가능"},
    "scale_good": {"en": "good", "ko": "우수"},
    "scale_best": {"en": "best", "ko": "최고"},
    "below": {"en": "below", "ko": "미만"},
    "not_below": {"en": "not below", "ko": "이상"},
    "no_forecast": {"en": "No forecast can be made from this log.", "ko": "이 로그로는 예측할 수 없습니다."},
    "more_epochs": {"en": "Epochs more", "ko": "추가 에폭"},
    "more_units": {"en": "Stretches more", "ko": "추가 구간"},
    "expected_loss": {"en": "Expected loss", "ko": "예상 손실"},
    "forecast_points": {"en": "If the schedule goes on as it is", "ko": "현재 스케줄을 그대로 이어 갈 때"},
    "forecast_replanned": {
        "en": "If the rate goes from its peak to zero over the added steps",
        "ko": "추가 스텝 동안 학습률을 최고값에서 0까지 내릴 때",
    },
    "final_smoothed": {"en": "Final smoothed loss", "ko": "최종 스무딩 손실"},
    "made_by": {"en": "Written by isang", "ko": "isang이 작성함"},
    "zoom_hint": {
        "en": "Drag across a plot to zoom, double-click to see all of it. With the keyboard: arrow keys read points, "
        "+ and − zoom, 0 shows all.",
        "ko": "그래프 위를 끌면 확대되고, 두 번 누르면 전체가 보입니다. 키보드: 화살표로 값 읽기, +와 −로 확대·축소, "
        "0으로 전체 보기.",
    },
    "run": {"en": "Run", "ko": "실행"},
    "best_validation": {"en": "Lowest validation loss", "ko": "최저 검증 손실"},
    "best_of": {"en": "Best {name}", "ko": "가장 좋은 {name}"},
    "compared": {"en": "The {count} runs, the best first:", "ko": "실행 {count}개(좋은 순서):"},
    "compared_as_given": {"en": "The {count} runs:", "ko": "실행 {count}개:"},
    "value_at": {"en": "{value} at {step}", "ko": "{value} (스텝 {step})"},
    "unknown": {"en": "unknown", "ko": "알 수 없음"},
}  # fmt: skip

SCALE = (("basic", 2.0), ("practical", 1.5), ("good", 1.0), ("best", 0.5))
"""The rule of thumb for losses: a name and the loss to stay below."""


def plot_title(name: str, metric: str, language: Language) -> str:
    """The title of a plot; a run that is judged by a metric has no loss in its titles."""
    key = f"plot_{name}_metric"
    return word(key if metric and key in WORDS else f"plot_{name}", language)


def word(key: str, language: Language, **values: Any) -> str:
    """The words for `key`, with the values filled in."""
    return WORDS[key][language].format(**values)


def finding_name(identity: str, language: Language) -> str:
    """The title of a finding; its id as words where it is one of another package."""
    return WORDS.get(f"finding_{identity}", {}).get(language, identity.replace("_", " ").capitalize())


def series_name(name: str, language: Language) -> str:
    """The name of a curve; the log's own where the words know none."""
    return WORDS.get(f"series_{name}", {}).get(language) or printable_line(name)


def use_name(use: str, language: Language) -> str:
    """What a line of a log was used for; the reader's own words where there are no others."""
    return WORDS.get(f"used_{use}", {}).get(language, use)


def format_name(name: str, language: Language) -> str:
    """What kind of log it is."""
    return messages_ko.FORMATS.get(name, name) if language == "ko" else name


def number(value: Any) -> str:
    """A number for people: whole ones with thousands commas, others with four decimals or four digits."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NO_VALUE
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    value = float(value)
    if value == 0 or 0.001 <= abs(value) < 10_000:
        return f"{value:.4f}"
    return f"{value:.4g}"


def percent(value: float | None, decimals: int = 1) -> str:
    """A value that is already in per cent."""
    return NO_VALUE if value is None or math.isnan(value) else f"{value:.{decimals}f} %"


def rate(value: float | None) -> str:
    """A learning rate, such as 2e-05 or 1.97e-05."""
    return NO_VALUE if value is None or math.isnan(value) else f"{value:.4g}"

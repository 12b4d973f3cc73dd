"""The words of the pages about logs, in English and Korean."""

from typing import Any, Literal

Language = Literal["en", "ko"]

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Log analysis", "로그 분석"),
    "overview": ("Overview", "개요"),
    "incidents": ("Incidents", "인시던트"),
    "templates": ("Templates", "템플릿"),
    "quality": ("Quality", "품질"),
    "reading": ("How the logs were read", "로그를 읽은 방식"),
    "skip": ("Skip to the content", "본문으로 건너뛰기"),
    "contents": ("Contents", "목차"),
    "lines": ("lines", "줄"),
    "sessions": ("sessions", "세션"),
    "one_session": ("1 session", "세션 1개"),
    "some_sessions": ("{count} sessions", "세션 {count}개"),
    "one_line": ("1 line", "1줄"),
    "some_lines": ("{count} lines", "{count}줄"),
    "anomalous": ("anomalous sessions", "이상 세션"),
    "no_incidents": (
        "No incident. Nothing in these logs is unusual enough to report.",
        "인시던트가 없습니다. 보고할 만큼 특이한 것이 없습니다.",
    ),
    "period": ("{start} to {end} UTC", "{start} ~ {end} UTC"),
    "no_clock": ("The lines carry no time that could be read.", "읽을 수 있는 시각이 줄에 없습니다."),
    "timeline": ("Lines over time", "시간에 따른 줄 수"),
    "anomalies_over_time": ("Anomalous sessions over time", "시간에 따른 이상 세션"),
    "timeline_text": (
        "Lines over time by level, each bar {length}; marks above show when incidents began.",
        "레벨별 시간당 줄 수, 막대 하나는 {length}입니다. 위쪽 표시는 인시던트가 시작된 시점입니다.",
    ),
    "marks": ("Marks above: incidents.", "위쪽 막대: 인시던트."),
    "brush": (
        "Drag across the picture to see only the incidents of that time.",
        "그림 위를 드래그하면 그 시간의 인시던트만 보입니다.",
    ),
    "show_all": ("Show all", "모두 보기"),
    "level_error": ("error", "오류"),
    "level_warning": ("warning", "경고"),
    "all_lines": ("all lines", "전체 줄"),
    "severity": ("Severity", "심각도"),
    "critical": ("critical", "치명적"),
    "high": ("high", "높음"),
    "medium": ("medium", "보통"),
    "low": ("low", "낮음"),
    "firing": ("firing", "진행 중"),
    "resolved": ("resolved", "종료됨"),
    "expired": ("expired", "만료됨"),
    "first_seen": ("First seen", "처음 발견"),
    "last_seen": ("Last seen", "마지막 발견"),
    "sources": ("Logs", "로그"),
    "state": ("State", "상태"),
    "what_happened": ("What is unusual", "무엇이 특이한가"),
    "kind": ("Kind", "종류"),
    "example": ("An example session: {id}", "예시 세션: {id}"),
    "beside": (
        "“{strange}”: the most similar normal session{id} has no such line, or a sentence says what is wrong with it. "
        "“{missing}”: that session has this line, and this one does not.",
        "“{strange}”: 가장 비슷한 정상 세션{id}에 이런 줄이 없거나, 무엇이 이상한지 아래에 설명이 있는 줄입니다. "
        "“{missing}”: 그 정상 세션에는 있지만 이 세션에는 없는 줄입니다.",
    ),
    "marked": (
        "“{strange}”: a sentence below the line says why.", "“{strange}”: 왜 이상한지 줄 아래에 설명이 있습니다."
    ),
    "mark_strange": ("unusual", "특이"),
    "mark_missing": ("missing", "빠짐"),
    "others": ("Other sessions: {ids}", "다른 세션: {ids}"),
    "and_more": ("and {count} more", "외 {count}개"),
    "copy": ("Copy as Markdown", "Markdown으로 복사"),
    "copied": ("Copied", "복사됨"),
    "more_incidents": ("{count} further incidents are in {file}.", "나머지 인시던트 {count}개는 {file}에 있습니다."),
    "search": ("Search templates", "템플릿 검색"),
    "count": ("Count", "개수"),
    "template": ("Template", "템플릿"),
    "level": ("Level", "레벨"),
    "over_time": ("Over time", "시간별"),
    "new": ("new", "새로움"),
    "left_out": ("{count} rarer templates are not listed.", "더 드문 템플릿 {count}개는 표시하지 않았습니다."),
    "models": ("Models", "모델"),
    "never_seen": ("Never seen in training", "학습에서 본 적 없는 줄"),
    "never_seen_text": (
        "No training session has lines like these. Errors come first, then warnings and lines with words of failure.",
        "학습 세션에는 이런 줄이 하나도 없습니다. 오류, 경고, 실패를 뜻하는 말이 있는 줄 순서로 보여 줍니다.",
    ),
    "no_never_seen": (
        "Every line is like a line of the training period.", "모든 줄이 학습 기간에 본 줄과 같은 종류입니다."
    ),
    "first_line": ("First line", "첫 줄"),
    "cannot_tell": (
        "Cannot tell: of {lines} lines only {known} are like lines of the training period. These logs are of another "
        "program; train on logs of this one.",
        "판단할 수 없습니다. {lines}줄 가운데 {known}줄만 학습 기간의 줄과 비슷합니다. 다른 프로그램의 로그이므로 이 "
        "프로그램의 로그로 학습하세요.",
    ),
    "not_compared": (
        "{new} templates are new. Whether a new release has reworded known ones was asked for the {compared} most "
        "frequent of them; the others count as new.",
        "새 템플릿이 {new}개입니다. 알려진 줄의 문구가 바뀐 것인지는 가장 자주 나온 {compared}개만 비교했고, 나머지는 "
        "새 줄로 판단했습니다.",
    ),
    "lasted": (
        "{sessions} in {duration}, from {first} to {last}.",
        "{duration} 동안 {sessions}, {first}부터 {last}까지.",
    ),
    "at_once": ("{sessions}, at {first}.", "{sessions}, {first}."),
    "happened": ("{sessions}.", "{sessions}."),
    "came": ("It came {count} times", "{count}번 나타났습니다"),
    "spread": ("How it began and spread", "시작과 확산"),
    "spread_text": (
        "The logs in the order in which unusual lines reached them.",
        "특이한 줄이 나타난 순서대로 늘어놓은 로그입니다.",
    ),
    "after": ("{duration} later", "{duration} 뒤"),
    "expected": ("Expected instead:", "예상한 줄:"),
    "missing_here": ("A normal session has here:", "정상 세션에는 여기에:"),
    "this_session": ("This session", "이 세션"),
    "normal_session": ("Most similar normal session", "가장 비슷한 정상 세션"),
    "permalink": ("Link to this incident", "이 인시던트 링크"),
    "other_sessions": ("Other sessions", "다른 세션"),
    "began": ("Began", "시작"),
    "session": ("Session", "세션"),
    "slots": ("Values", "값"),
    "distinct": ("{count} different", "서로 다른 값 {count}개"),
    "range": ("{low} to {high}", "{low} ~ {high}"),
    "median": ("median {value}", "중앙값 {value}"),
    "growing": ("new values keep coming", "새 값이 계속 나옴"),
    "fault": ("Kind of fault", "장애 종류"),
    "found": ("Found", "찾음"),
    "precision_recall": ("Precision and recall", "정밀도와 재현율"),
    "scores": ("Sessions by score (height: square root of the count)", "점수별 세션 수(높이는 개수의 제곱근)"),
    "score": ("score", "점수"),
    "kind_normal": ("normal", "정상"),
    "kind_anomalous": ("anomalous", "이상"),
    "kind_unlabelled": ("without a label", "라벨 없음"),
    "by_tenths": ("Alerts per 1,000 normal sessions over time", "시간에 따른 정상 세션 1,000개당 알림"),
    "from": ("From", "시작 시각"),
    "alerts": ("Alerts per 1,000", "1,000개당 알림"),
    "no_reading": (
        "How the logs were read is not kept with this model.", "로그를 읽은 방식이 모델에 남아 있지 않습니다."
    ),
    "done": ("Done.", "완료했습니다."),
    "all": ("all", "전체"),
    "pages": ("Pages", "페이지"),
    "previous": ("Previous", "이전"),
    "next": ("Next", "다음"),
    "no_such_incidents": ("No incidents.", "인시던트가 없습니다."),
    "missing_incident": ("There is no such incident", "그런 인시던트가 없습니다"),
    "missing_incident_text": (
        "It may have expired, or the address was cut. The overview lists what there is.",
        "보관 기간이 지났거나 주소가 잘렸을 수 있습니다. 개요에 있는 인시던트를 보세요.",
    ),
    "mostly_anomalous": (
        "{anomalies} of {sessions} sessions are anomalous. Unless most of what sends logs is failing, these are not "
        "the logs that the model learned from: all of its logs must come in, with the same session key. Otherwise "
        "train on these.",
        "세션 {sessions}개 중 {anomalies}개가 이상입니다. 로그를 보내는 시스템이 대부분 고장 난 것이 아니라면 "
        "모델이 학습한 로그와 다른 로그입니다. 학습한 로그가 모두 같은 세션 키로 들어와야 하며, 아니면 이 로그로 "
        "다시 학습하세요.",
    ),
    "sign_in": ("Sign in", "로그인"),
    "sign_out": ("Sign out", "로그아웃"),
    "token": ("Token", "토큰"),
    "wrong_token": ("That is not the token of this service.", "이 서비스의 토큰이 아닙니다."),
    "token_text": (
        "The value of ISANG_TOKEN, or of ISANG_READ_TOKEN to read alone, with which the service was started.",
        "서비스를 시작할 때 지정한 ISANG_TOKEN 값, 또는 읽기 전용인 ISANG_READ_TOKEN 값입니다.",
    ),
    "feedback": ("What do you say?", "어떻게 판단하십니까?"),
    "feedback_text": (
        "“Normal” silences what it covers at once and enters the next calibration; “a real anomaly” is kept out of "
        "training. An answer can be undone.",
        "“정상”은 해당 범위의 알림을 바로 끄고 다음 보정에 반영됩니다. “실제 이상”은 학습에서 제외됩니다. "
        "답은 되돌릴 수 있습니다.",
    ),
    "needs_script": (
        "Answering needs JavaScript, or isang's HTTP interface.", "답하려면 JavaScript나 HTTP API가 필요합니다."
    ),
    "scope": ("Covers", "범위"),
    "scope_incident": ("this cause", "이 원인"),
    "scope_template": ("this kind of line", "이 종류의 줄"),
    "scope_detector": ("this detector, for this kind of line", "이 종류의 줄에 대한 이 탐지기"),
    "holds": ("Holds", "기간"),
    "for_ever": ("until undone", "되돌릴 때까지"),
    "days": ("{count} days", "{count}일"),
    "say_normal": ("Normal", "정상"),
    "say_anomaly": ("A real anomaly", "실제 이상"),
    "say_acknowledged": ("Seen", "확인함"),
    "told": ("Answered: {verdict}, {at}", "답변: {verdict}, {at}"),
    "told_normal": ("normal", "정상"),
    "told_anomaly": ("a real anomaly", "실제 이상"),
    "told_acknowledged": ("seen", "확인함"),
    "until": ("until {until}", "{until}까지"),
    "undo": ("Undo", "되돌리기"),
    "evaluation": ("Evaluation of the model in use", "사용 중인 모델의 평가"),
    "live": ("Live", "실시간"),
    "asked_per_thousand": ("alerts per 1,000 sessions asked for", "요청한 세션 1,000개당 알림"),
    "alerts_per_thousand": ("alerts per 1,000 sessions so far", "지금까지 세션 1,000개당 알림"),
    "no_models": (
        "No model yet; the service learns from what comes in.", "아직 모델이 없습니다. 들어오는 로그로 학습합니다."
    ),
    "model_promoted": ("in use", "사용 중"),
    "model_shadow": ("beside the one in use", "섀도"),
    "model_earlier": ("used before", "이전 모델"),
    "model_refused": ("refused", "거부됨"),
    "model_training": ("training", "학습 중"),
    "model_failed": ("failed", "실패"),
    "silenced": ("silenced", "알림 끔"),
    "per_thousand_told": (
        "sessions marked as false alarms, per 1,000; at most {most} including unanswered ones",
        "오경보라고 답한 세션(1,000개당), 답하지 않은 것까지 합하면 최대 {most}",
    ),
    "of_gate_training": ("Training", "학습"),
    "of_gate_material": ("What it learned from", "학습한 로그"),
    "of_gate_planted": ("Planted anomalies", "심은 이상"),
    "of_gate_surprise": ("Held-out sessions", "남겨 둔 세션"),
    "of_gate_budget": ("Alert budget", "알림 예산"),
    "gate_passed": ("passed", "통과"),
    "gate_failed": ("failed", "실패"),
    "gate_unknown": ("not decided", "미정"),
    "shadow": ("Beside the present model", "현재 모델과 비교"),
    "in_shadow": (
        "{sessions} sessions so far, {own} alerts per 1,000 (the present model: {present}); {only_own} alerts of this "
        "one alone, {only_present} of the present one alone",
        "지금까지 세션 {sessions}개, 1,000개당 알림 {own}개(현재 모델 {present}개). 이 모델만 알린 세션 {only_own}개, "
        "현재 모델만 알린 세션 {only_present}개",
    ),
    "detector_unseen_event": ("lines never seen before", "처음 보는 줄"),
    "detector_rare_event": ("rare lines", "드문 줄"),
    "detector_failure_lines": ("lines that tell of a failure", "실패를 알리는 줄"),
    "detector_masked_event": ("lines that do not belong (encoder)", "있을 자리가 아닌 줄(인코더)"),
    "detector_missing_event": ("missing lines (encoder)", "빠진 줄(인코더)"),
    "detector_early_end": ("early ends (encoder)", "일찍 끝난 세션(인코더)"),
    "detector_event_counts": ("counts of lines", "줄의 개수"),
    "detector_repeated_event": ("repeated lines", "반복된 줄"),
    "detector_transition": ("one line after another", "줄의 이어짐"),
    "detector_event_order": ("order of lines", "줄의 순서"),
    "detector_companion": ("lines that come together", "함께 나오는 줄"),
    "detector_context_order": ("order that depends on other lines", "다른 줄에 따라 달라지는 순서"),
    "detector_time_gap": ("time between lines", "줄 사이의 시간"),
    "detector_burst": ("many sessions at once", "한꺼번에 몰린 세션"),
    "rule_flag_everything": ("flag everything", "모두 이상으로 판정"),
    "rule_error_line": ("any ERROR line", "ERROR 줄이 하나라도 있음"),
    "rule_unseen_template": ("any new template", "새 템플릿이 하나라도 있음"),
    "rule_length": ("length of the session", "세션의 길이"),
    "rule_count_vector": ("counts of lines, nearest normal session", "줄 개수 벡터의 최근접 거리"),
    "rule_two_gram": ("any new pair of lines", "새로운 두 줄 조합이 하나라도 있음"),
    "rule_edit_distance": ("edit distance to normal sessions", "정상 세션과의 편집 거리"),
    "planted_unseen_event": ("a line never seen before", "처음 보는 줄"),
    "planted_missing_event": ("a missing line", "빠진 줄"),
    "planted_early_end": ("an early end", "일찍 끝난 세션"),
    "planted_swapped_order": ("swapped lines", "순서가 바뀐 줄"),
    "planted_repetition": ("a repeated line", "반복된 줄"),
    "planted_slow_gap": ("a slow step", "느려진 단계"),
    "suggested": ("A new model is worth training", "새 모델을 학습할 때가 되었습니다"),
    "expected_effect": ("What it would change", "예상되는 변화"),
    "wait_with_training": ("Wait", "아직 기다리세요"),
    "train": ("Train a new model", "새 모델 학습"),
    "promote": ("Put in use", "이 모델 사용"),
    "rollback": ("Back to the model before", "이전 모델로 되돌리기"),
    "loudness_other": ("other", "기타"),
    "loudness_failure_word": ("failure word", "실패를 뜻하는 말"),
    "loudness_warning": ("warning", "경고"),
    "loudness_error": ("error", "오류"),
    "state_detecting": ("Detecting.", "탐지하고 있습니다."),
    "state_failed": ("It has stopped judging.", "판정이 중단되었습니다."),
    "state_training": ("Training a model.", "모델을 학습하고 있습니다."),
    "state_learning": ("Learning from what comes in.", "들어오는 로그로 학습하고 있습니다."),
    "symptom_new": ("Never seen before", "처음 보는 줄"),
    "symptom_missing": ("Missing", "빠진 줄"),
    "symptom_too_many": ("Too many", "너무 많음"),
    "symptom_crowd": ("Many at once", "한꺼번에 몰림"),
    "symptom_out_of_order": ("Unusual order", "평소와 다른 순서"),
    "symptom_slow": ("Slow", "느림"),
    "symptom_rare": ("Rare", "드문 줄"),
    "symptom_unexpected": ("Not where it belongs", "있을 자리가 아님"),
    "symptom_value": ("A value never seen before", "처음 보는 값"),
    "symptom_volume": ("Another rate than ever", "평소와 다른 양"),
    "symptom_unlike": ("Unlike any before", "이전에 없던 모습"),
    "measured": (
        "Measured on {labelled} labelled sessions after the training period",
        "학습 기간 이후의 라벨이 있는 세션 {labelled}개에서 측정",
    ),
    "not_measured": ("Quality is not measured: {why}.", "품질을 측정하지 않았습니다: {why}."),
    "no_evaluation": ("This model has not been evaluated on these logs.", "이 로그로 모델을 평가하지 않았습니다."),
    "detector": ("Detector", "탐지기"),
    "precision": ("Precision", "정밀도"),
    "recall": ("Recall", "재현율"),
    "all_together": ("all together", "전체"),
    "simple_rule": ("simple rule: {name}", "단순 규칙: {name}"),
    "planted": ("Found of anomalies that isang planted itself", "isang이 직접 심은 이상 중 찾은 비율"),
    "budget": (
        "Alert budget: {found} false alarms per 1,000 normal sessions, where {asked} was asked for.",
        "알림 예산: 정상 세션 1,000개당 오경보 {found}개(요청한 값은 {asked}개).",
    ),
    "budget_unmeasured": (
        "Alert budget: {asked} per 1,000 normal sessions was asked for. How many alerts are false is not known without "
        "labels.",
        "알림 예산: 정상 세션 1,000개당 오경보 {asked}개를 요청했습니다. 라벨이 없어 측정할 수 없습니다.",
    ),
    "drift": ("Drift: {says}", "드리프트: {says}"),
    "report": ("Judgement of the training", "학습 평가 보고서"),
    "source": ("Log", "로그"),
    "layout": ("Layout", "레이아웃"),
    "times": ("Times", "시각"),
    "used": ("Lines used", "사용한 줄"),
    "doubt_lines": ("{count} lines did not fit the layout", "레이아웃에 맞지 않는 줄 {count}개"),
    "session_rule": ("Sessions", "세션"),
    "made_by": ("Written by isang.", "isang이 작성했습니다."),
    "top_simple": (
        "The simple rule “{name}” does as well here (F1 {rule} against {own}).",
        "여기서는 단순 규칙 “{name}”만으로도 충분합니다(F1 {rule}, isang {own}).",
    ),
}  # fmt: skip


def named(family: str, name: str, language: Language) -> str:
    """The name of a kind of a family: of a `symptom`, a `detector`, a simple `rule`, a gate (`of_gate`), and so on.

    Kinds of plug-in detectors are shown under their own name.
    """
    known = _WORDS.get(f"{family}_{name.replace(' ', '_')}")
    return name.replace("_", " ") if known is None else known[language == "ko"]


def number(value: float) -> str:
    """A number for display: counts with commas, others with four digits."""
    return f"{value:,.0f}" if value == int(value) else f"{value:.4g}"


def word(key: str, language: Language, **values: Any) -> str:
    """A word or sentence of the pages, with its values filled in."""
    return _WORDS[key][language == "ko"].format(**values)

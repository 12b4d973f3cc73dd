"""Findings: verdicts on a run, each with its evidence."""

from collections.abc import Callable, Mapping
from typing import Any

from isang.runs.finding import Finding, Language, RunContext, Verdict
from isang.runs.findings.contract import FindingRule, added, judged_by
from isang.runs.findings.generalisation import overfitting
from isang.runs.findings.health import divergence, finite
from isang.runs.findings.journal.normal import normal_sessions
from isang.runs.findings.progress.convergence import convergence
from isang.runs.findings.progress.descent import decreasing
from isang.runs.findings.quality import measured_quality
from isang.runs.findings.schedule import schedule
from isang.runs.findings.speed import throughput
from isang.runs.findings.stability import spikes, stability
from isang.runs.findings.start import restarts, start_loss
from isang.runs.findings.stopping import stopping_point
from isang.runs.read.table import RunTable

__all__ = ["FINDINGS", "NOT_IN_A_LOG", "Finding", "FindingRule", "Language", "RunContext", "Verdict", "judge"]

FINDINGS: tuple[Callable[[RunTable, RunContext], Finding], ...] = (
    finite,
    decreasing,
    divergence,
    spikes,
    stability,
    convergence,
    schedule,
    overfitting,
    stopping_point,
    start_loss,
    throughput,
    restarts,
    normal_sessions,
    measured_quality,
)
"""Every finding, in the order of the report. Each function is named after its finding's id."""

NOT_IN_A_LOG: tuple[Mapping[Language, str], ...] = (
    {
        "en": "whether the model finds anomalies: only an evaluation on labelled data shows that",
        "ko": "모델이 이상을 찾아내는지 여부: 라벨이 있는 데이터로 평가해야만 알 수 있습니다",
    },
    {
        "en": "whether the data was right: leaked, mislabelled or repeated sessions give beautiful curves",
        "ko": "데이터가 올바른지 여부: 유출되거나 라벨이 틀리거나 중복된 세션도 아름다운 곡선을 만듭니다",
    },
    {
        "en": "whether another setting would have been better: that takes a second run",
        "ko": "다른 설정이 더 나았을지 여부: 두 번째 실행이 필요합니다",
    },
    {
        "en": "how much of the result is chance: that takes runs with other seeds",
        "ko": "결과 중 우연의 몫: 다른 시드의 실행이 필요합니다",
    },
)
"""What a log alone can never show."""


def judge(
    table: RunTable, *, evaluation: Mapping[str, Any] | None = None, context: RunContext | None = None
) -> list[Finding]:
    """All findings about a run, always every one of them, in the order of FINDINGS; those of other packages follow.

    `context`, where given, is that of this run and holds the evaluation; what it has computed is not computed again.
    """
    context = context or RunContext(table, evaluation)
    own = [finding(table, context) for finding in FINDINGS]
    return own + [judged_by(rule, table, context) for rule in added(tuple(finding.id for finding in own))]

"""Whether the sessions that were learned as normal were normal, as far as the journal of a training shows it."""

from collections.abc import Mapping, Sequence
from typing import Any

from isang.runs.finding import Finding, RunContext, both
from isang.runs.findings.journal.training_internals import heavy_tail, with_faults
from isang.runs.read.table import RunTable

FEW = 0.001
"""A smaller share of sessions is below the usual alert budget, and hardly moves a threshold."""
NAMED = 3
"""Maximum number of templates in the sentence; the evidence has all that the journal names."""


def normal_sessions(table: RunTable, context: RunContext) -> Finding:
    """Lines that report a failure in few of the sessions not labelled normal; sessions unlike all others.

    A rare line that reports a failure may still be normal, such as a declined payment in a shop. Counts cannot separate
    the two, so this finding asks someone who knows the system and never calls it a problem.
    """
    tail = heavy_tail(table)
    return with_faults(_as_counted(table.facts.get("normal_sessions")), [tail] if tail else [])


def _as_counted(known: Mapping[str, Any] | None) -> Finding:
    if known is None:
        return Finding(
            "normal_sessions",
            "not_applicable",
            both(
                "The log does not say which sessions were learned as normal.",
                "로그에 어떤 세션을 정상으로 학습했는지 적혀 있지 않습니다.",
            ),
            {},
        )
    sessions, found = known["unlabelled"], known["with_rare_failures"]
    evidence = {
        "unlabelled_sessions": sessions,
        "sessions_with_rare_failures": found,
        "rare_failure_templates": known["templates"],
        "rare_failures": [dict(failure) for failure in known["named"]],
        "few_sessions_share": FEW,
    }
    if not sessions:
        statement = both(
            "A label calls each session that was learned from normal.",
            "학습한 세션 모두에 정상이라는 라벨이 있습니다.",
        )
        return Finding("normal_sessions", "ok", statement, evidence)
    if found < FEW * sessions or not found:
        statement = both(
            f"Of the {sessions:,} sessions that no label calls normal, {found:,} hold a rare line that tells of a "
            "failure, too few to matter. Anomalies that no word tells of are not counted.",
            f"정상 라벨이 없는 세션 {sessions:,}개 중 {found:,}개에 실패를 알리는 드문 줄이 있습니다. 영향을 주기에는 "
            "적습니다. 단어로 드러나지 않는 이상은 세지 않았습니다.",
        )
        return Finding("normal_sessions", "ok", statement, evidence)
    share = f"{100 * found / sessions:.2g} %"
    return Finding(
        "normal_sessions",
        "cannot_tell",
        both(
            f"{found:,} of the {sessions:,} sessions that no label calls normal ({share}) hold a line that tells of a "
            f"failure and is rare: {_listed(known, _EN)}. If these are anomalies, the model learns them as normal and "
            "overlooks their like; if such lines are part of everyday work, all is well. Only someone who knows the "
            "system can tell.",
            f"정상 라벨이 없는 세션 {sessions:,}개 중 {found:,}개({share})에 실패를 알리는 드문 줄이 있습니다: "
            f"{_listed(known, _KO)}. 이상이라면 모델이 이를 정상으로 학습하여 비슷한 이상을 놓칩니다. 평소에도 나오는 "
            "줄이라면 문제없습니다. 시스템을 아는 사람만이 판단할 수 있습니다.",
        ),
        evidence,
        both(
            "Look at these sessions. Give those that are anomalies a label (`isang prepare --labels`), so that they "
            "are left out, and train again; where all sessions have one, nothing is asked.",
            "해당 세션을 살펴보십시오. 이상인 세션에 라벨을 붙여(`isang prepare --labels`) 학습에서 빼고 다시 "
            "학습하십시오. 모든 세션에 라벨이 있으면 묻지 않습니다.",
        ),
    )


_EN = ("{template} ({sessions:,} sessions, first {first})", "and {more:,} more templates")
_KO = ("{template} (세션 {sessions:,}개, 처음 {first})", "그 밖에 템플릿 {more:,}개")


def _listed(known: Mapping[str, Any], words: tuple[str, str]) -> str:
    named: Sequence[Mapping[str, Any]] = known["named"][:NAMED]
    parts = [words[0].format(**{**failure, "template": f"“{failure['template']}”"}) for failure in named]
    more = known["templates"] - len(parts)
    return "; ".join([*parts, words[1].format(more=more)] if more > 0 else parts)

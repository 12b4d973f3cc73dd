"""Whether the logs themselves have changed since calibration, and what did: a sentence with its numbers.

The alert budget is kept only while normal sessions look as they did: conformal p-values promise it for sessions that
are exchangeable with those of calibration, and a line that training never had breaks that promise. Known anomalies are
left out; where there are no labels, unknown ones are among the later sessions and can look like drift.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.detectors import detectors_of
from isang.detection.detectors.baselines import unseen_template
from isang.detection.evaluation.metrics import Flags, Floats, share
from isang.detection.releases.rewordings import Rewording
from isang.detection.threshold.decisions import Judged, calibration_scores
from isang.formatting import printable_line
from isang.logs.store import Dataset
from isang.model.vocabulary import UNSEEN

TENTHS = 10
SHOWN_TEMPLATES = 10
SHOWN_CHARACTERS = 100
LEAST_SHARE = 0.01
"""A smaller share of later sessions with a new template is not drift."""
HIGH = 0.95
"""A score above this quantile of the calibration scores is high; for most detectors 5 % of them are."""
TIMES_HIGHER = 2.0
"""High scores have drifted if their share exceeds that of calibration by this factor."""


def drift(
    model: Model, dataset: Dataset, judged: Judged, flagged: Flags, innocent: Flags, expected_per_thousand: float
) -> dict[str, Any]:
    """Compare the later sessions that are not known to be anomalous (`innocent`) with the calibration sessions.

    `expected_per_thousand`: the alerts that calibration makes expect, the budget or the lowest one that it supports.
    """
    new_lines = unseen_template(model, dataset, judged.rows, judged.sessions)
    lines = (judged.sessions.lengths - 2).astype(np.float64)
    found: dict[str, Any] = {
        "new_templates": _new_templates(model, dataset, judged, innocent),
        "new_template_events": share(int(new_lines[innocent].sum()), int(lines[innocent].sum())),
        "new_template_sessions": _compared(calibration_scores(model, "unseen_template") > 0, new_lines[innocent] > 0),
        "high_scores": [
            {
                "detector": detector.name,
                **_high(calibration_scores(model, detector.name), scores[innocent], detector.allowance),
            }
            for detector, scores in zip(detectors_of(model), judged.scores_DS, strict=True)
        ],
        "alerts": share(int((flagged & innocent).sum()), int(innocent.sum()), per=1000),
        "alerts_with_new_lines": share(
            int((flagged & innocent & (new_lines > 0)).sum()), int(innocent.sum()), per=1000
        ),
        "tenths": _tenths(dataset, judged, new_lines, lines, flagged, innocent),
    }
    found["drifted"] = what = _what_drifted(found, expected_per_thousand)
    found["says"], found["says_ko"] = _sentence(found, what), _sentence_ko(found, what)
    return found


def other_logs(judged: Judged) -> str | None:
    """A warning where most lines are like none that the model knows, else None."""
    lines = len(judged.sessions.flat) - 2 * len(judged.sessions)
    unknown = int((judged.sessions.flat == UNSEEN).sum())
    if unknown <= lines / 2:
        return None
    return (
        f"{unknown:,} of {lines:,} lines are like none of the model's training sessions; these logs may be of another "
        f"program, or of a new release of it: train on them"
    )


def rewording_facts(rewordings: Sequence[Rewording], dataset: Dataset) -> list[dict[str, Any]]:
    """Which new templates were taken for known ones, why, in how many sessions and since when."""
    starts = dataset.sessions["start"]
    return [
        {"template": each.template, "taken_for": each.known, "because": each.because, "sessions": each.sessions,
         "first_seen": _when(starts[each.first]), "first_judged_as_new": each.told}
        for each in rewordings
    ]  # fmt: skip


def taken_for(rewordings: Sequence[Rewording]) -> str | None:
    """Which new templates were taken for known ones and how to undo it; None where none was."""
    if not rewordings:
        return None
    count = len(rewordings)
    ones = (
        "a known line is gone and a new one was" if count == 1 else f"{count:,} known lines are gone and new ones were"
    )
    lines = [f"as in a new release, {ones} taken for {'it' if count == 1 else 'them'} (--no-rewordings undoes it):"]
    for each in rewordings[:SHOWN_TEMPLATES]:
        new, known = (printable_line(text[:SHOWN_CHARACTERS]) for text in (each.template, each.known))
        lines.append(f"  “{new}” for “{known}” ({each.sessions:,} sessions, by {each.because.partition(':')[0]})")
    more = count - SHOWN_TEMPLATES
    return "\n".join([*lines, f"  and {more:,} more"] if more > 0 else lines)


def _new_templates(model: Model, dataset: Dataset, judged: Judged, innocent: Flags) -> dict[str, Any]:
    """How many templates the training sessions never had, and the most frequent of them."""
    new = dataset.templates.filter(~pl.col("template").is_in(list(model.vocabulary.templates)))
    sessions = dataset.sessions[judged.rows[innocent]].select("start", "events").explode("events")
    seen = sessions.filter(pl.col("events").is_in(new["event"].implode()))
    table = seen.group_by(event="events").agg(events=pl.len(), first_seen=pl.col("start").min())
    table = table.join(new.select("event", "template"), on="event").sort(["events", "event"], descending=[True, False])
    most_frequent = [
        {"template": row["template"], "events": row["events"], "first_seen": _when(row["first_seen"])}
        for row in table.head(SHOWN_TEMPLATES).iter_rows(named=True)
    ]
    return {"count": len(table), "first_seen": _when(table["first_seen"].min()), "most_frequent": most_frequent}


def _compared(calibration: Flags, later: Flags) -> dict[str, Any]:
    return {
        "calibration": share(int(calibration.sum()), len(calibration)),
        "later": share(int(later.sum()), len(later)),
    }


def _high(calibration: Floats, later: Floats, allowance: float) -> dict[str, Any]:
    """The shares of high scores."""
    limit = high_from(calibration, allowance)
    return {"above": limit, **_compared(calibration > limit, later > limit)}


def high_from(calibration: Floats, allowance: float) -> float:
    """Scores above are high; with the other sessions that it was fitted on a detector's scores move a little."""
    return float(np.quantile(calibration, HIGH)) + allowance


def _tenths(
    dataset: Dataset, judged: Judged, new_lines: Floats, lines: Floats, flagged: Flags, innocent: Flags
) -> list[dict[str, Any]]:
    """The later sessions in ten parts of equal number, in the order of time."""
    starts = dataset.sessions["start"].gather(judged.rows)
    parts = [part for part in np.array_split(np.nonzero(innocent)[0], TENTHS) if len(part)]
    return [
        {
            "from": _when(starts[int(part[0])]),
            "sessions": len(part),
            "new_template_events": share(int(new_lines[part].sum()), int(lines[part].sum()))["value"],
            "alerts_per_thousand": 1000 * float(flagged[part].mean()),
        }
        for part in parts
    ]


def _what_drifted(found: dict[str, Any], expected_per_thousand: float) -> list[str]:
    """Of templates, scores and alerts those whose interval is clear of what calibration makes expect."""
    templates = found["new_template_sessions"]
    drifted = []
    if clearly_more(templates, times=1.0) and templates["later"]["low"] >= LEAST_SHARE:
        drifted.append("templates")
    if _higher(found):
        drifted.append("scores")
    if found["alerts"]["low"] is not None and found["alerts"]["low"] > expected_per_thousand:
        drifted.append("alerts")
    return drifted


def clearly_more(compared: dict[str, Any], times: float) -> bool:
    """Whether the interval of `later` is above `times` times the share of `calibration`, and above its interval."""
    calibration, later = compared["calibration"], compared["later"]
    if calibration["value"] is None or later["value"] is None:
        return False
    return bool(later["low"] > max(times * calibration["value"], calibration["high"]))


def _higher(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The detectors that give clearly more sessions a high score than in calibration."""
    return [item for item in found["high_scores"] if clearly_more(item, times=TIMES_HIGHER)]


def _worst_tenth(found: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The tenth of the time with most alerts, counted from 1, and its figures."""
    return max(enumerate(found["tenths"], 1), key=lambda tenth: float(tenth[1]["alerts_per_thousand"]))


def _sentence(found: dict[str, Any], what: Sequence[str]) -> str:
    parts = []
    if "templates" in what:
        parts.append(_templates_sentence(found))
    if "scores" in what:
        names = [
            f"{item['detector']} ({_percent(item['calibration'])} then, {_percent(item['later'])} later)"
            for item in _higher(found)
        ]
        parts.append(f"More sessions than in the calibration period score high with {', '.join(names)}.")
    if "alerts" in what:
        number, tenth = _worst_tenth(found)
        begin = f", which begins on {tenth['from'][:19]}" if tenth["from"] else ""
        parts.append(
            f"Of 1,000 sessions that are not known to be anomalous {found['alerts']['value']:.1f} are flagged, "
            f"{found['alerts_with_new_lines']['value']:.1f} of them with a line that training never had, most of all "
            f"in tenth {number} of the time{begin}: {tenth['alerts_per_thousand']:.1f} of 1,000. The budget holds "
            f"only while later sessions are like those of calibration; here they are not."
        )
    if not parts:
        seen = found["new_template_sessions"]
        return (
            f"No drift is seen: {_percent(seen['later'])} of the later sessions have a line whose template training "
            f"never had, {_percent(seen['calibration'])} of the calibration sessions."
        )
    return " ".join(parts)


def _templates_sentence(found: dict[str, Any]) -> str:
    new, seen = found["new_templates"], found["new_template_sessions"]
    begin = f"; they begin on {new['first_seen'][:19]}" if new["first_seen"] else ""
    first = new["most_frequent"][0]
    ones = "a template" if new["count"] == 1 else f"one of {new['count']:,} templates"
    return (
        f"{_percent(found['new_template_events'])} of the later events have {ones} that training never had{begin}. "
        f"{_percent(seen['later'])} of the later sessions have such a line, {_percent(seen['calibration'])} of the "
        f"calibration sessions had; the most frequent is “{first['template'][:SHOWN_CHARACTERS]}”."
    )


def _sentence_ko(found: dict[str, Any], what: Sequence[str]) -> str:
    """The same in Korean."""
    parts = []
    if "templates" in what:
        parts.append(_templates_sentence_ko(found))
    if "scores" in what:
        names = [
            f"{item['detector']}(보정 기간 {_percent_ko(item['calibration'])}, 이후 {_percent_ko(item['later'])})"
            for item in _higher(found)
        ]
        parts.append(f"보정 기간보다 점수가 높은 세션이 많은 탐지기: {', '.join(names)}.")
    if "alerts" in what:
        number, tenth = _worst_tenth(found)
        begin = f"({tenth['from'][:19]} 시작)" if tenth["from"] else ""
        parts.append(
            f"이상으로 알려지지 않은 세션 1,000개당 {found['alerts']['value']:.1f}개가 이상으로 판정되었고, 그중 "
            f"{found['alerts_with_new_lines']['value']:.1f}개에는 학습에 없던 줄이 있습니다. 전체 시간을 열로 나눈 "
            f"구간 가운데 {number}번째{begin}가 1,000개당 {tenth['alerts_per_thousand']:.1f}개로 가장 많습니다. "
            f"알림 예산은 이후 세션이 보정 기간과 비슷할 때만 지켜지는데, 이 로그는 그렇지 않습니다."
        )
    if not parts:
        seen = found["new_template_sessions"]
        return (
            f"드리프트가 보이지 않습니다. 학습에 없던 템플릿의 줄이 있는 세션은 "
            f"이후 세션의 {_percent_ko(seen['later'])}, 보정 세션의 {_percent_ko(seen['calibration'])}입니다."
        )
    return " ".join(parts)


def _templates_sentence_ko(found: dict[str, Any]) -> str:
    new, seen = found["new_templates"], found["new_template_sessions"]
    begin = f"({new['first_seen'][:19]}부터)" if new["first_seen"] else ""
    first = new["most_frequent"][0]
    return (
        f"이후 이벤트 가운데 학습에 없던 템플릿({new['count']:,}개)에 속하는 것은 "
        f"{_percent_ko(found['new_template_events'])}입니다{begin}. 이런 줄이 있는 세션은 이후 세션의 "
        f"{_percent_ko(seen['later'])}, 보정 세션의 {_percent_ko(seen['calibration'])}입니다. "
        f"가장 잦은 템플릿: “{first['template'][:SHOWN_CHARACTERS]}”."
    )


def _percent(part: dict[str, Any], unknown: str = "an unknown part") -> str:
    return unknown if part["value"] is None else f"{100 * part['value']:.3g} %"


def _percent_ko(part: dict[str, Any]) -> str:
    return _percent(part, "알 수 없는 비율")


def _when(moment: Any) -> str | None:
    return None if moment is None else str(moment)

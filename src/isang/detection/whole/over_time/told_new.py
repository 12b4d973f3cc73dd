"""New kinds of lines outside of sessions as an incident."""

from collections.abc import Sequence

import numpy as np

from isang.artifact import Model
from isang.detection.causes.quiet import MANY_LINES
from isang.detection.causes.symptoms import Symptom
from isang.detection.causes.titles import headline
from isang.detection.incidents import Incident
from isang.detection.whole.entries import SHOWN_CHARACTERS, incident_of_logs, reason_of
from isang.detection.whole.over_time.outside import NewLine
from isang.detection.whole.over_time.volume import moment

SHOWN_KINDS = 5


def together(new: Sequence[NewLine]) -> list[list[NewLine]]:
    """Groups new kinds of lines that appear at the same time, those that report a failure apart from the others."""
    groups: list[list[NewLine]] = []
    for one in new:
        near = next((group for group in groups if _beside(group[0], one)), None)
        if near is None:
            groups.append([one])
        else:
            near.append(one)
    return groups


def _beside(lead: NewLine, one: NewLine) -> bool:
    if (lead.loudness > 0) != (one.loudness > 0):
        return False
    if None in (lead.first, lead.last, one.first, one.last):
        return True
    return one.first <= lead.last and lead.first <= one.last  # type: ignore[operator]


def incident_of_new(model: Model, group: Sequence[NewLine], firsts: Sequence[tuple[str, str]]) -> Incident:
    """The incident of new kinds of lines, named after the first; `firsts`: the log and the text of the first of each.

    Only SHOWN_KINDS of the texts are shown.
    """
    lead, p_value = group[0], group[0].p_value
    reasons = []
    for one, (source, text) in list(zip(group, firsts, strict=True))[:SHOWN_KINDS]:
        line = {
            "source": source, "number": one.line, "position": None,
            "time": None if one.first is None else moment(one.first).isoformat(), "level": one.level,
            "text": text[:SHOWN_CHARACTERS], "template": one.template,
        }  # fmt: skip
        reasons.append(reason_of("new_lines", p_value, _new(one), line) | {"says_ko": _new_ko(one)})
    total = sum(one.lines for one in group)
    begins = [one.first for one in group if one.first is not None]
    ends = [one.last for one in group if one.last is not None]
    times = (moment(min(begins)).isoformat(), moment(max(ends)).isoformat()) if begins and ends else (None, None)
    since = f" since {moment(min(begins)):%H:%M}" if begins else ""
    since_ko = f"{moment(min(begins)):%H:%M}부터 " if begins else ""
    more = f" and {len(group) - 1:,} more kinds of lines" if len(group) > 1 else ""
    more_ko = f" 외 {len(group) - 1:,}종" if len(group) > 1 else ""
    title = f"{headline(lead.template)}{more}: {total:,} {'line' if total == 1 else 'lines'}{since}; never seen before"
    title_ko = f"{headline(lead.template)}{more_ko}: {since_ko}{total:,}줄; 이전에 없던 줄"
    loudest = max(one.loudness for one in group)
    points = (loudest == 3) + (loudest > 0 and total >= MANY_LINES)
    return incident_of_logs(
        model, Symptom("new", lead.template, lead.level, lead.loudness > 0), (title, title_ko),
        -float(np.log10(max(p_value, 1e-300))), ("low", "medium", "high")[points], times, total, tuple(reasons),
        tuple(dict.fromkeys(source for source, _ in firsts)),
    )  # fmt: skip


def _new(one: NewLine) -> str:
    count = "1 line" if one.lines == 1 else f"{one.lines:,} lines"
    return f"{count} like this; the training period has none, in or outside of its sessions."


def _new_ko(one: NewLine) -> str:
    return f"이런 줄이 {one.lines:,}개 있습니다. 학습 기간에는 세션 안팎 어디에도 없었습니다."

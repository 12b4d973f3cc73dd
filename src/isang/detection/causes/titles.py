"""Titles of incidents: what happened, how often, since when, where, and how normal that was before."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from isang.formatting import printable

Language = Literal["en", "ko"]

MOST_CHARACTERS = 90
"""Of the line that a title speaks of."""
LEAST_WORDS = 4
"""Minimum number of words (with two letters) before a comma at which a line is cut."""
MOST_SOURCES = 2
"""More sources are counted, not named."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".log", ".txt", ".json", ".out")

_HEADS: dict[str, tuple[str, str]] = {
    "new": ("{line}", "{line}"),
    "slow": ("Slow: {line}", "느림: {line}"),
    "too_many": ("Too many: {line}", "너무 많음: {line}"),
    "crowd": ("Many at once: {line}", "한꺼번에 몰림: {line}"),
    "missing": ("Missing: {line}", "빠짐: {line}"),
    "out_of_order": ("In another order than usual: {line}", "평소와 다른 순서: {line}"),
    "unexpected": ("Not where it belongs: {line}", "있을 자리가 아님: {line}"),
    "rare": ("Rare: {line}", "드묾: {line}"),
    "unlike": ("Sessions like none before", "이전에 없던 모습의 세션"),
}


class IncidentFacts(NamedTuple):
    """What a title says."""

    kind: str
    template: str
    sessions: int
    since: datetime | None
    sources: Sequence[str]
    """The logs with the line that the title names; none where there is only one log anyway."""
    before: int
    """Normal sessions that were like that."""
    of: int
    """Normal sessions that were looked at."""


def title(told: IncidentFacts, language: Language) -> str:
    """One line that a person on call understands without knowing detectors."""
    head = _HEADS[told.kind][language == "ko"].format(line=headline(told.template))
    if language == "ko":
        since = f"{told.since:%H:%M}부터 " if told.since else ""
        where = f", {_where(told.sources, language)}" if told.sources else ""
        before = f"; 이전에는 정상 세션 {told.of:,}개 중 {f'{told.before:,}개' if told.before else '없음'}"
        return f"{head}: {since}세션 {told.sessions:,}개{where}{before if told.of else ''}"
    sessions = "session" if told.sessions == 1 else "sessions"
    when = "" if told.since is None else f" {'at' if told.sessions == 1 else 'since'} {told.since:%H:%M}"
    where = f", {_where(told.sources, language)}" if told.sources else ""
    before = f"; before, {f'{told.before:,}' if told.before else 'none'} of {told.of:,}"
    return f"{head}: {told.sessions:,} {sessions}{when}{where}{before if told.of else ''}"


def headline(template: str) -> str:
    """The line that a title names: what varies as …, cut behind its first clause or at MOST_CHARACTERS."""
    text = " ".join(printable(template.replace("<*>", "…")).split())
    for place, character in enumerate(text):
        if character in ",;" and len(_WORD.findall(text[:place])) >= LEAST_WORDS:
            text = text[:place]
            break
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS - 1].rsplit(" ", 1)[0].rstrip(" ….,:;") + " …"
    text = text.strip(" .,:;") or printable(template)
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() and first.islower() else text


def source_name(source: str) -> str:
    """The name of a log without the endings of files."""
    while source.lower().endswith(_ENDINGS):
        source = source.rpartition(".")[0]
    return source


def _where(sources: Sequence[str], language: Language) -> str:
    names = list(dict.fromkeys(source_name(source) for source in sources))
    if language == "ko":
        if len(names) > MOST_SOURCES:
            return f"로그 {len(names):,}개에서"
        return f"{', '.join(names)}에서"
    if len(names) > MOST_SOURCES:
        return f"in {len(names):,} logs"
    return f"in {' and '.join(names)}"

"""Sessions by the number of a process or connection in the head of each line, as in `sshd[4711]:` or ` [4711] `.

Such numbers are not unique identifiers, since they are reused. But if nearly every line has one at the same position,
and each occurs only in a short stretch of lines, they separate the connections that a server handles concurrently.
"""

import polars as pl

from isang.languages import Both
from isang.logs.sessions import prediction
from isang.logs.sessions.rule import SessionRule

_PLACES = (
    (
        Both("process number behind the program", "프로그램 이름 뒤의 프로세스 번호"),
        r"^.{0,80}?[A-Za-z)]\[([0-9]{1,7})\]",
    ),
    (Both("number in brackets", "대괄호 안의 번호"), r"^.{0,60}?\s\[([0-9]{1,7})\]\s"),
)
_MIN_COVERAGE = 0.9
"""Lines without the number would be in no session."""
_MIN_GROUPS, _MIN_LINES_EACH, _MIN_JOINED = 20, 2.0, 0.7
_MAX_SPAN, _MAX_GROUP_SHARE = 0.1, 0.1
"""A worker's number comes throughout, a connection's in a short stretch."""
_SILENCE = 3600.0
"""Seconds after which the same number is another process."""


def propose_process(sample: pl.DataFrame) -> SessionRule | None:
    """A rule of kind key, or None if no number in the head of the lines makes sessions.

    `sample` as in `propose_key`.
    """
    sample = sample.sort("time", nulls_last=True, maintain_order=True)
    for name, pattern in _PLACES:
        found = sample.select(
            "source", row=pl.int_range(pl.len(), dtype=pl.Int64), key=pl.col("text").str.extract(pattern)
        ).drop_nulls("key")
        if found.height < _MIN_COVERAGE * sample.height:
            continue
        groups = found.group_by("source", "key").agg(lines=pl.len(), span=pl.col("row").max() - pl.col("row").min())
        if _are_sessions(groups, sample.height) and _predicts(found, sample):
            share, each = f"{found.height / sample.height:.0%}", f"{found.height / groups.height:.1f}"
            return SessionRule(
                "key",
                f"no identifier groups the lines, but the {name.en} does: {share} of the {sample.height:,} lines "
                f"looked at, {groups.height:,} sessions of {each} lines each",
                f"줄을 묶는 식별자는 없지만 {name.ko}로 묶을 수 있습니다: 살펴본 {sample.height:,}줄 중 {share}, "
                f"세션 {groups.height:,}개, 세션당 {each}줄",
                pattern=pattern, gap_seconds=_SILENCE, across_sources=False,
            )  # fmt: skip
    return None


def _are_sessions(groups: pl.DataFrame, lines: int) -> bool:
    """Many small groups, each in a stretch of its own."""
    if groups.height < _MIN_GROUPS or groups["lines"].sum() < _MIN_LINES_EACH * groups.height:
        return False
    span, largest = groups["span"].median(), groups["lines"].max()
    joined = (groups["lines"] > 1).mean()
    return bool(
        joined >= _MIN_JOINED and span <= _MAX_SPAN * lines and largest <= _MAX_GROUP_SHARE * lines  # type: ignore[operator]
    )


def _predicts(found: pl.DataFrame, sample: pl.DataFrame) -> bool:
    """Whether the previous line with the same number predicts a line at least as well as the previous line in the
    log."""
    head = sample.head(prediction.MAX_LINES)
    kinds = prediction.kinds_of(head["message"] if "message" in head.columns else head["text"])
    keys = found.filter(pl.col("row") < head.height).select("row", key=pl.concat_str("source", "key", separator=" "))
    return prediction.gain(kinds, head["source"], keys) >= 0

"""Differences between good and bad logs in words."""

from datetime import datetime
from typing import NamedTuple

from isang.detection.causes.titles import headline
from isang.formatting import printable

HALVES = -1


class DifferenceFacts(NamedTuple):
    """What a title says."""

    kind: str
    template: str
    lines: int
    usual: float
    kinds: int
    """Kinds of lines that differ together."""
    good: int
    """Number of good logs; 0: not stated; HALVES: the log is compared with its own first half."""
    since: datetime | None
    before: str
    now: str


def told(seen: DifferenceFacts) -> tuple[str, str]:
    """One line in English and in Korean."""
    line = headline(seen.template)
    more = f" and {seen.kinds - 1:,} more {'kind' if seen.kinds == 2 else 'kinds'} of lines" if seen.kinds > 1 else ""
    more_ko = f" 외 {seen.kinds - 1:,}종" if seen.kinds > 1 else ""
    count = f"{seen.lines:,} {'line' if seen.lines == 1 else 'lines'}"
    since = f" since {seen.since:%H:%M:%S}" if seen.since else ""
    since_ko = f"{seen.since:%H:%M:%S}부터 " if seen.since else ""
    none, none_ko = _of_good(seen.good, everywhere=False)
    each, each_ko = _of_good(seen.good, everywhere=True)
    before_where, before_ko = ("in the first half", "앞 절반") if seen.good == HALVES else ("in good logs", "정상 로그")
    usual, now, before = f"{seen.usual:,.3g}", printable(seen.now)[:80], printable(seen.before)[:80]
    match seen.kind:
        case "missing":
            return f"Missing: {line}{more}{each}", f"빠짐: {line}{more_ko}{each_ko}"
        case "too_many" | "too_few":
            head, head_ko = ("Too many", "너무 많음") if seen.kind == "too_many" else ("Too few", "너무 적음")
            return (
                f"{head}: {line}: {count}; {before_where} {usual}",
                f"{head_ko}: {line}: {seen.lines:,}줄; {before_ko}에서는 {usual}줄",
            )
        case "value":
            return (
                f"New value “{now}” in: {line}: {count}{since}; {before_where} only {before}",
                f"새 값 “{now}”: {line}: {since_ko}{seen.lines:,}줄; {before_ko}에서는 {before}뿐",
            )
        case "number":
            return (
                f"Far too large, {now}: {line}: {count}{since}; {before_where} at most {before}",
                f"지나치게 큰 값 {now}: {line}: {since_ko}{seen.lines:,}줄; {before_ko}에서는 최대 {before}",
            )
        case "out_of_order":
            return f"In another place than {before_where}: {line}", f"{before_ko}와 다른 위치: {line}"
    other = f" ({before_where}: {headline(seen.before)})" if seen.before else none
    other_ko = f" ({before_ko}: {headline(seen.before)})" if seen.before else none_ko
    return f"{line}{more}: {count}{since}{other}", f"{line}{more_ko}: {since_ko}{seen.lines:,}줄{other_ko}"


def _of_good(good: int, *, everywhere: bool) -> tuple[str, str]:
    """That all of the good logs have it, or none does."""
    if not good:
        return "", ""
    if good == HALVES:
        return (
            ("; in the first half", "; 앞 절반에는 있음")
            if everywhere
            else ("; not in the first half", "; 앞 절반에는 없음")
        )
    if good == 1:
        return (
            ("; in the good log", "; 정상 로그에는 있음")
            if everywhere
            else ("; not in the good log", "; 정상 로그에는 없음")
        )
    if everywhere:
        return f"; in each of {good:,} good logs", f"; 정상 로그 {good:,}개에는 모두 있음"
    return f"; in none of {good:,} good logs", f"; 정상 로그 {good:,}개에는 없음"

"""Differences between good and bad logs in words."""

from datetime import datetime
from typing import NamedTuple

from isang.detection.causes.titles import headline
from isang.formatting import printable


class Seen(NamedTuple):
    """What a title says."""

    kind: str
    template: str
    lines: int
    usual: float
    kinds: int
    """Kinds of lines that differ together."""
    good: int
    """Good logs; 0: not said."""
    since: datetime | None
    before: str
    now: str


def told(seen: Seen) -> tuple[str, str]:
    """One line in English and in Korean."""
    line = headline(seen.template)
    more = f" and {seen.kinds - 1:,} more {'kind' if seen.kinds == 2 else 'kinds'} of lines" if seen.kinds > 1 else ""
    more_ko = f" 외 {seen.kinds - 1:,}종" if seen.kinds > 1 else ""
    count = f"{seen.lines:,} {'line' if seen.lines == 1 else 'lines'}"
    since = f" since {seen.since:%H:%M:%S}" if seen.since else ""
    since_ko = f"{seen.since:%H:%M:%S}부터 " if seen.since else ""
    none = _of_good("none", seen.good)
    none_ko = f"; 정상 로그 {seen.good:,}개에는 없음" if seen.good else ""
    usual, now, before = f"{seen.usual:,.3g}", printable(seen.now)[:80], printable(seen.before)[:80]
    match seen.kind:
        case "missing":
            where, where_ko = (
                _of_good("each", seen.good),
                f"; 정상 로그 {seen.good:,}개에는 모두 있음" if seen.good else "",
            )
            return f"Missing: {line}{more}{where}", f"빠짐: {line}{more_ko}{where_ko}"
        case "too_many" | "too_few":
            head, head_ko = ("Too many", "너무 많음") if seen.kind == "too_many" else ("Too few", "너무 적음")
            return (
                f"{head}: {line}: {count}; in good logs {usual}",
                f"{head_ko}: {line}: {seen.lines:,}줄; 정상 로그에서는 {usual}줄",
            )
        case "value":
            return (
                f"New value “{now}” in: {line}: {count}{since}; in good logs only {before}",
                f"새 값 “{now}”: {line}: {since_ko}{seen.lines:,}줄; 정상 로그에서는 {before}뿐",
            )
        case "number":
            return (
                f"Far too large, {now}: {line}: {count}{since}; in good logs at most {before}",
                f"지나치게 큰 값 {now}: {line}: {since_ko}{seen.lines:,}줄; 정상 로그에서는 최대 {before}",
            )
        case "out_of_order":
            return f"In another place than in good logs: {line}", f"정상 로그와 다른 위치: {line}"
    other = f" (in good logs: {headline(seen.before)})" if seen.before else none
    other_ko = f" (정상 로그: {headline(seen.before)})" if seen.before else none_ko
    return f"{line}{more}: {count}{since}{other}", f"{line}{more_ko}: {since_ko}{seen.lines:,}줄{other_ko}"


def _of_good(how_many: str, good: int) -> str:
    if not good:
        return ""
    return (
        f"; in {how_many} of {good:,} good {'log' if good == 1 else 'logs'}"
        if good > 1
        else ("; not in the good log" if how_many == "none" else "; in the good log")
    )

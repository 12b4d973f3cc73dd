"""Whether the number of templates is still growing: new ones in each tenth of the lines, and how they differ."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.languages import Both
from isang.logs.parsing.masks import SLOT
from isang.logs.templates.words import is_outcome, without_mark

LEAST_LINES = 200
"""In a log with fewer lines tenths say nothing."""
LEAST_NEW = 3
"""Minimum number of new templates in the last tenths for a report."""


def novelty(texts: Sequence[str], first_lines: NDArray[np.int64], starts: Sequence[int], lines: int) -> dict[str, Any]:
    """The content of `novelty` in meta.json.

    `texts` and `first_lines` (place among all lines) of the templates that are new; the logs begin at the places
    `starts`, which rise, and end at `lines`. A template counts in the tenth of the log that brought it.
    """
    bounds = np.array([*starts, lines], dtype=np.int64)
    log = np.clip(np.searchsorted(bounds, first_lines, side="right") - 1, 0, max(0, len(starts) - 1))
    length = np.diff(bounds)[log] if len(starts) else np.ones_like(first_lines)
    long = length >= LEAST_LINES
    tenth = (10 * (first_lines - bounds[log]) // np.maximum(length, 1)).astype(np.int64)
    by_tenths = np.bincount(tenth[long], minlength=10)[:10]
    late = np.flatnonzero(long & (tenth == 9)).tolist()
    early = [without_mark(text).split() for place, text in enumerate(texts) if place not in set(late)]
    behind = [_differs(without_mark(texts[place]).split(), early) for place in late]
    places = Counter(word for word in behind if word is not None)
    return {
        "by_tenths": by_tenths.tolist(),
        "differ_in_one_place": sum(word is not None for word in behind),
        "most_differ": [{"before": word, "templates": count} for word, count in places.most_common(3)],
        "examples": [texts[place] for place in late[:3]],
    }


def told(found: dict[str, Any]) -> Both | None:
    """One sentence for people where templates are still growing; None where they are not."""
    last = found["by_tenths"][-1]
    if last < LEAST_NEW:
        return None
    where = where_ko = ""
    if found["differ_in_one_place"] > 1:
        before, differ = found["most_differ"][0]["before"], f"{found['differ_in_one_place']:,}"
        where = f"; {differ} differ from another in one place, most behind {before!r}"
        where_ko = f" 그중 {differ}개는 다른 템플릿과 한 곳만 다르며, 가장 많은 것은 {before!r} 뒤가 다릅니다."
    example = found["examples"][0][:80]
    return Both(
        f"templates are still growing: {last:,} new ones in the last tenth of the lines, such as {example!r}{where}; "
        "lines like these will be new later too: give more logs, or mask what varies with --mask",
        f"템플릿이 아직 늘고 있습니다. 로그를 열로 나눈 마지막 구간에서 새 템플릿이 {last:,}개 나왔습니다"
        f"(예: {example!r}).{where_ko} 이런 줄은 앞으로도 처음 보는 줄이 되니, 로그를 더 주거나 달라지는 부분을 "
        "--mask로 가려 주세요",
    )


def _differs(words: Sequence[str], others: Sequence[Sequence[str]]) -> str | None:
    """What stands before the place in which the words alone differ from others; None where they differ in more."""
    for other in others:
        if len(other) == len(words):
            places = [place for place, pair in enumerate(zip(words, other, strict=True)) if pair[0] != pair[1]]
            if len(places) == 1 and not is_outcome(words[places[0]]) and not is_outcome(other[places[0]]):
                return words[places[0] - 1] if places[0] else SLOT
    return None

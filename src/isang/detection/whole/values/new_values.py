"""Values that a slot never had in the training period, where its values were few and stable.

Shapes: none; a slot is a row of `slots.parquet`, see isang.logs.templates.slots.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from isang.detection.whole.chance import poisson_or_more
from isang.logs.slots.slot_series import WORDS

LEAST_LINES = 20
"""A slot seen less often is ignored."""
LINES_PER_VALUE = 10
"""Minimum mean number of lines per value for a slot to have few values."""
DISPERSION = 2.0
"""Lines come in bursts: this many of them count as one occurrence."""
PRIOR_RATE, PRIOR_SLOTS = 0.01, 5
"""Prior rate of slots that get new values within half a training period, and its weight in slots."""
RARE = 0.05
"""New values up to this p-value are counted."""
LEAST_FAMILY = 3
"""Fewer known names are no numbered family."""
SHOWN_VALUES = 4
SHOWN_CHARACTERS = 60
_PLAIN = re.compile(r"(?:[^\W\d][\w.-]*[=:])?(?:[^\W\d_][^\W\d_-]*|[-+]?\d{1,3})")
"""Matches a word, or a number of up to three digits, alone or after a name: a state; others are identities or
places."""
_NUMBERED = re.compile(r"(.*[^\d.])(\d{1,6})")
_NAMED = re.compile(r"([^\W\d][\w.-]*)[=:]\S")


@dataclass(frozen=True)
class NewValue:
    """A value that a slot had in these logs and never in training."""

    event: int
    slot: int | None
    """None: a field of the line, which has a name."""
    name: str | None
    value: str
    lines: int
    """Number of examined lines with it."""
    known: tuple[str, ...]
    """The values of the training period, the most frequent first."""
    of: int
    """Lines of the training period that were looked at."""
    p_value: float
    """The chance that among as many slots one has such a value, where nothing has changed."""
    numbered: bool = False
    """It is the next of the known names, which differ in a number."""

    @property
    def shown_name(self) -> str | None:
        """The name of the value: a name contained in all values, as in `status=200`, else that of the slot."""
        named = {match[1] if (match := _NAMED.match(value)) else None for value in (self.value, *self.known)}
        within = named.pop() if len(named) == 1 else None
        return within or self.name

    @property
    def _place(self) -> int:
        return (self.slot or 0) // WORDS + 1

    @property
    def says(self) -> str:
        """One sentence."""
        known = ", ".join(map(_short, self.known[:SHOWN_VALUES]))
        if len(self.known) > SHOWN_VALUES:
            known += f" or one of {len(self.known) - SHOWN_VALUES:,} more"
        name = f"`{self.shown_name}`" if self.shown_name else f"the value in place {self._place}"
        count = "1 line" if self.lines == 1 else f"{self.lines:,} lines"
        return f"{name} is {_short(self.value)} in {count}; in {self.of:,} lines of the training period it was {known}."

    @property
    def says_ko(self) -> str:
        """The same in Korean."""
        known = ", ".join(map(_short, self.known[:SHOWN_VALUES]))
        if len(self.known) > SHOWN_VALUES:
            known += f" 외 {len(self.known) - SHOWN_VALUES:,}개"
        name = f"`{self.shown_name}`" if self.shown_name else f"{self._place}번째 자리의 값"
        return f"{name} = {_short(self.value)} ({self.lines:,}줄). 학습 기간 {self.of:,}줄에서는 {known}뿐이었습니다."


def with_few_values(slots: pl.DataFrame) -> pl.DataFrame:
    """The slots whose values are few, all of them known; high-cardinality slots say nothing.

    Nor does a field that has but one value, such as the number of a process: the next log may well have another.
    """
    few = (pl.col("lines") >= LEAST_LINES) & (pl.col("distinct") * LINES_PER_VALUE <= pl.col("lines"))
    varies = pl.col("slot").is_not_null() | (pl.col("distinct") > 1)
    return slots.filter(few & varies & (pl.col("values").list.len() == pl.col("distinct")))


def new_values(known: pl.DataFrame, seen: pl.DataFrame) -> list[NewValue]:
    """The values of `seen` slots that the `known` ones, of those `with_few_values`, never had; the rarest first.

    Slots that had new values in the second half of training are ignored. Their number shows how often values change
    here: a p-value is no lower than the probability that as many slots as here have new values.

    If nothing has changed, each of k lines with a value is among these m lines rather than the n of training with
    probability m / (m + n), so all of them are with (m / (m + n))^k; k is taken as lines / DISPERSION. It is corrected
    for the number of slots examined (Bonferroni).
    """
    stable = known.filter(~pl.col("growing"))
    rate = (len(known) - len(stable) + PRIOR_RATE * PRIOR_SLOTS) / (len(known) + PRIOR_SLOTS)
    both = stable.join(seen, on=["event", "slot", "name"], suffix="_now", nulls_equal=True)
    found = []
    for row in both.iter_rows(named=True):
        new = [
            (value, count)
            for value, count in zip(row["values_now"], row["counts_now"], strict=True)
            if value not in row["values"] and _tells(value, row)
        ]
        if not new or sum(count for _, count in new) == row["lines_now"] == 1 == row["distinct"]:
            continue
        lines = sum(count for _, count in new)
        chance = row["lines_now"] / (row["lines_now"] + row["lines"])
        p_value = min(1.0, len(both) * math.exp(max(1.0, lines / DISPERSION) * math.log(chance)))
        found.append(
            NewValue(
                row["event"],
                row["slot"],
                row["name"],
                new[0][0],
                lines,
                tuple(row["values"]),
                row["lines"],
                p_value,
                all(_is_next(value, row["values"]) for value, _ in new),
            )
        )
    expected = rate * float((2 * both["lines_now"] / both["lines"]).clip(0, 2).sum())
    by_chance = poisson_or_more(sum(one.p_value <= RARE for one in found), expected)
    return sorted((replace(one, p_value=max(one.p_value, by_chance)) for one in found), key=lambda one: one.p_value)


def _is_next(value: str, known: Sequence[str]) -> bool:
    """Whether a value goes on with a numbered family of names: `r9` behind `r1` to `r8`.

    The known ones differ in one number alone, whose values are dense, and the new number is near. Numbers alone may be
    codes.
    """
    matches = [_NUMBERED.fullmatch(one) for one in (value, *known)]
    if len(known) < LEAST_FAMILY or len({match and match[1] for match in matches}) != 1:
        return False
    number, *numbers = [int(match[2]) if match else 0 for match in matches]
    low, high = min(numbers), max(numbers)
    return matches[0] is not None and high - low < 2 * len(known) and low - len(known) <= number <= high + len(known)


def _tells(value: str, row: Mapping[str, Any]) -> bool:
    """Whether a new value may be a fault: a state, or a name in addition to known ones.

    If a slot had only one address, host or id, or has none of the known ones now, the logs come from another machine.
    """
    if _PLAIN.fullmatch(value):
        return True
    return row["distinct"] > 1 and any(one in row["values"] for one in row["values_now"])


def _short(value: str) -> str:
    value = value.rstrip(",;") or value
    return value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…"

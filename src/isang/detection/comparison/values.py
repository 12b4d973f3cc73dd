"""Values in the places of lines: one that is new where there were few, a number far outside what it was."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from isang.detection.comparison.differences import Difference
from isang.detection.comparison.families import Families
from isang.logs.event_records import EventRecords
from isang.logs.parsing.masks import SLOT
from isang.logs.templates.miner import slot_values

FEW = 5
"""A place with no more values than this in the good logs, each seen OFTEN times on average, takes few values."""
OFTEN = 10
FAR = 10.0
"""A number is far outside if it exceeds the largest of the good logs by this factor."""
MOST_LINES = 2_000
"""Maximum number of lines of a template examined in each run."""
PRIOR = {"value": 1.0, "number": 1.0}
"""Places with a value of this kind that a good log has and another has not, on average."""
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class _SlotPlace:
    """A slot of a template: by run, its values with the first record and the count of each."""

    event: int
    runs: tuple[dict[str, list[int]], ...]


def value_differences(records: EventRecords, families: Families, good: int) -> list[Difference]:
    """Values of the last run that the first `good` runs lack, in slots whose values are known.

    A single good log does not show which slots vary from run to run, so it takes two.
    """
    if good < 2:
        return []
    places = list(_places(records, good + 1))
    found = [(kind, place, *_new(kind, place.runs[:good], place.runs[good])) for kind in PRIOR for place in places]
    by_chance = {kind: _by_chance(kind, places, good) for kind in PRIOR}
    family_of = dict(zip(records.frame["event"].to_list(), families.of_record_N.tolist(), strict=True))
    differences = []
    for kind, place, value, before in found:
        if value is None:
            continue
        record, lines = place.runs[good][value]
        family = family_of[place.event]
        usual = float(families.counts_FR[family, :good].mean())
        chance = by_chance[kind] / lines
        differences.append(Difference(kind, family, lines, usual, chance, record, before, value))
    return differences


def _by_chance(kind: str, places: list[_SlotPlace], good: int) -> float:
    """How many places of a further good log have such a value."""
    count = 0
    for left_out in range(good):
        for place in places:
            others = tuple(run for number, run in enumerate(place.runs[:good]) if number != left_out)
            count += _new(kind, others, place.runs[left_out])[0] is not None
    return (PRIOR[kind] + count) / (good + 1)


def _new(kind: str, good: tuple[dict[str, list[int]], ...], bad: dict[str, list[int]]) -> tuple[str | None, str]:
    """(the most frequent value of `bad` that is strange in this way, what there was before)."""
    known = Counter({value: 0 for run in good for value in run})
    for run in good:
        known.update({value: count for value, (_, count) in run.items()})
    if not all(good) or sum(known.values()) < OFTEN:
        return None, ""
    if kind == "value":
        if len(known) > FEW or sum(known.values()) < OFTEN * len(known) or any(set(run) != set(known) for run in good):
            return None, ""
        shapes = {_DIGITS.sub("0", value) for value in known if not _bare(value)}
        strange = [value for value in bad if value not in known and _DIGITS.sub("0", value) not in shapes]
        if not set(bad) & set(known):  # another machine or user has another name everywhere
            return None, ""
        before = ", ".join(value for value, _ in known.most_common())
    else:
        numbers = [_number(value) for value in known]
        if None in numbers:
            return None, ""
        largest = max(abs(number) for number in numbers if number is not None)
        strange = [value for value in bad if (n := _number(value)) is not None and largest and abs(n) > FAR * largest]
        before = f"{largest:g}"
    return max(strange, key=lambda value: bad[value][1], default=None), before


def _bare(value: str) -> bool:
    """A number alone or behind its name, such as a status; other digits count things, as in client-83."""
    return value.rpartition("=")[2].isdigit()


def _number(value: str) -> float | None:
    return float(value) if _NUMBER.fullmatch(value) and len(value) < 16 else None


def _places(records: EventRecords, runs: int) -> Iterator[_SlotPlace]:
    """The slots of templates whose lines all runs have."""
    frame = records.frame.with_row_index("record").with_columns(place=pl.int_range(pl.len()).over("event", "run"))
    frame = frame.filter(pl.col("place") < MOST_LINES)
    slotted = records.templates.filter(pl.col("template").str.contains(SLOT, literal=True))
    for event, template in slotted.select("event", "template").iter_rows():
        own = frame.filter(pl.col("event") == event)
        if own["run"].n_unique() < runs:
            continue
        taken: list[list[dict[str, list[int]]]] = []
        for record, run, message in own.select("record", "run", "message").iter_rows():
            values = slot_values(template, message)
            for number, value in enumerate(values or ()):
                while len(taken) <= number:
                    taken.append([{} for _ in range(runs)])
                taken[number][run].setdefault(value, [record, 0])[1] += 1
        for slot in taken:
            yield _SlotPlace(event, tuple(slot))

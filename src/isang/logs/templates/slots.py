"""What stands in the slots of templates: names where the text gives them, and bounded statistics of values."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import polars as pl

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.miner import slot_values

MOST_MESSAGES = 5_000
"""So many messages are looked at, spread over the beginnings of the logs."""
MOST_VALUES = 5
SLOTS_SCHEMA = pl.Schema(
    {
        "event": pl.Int32(), "slot": pl.Int32(), "name": pl.String(), "lines": pl.Int64(), "distinct": pl.Int64(),
        "values": pl.List(pl.String()), "counts": pl.List(pl.Int64()), "low": pl.Float64(), "high": pl.Float64(),
        "growing": pl.Boolean(),
    }
)  # fmt: skip
_MAX_CHARACTERS = 100
_NAME = re.compile(r"([^\W\d][\w.-]*)['\"]?\s*[=:]?\s*['\"\[(<{#]*$")
_SECRET = re.compile(r"(?i)passw|secret|token|credential|api.?key|authori[sz]ation|cookie|private")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def slots_of(templates: Mapping[int, str], messages: Iterable[tuple[int, str]]) -> pl.DataFrame:
    """A row for each slot of the templates that messages (event, raw text) were seen of, SLOTS_SCHEMA.

    `values` are the most frequent ones with their `counts`; none for slots whose name speaks of a secret. `low` and
    `high` where all are numbers. `growing`: the second half of the lines brought values that the first half has not.
    """
    seen: dict[tuple[int, int], list[str]] = defaultdict(list)
    for event, message in messages:
        for slot, value in enumerate(slot_values(templates[event], message) or ()):
            seen[event, slot].append(value[:_MAX_CHARACTERS])
    rows = [_row(event, slot, names(templates[event])[slot], values) for (event, slot), values in sorted(seen.items())]
    return pl.DataFrame(rows, schema=SLOTS_SCHEMA, orient="row")


def names(template: str) -> list[str | None]:
    """The name of each slot: the word before it, as in `user=<*>` and `from <*>`; None where there is none."""
    before = template.split(SLOT)[:-1]
    found = [_NAME.search(text.rstrip()) for text in before]
    return [None if match is None else match[1] for match in found]


def _row(event: int, slot: int, name: str | None, values: list[str]) -> tuple[object, ...]:
    counts = Counter(values).most_common()
    numbers = [float(value) for value in values if _NUMBER.fullmatch(value)]
    all_numbers = len(numbers) == len(values)
    half = len(values) // 2
    growing = len(values) > 3 and len(set(values[half:]) - set(values[:half])) > 0
    most = [] if name and _SECRET.search(name) else counts[:MOST_VALUES]
    return (
        event, slot, name, len(values), len(counts), [value for value, _ in most], [count for _, count in most],
        min(numbers) if all_numbers else None, max(numbers) if all_numbers else None, growing,
    )  # fmt: skip

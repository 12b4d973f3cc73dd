"""The slots of templates: their names, if the text gives them, and bounded statistics of their values."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import polars as pl

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.miner import slot_values

MOST_EVEN, MOST_FIRST, FIRST_OF_EACH = 32_768, 16_384, 8
"""Maximum numbers of messages examined: spread evenly over the logs, and the first of each kind."""
MOST_VALUES = 20
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
SLOTS_SCHEMA = pl.Schema(
    {
        "event": pl.Int32(), "slot": pl.Int32(), "name": pl.String(), "lines": pl.Int64(), "distinct": pl.Int64(),
        "values": pl.List(pl.String()), "counts": pl.List(pl.Int64()), "low": pl.Float64(), "high": pl.Float64(),
        "quantiles": pl.List(pl.Float64()), "growing": pl.Boolean(),
    }
)  # fmt: skip
MAX_CHARACTERS = 100
_NAME = re.compile(r"([^\W\d][\w.-]*)['\"]?\s*[=:]?\s*['\"\[(<{#]*$")
_MAX_MESSAGE = 2_000
SECRET = re.compile(r"(?i)passw|secret|token|credential|api.?key|authori[sz]ation|cookie|private")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


class Sampled(NamedTuple):
    """A message that is looked at."""

    number: int
    """Of its masked message, or its event."""
    message: str
    fields: str | None
    """A JSON object of texts: what else its line says."""
    source_index: int
    line: int
    """Where it stands."""


class SlotValues(NamedTuple):
    """What stood in a slot, in the order of the logs."""

    values: list[str]
    places: list[int]
    """Which of the messages each is of."""


Seen = dict[tuple[int, int | None, str | None], SlotValues]
"""By event, slot and name; fields have a name and no slot, slots have no name here."""


class SlotSample:
    """Messages from all parts of the logs, and some of each kind, in bounded memory."""

    def __init__(self) -> None:
        self._even: list[tuple[int, Sampled]] = []
        self._first: list[tuple[int, Sampled]] = []
        self._of_number: Counter[int] = Counter()
        self._step = 1  # one in this many of the evenly spread messages is kept
        self._drawn = self._added = 0

    def add(self, numbers: pl.Series, examples: pl.DataFrame, source_index: int) -> None:
        """`examples`: `even`, `message`, `fields`, `line`, see EXAMPLES_SCHEMA; `numbers`: of their masked messages."""
        columns = (examples[name].to_list() for name in ("even", "message", "fields", "line"))
        for number, even, message, fields, line in zip(numbers.to_list(), *columns, strict=True):
            one = Sampled(number, message[:_MAX_MESSAGE], fields, source_index, line)
            self._added += 1
            if even:
                self._drawn += 1
            if even and self._drawn % self._step == 0:
                self._even.append((self._added, one))
            elif self._of_number[number] < FIRST_OF_EACH and len(self._first) < MOST_FIRST:
                self._first.append((self._added, one))
            else:
                continue
            self._of_number[number] += 1
            if len(self._even) > MOST_EVEN:
                self._even, self._step = self._even[1::2], 2 * self._step

    def messages(self) -> list[Sampled]:
        """In the order of the logs."""
        return [one for _, one in sorted(self._even + self._first, key=itemgetter(0))]


def seen_values(templates: Mapping[int, str], messages: Iterable[Sampled]) -> Seen:
    """The values in the slots of the templates, and in the fields of the lines, from messages with their events."""
    found: Seen = {}
    for place, one in enumerate(messages):
        told = {} if one.fields is None else json.loads(one.fields)
        of_slots = enumerate(_values_in(templates[one.number], one.message))
        own = [((one.number, slot, None), value[:MAX_CHARACTERS]) for slot, value in of_slots]
        for key, value in [*own, *(((one.number, None, name), value) for name, value in told.items())]:
            kept = found.setdefault(key, SlotValues([], []))
            kept.values.append(value)
            kept.places.append(place)
    return found


def _values_in(template: str, message: str) -> list[str]:
    """As `slot_values`, also where a template has lost the quotes of a request line."""
    return slot_values(template, message) or slot_values(template, message.replace('"', "")) or []


def slots_of(templates: Mapping[int, str], seen: Seen, shown: Callable[[str], str] = str) -> pl.DataFrame:
    """A row for each slot of the templates of which values were seen, SLOTS_SCHEMA.

    And one for each of the fields of their lines, which has no `slot` but a name.

    `values` are the most frequent ones with their `counts`; none for slots whose name speaks of a secret. `low`, `high`
    and `quantiles` (QUANTILES) where all are numbers. `growing`: the second half of the lines
    brought values that the first half has not. `shown` takes secrets out of a value.
    """
    rows = []
    for event, slot, name in in_order(seen):
        named = name if slot is None else names(templates[event])[slot]
        rows.append(slot_row(event, slot, named, seen[event, slot, name].values, shown))
    return pl.DataFrame(rows, schema=SLOTS_SCHEMA, orient="row")


def in_order(seen: Seen) -> list[tuple[int, int | None, str | None]]:
    """The slots by event and number, followed by the fields by event and name."""
    return sorted(seen, key=lambda key: (key[1] is None, key[0], key[1] or 0, key[2] or ""))


def names(template: str) -> list[str | None]:
    """The name of each slot: the word before it, as in `user=<*>` and `from <*>`; None if there is none."""
    before = template.split(SLOT)[:-1]
    found = [_NAME.search(text.rstrip()) for text in before]
    return [None if match is None else match[1] for match in found]


def slot_row(
    event: int, slot: int | None, name: str | None, values: Sequence[str], shown: Callable[[str], str]
) -> tuple[object, ...]:
    """A row of SLOTS_SCHEMA."""
    counts = Counter(values).most_common()
    numbers = [float(value) for value in values if _NUMBER.fullmatch(value)]
    all_numbers = len(numbers) == len(values)
    half = len(values) // 2
    growing = len(values) > 3 and len(set(values[half:]) - set(values[:half])) > 0
    quantiles = np.quantile(numbers, QUANTILES).tolist() if all_numbers else None
    most = [] if name and SECRET.search(name) else counts[:MOST_VALUES]
    return (
        event, slot, name, len(values), len(counts), [shown(value) for value, _ in most], [count for _, count in most],
        min(numbers) if all_numbers else None, max(numbers) if all_numbers else None, quantiles, growing,
    )  # fmt: skip

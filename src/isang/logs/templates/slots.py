"""What stands in the slots of templates: names where the text gives them, and bounded statistics of values."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter

import numpy as np
import polars as pl

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.miner import slot_values

MOST_EVEN, MOST_FIRST, FIRST_OF_EACH = 32_768, 16_384, 8
"""So many messages are looked at: spread evenly over the logs, and the first of each kind."""
MOST_VALUES = 20
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
SLOTS_SCHEMA = pl.Schema(
    {
        "event": pl.Int32(), "slot": pl.Int32(), "name": pl.String(), "lines": pl.Int64(), "distinct": pl.Int64(),
        "values": pl.List(pl.String()), "counts": pl.List(pl.Int64()), "low": pl.Float64(), "high": pl.Float64(),
        "quantiles": pl.List(pl.Float64()), "growing": pl.Boolean(),
    }
)  # fmt: skip
_MAX_CHARACTERS = 100
_NAME = re.compile(r"([^\W\d][\w.-]*)['\"]?\s*[=:]?\s*['\"\[(<{#]*$")
_MAX_MESSAGE = 2_000
_SECRET = re.compile(r"(?i)passw|secret|token|credential|api.?key|authori[sz]ation|cookie|private")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


class SlotSample:
    """Messages from all parts of the logs, and some of each kind, in bounded memory."""

    def __init__(self) -> None:
        self._even: list[tuple[int, int, str, str | None]] = []  # (place, number, message, fields)
        self._first: list[tuple[int, int, str, str | None]] = []
        self._of_number: Counter[int] = Counter()
        self._step = 1  # of the even ones that are drawn one in so many is kept
        self._drawn = self._added = 0

    def add(self, numbers: pl.Series, examples: pl.DataFrame) -> None:
        """`examples`: `even`, `message`, `fields`, see EXAMPLES_SCHEMA; `numbers`: of their masked messages."""
        columns = (examples[name].to_list() for name in ("even", "message", "fields"))
        for number, even, message, fields in zip(numbers.to_list(), *columns, strict=True):
            self._added += 1
            if even:
                self._drawn += 1
            if even and self._drawn % self._step == 0:
                self._even.append((self._added, number, message[:_MAX_MESSAGE], fields))
            elif self._of_number[number] < FIRST_OF_EACH and len(self._first) < MOST_FIRST:
                self._first.append((self._added, number, message[:_MAX_MESSAGE], fields))
            else:
                continue
            self._of_number[number] += 1
            if len(self._even) > MOST_EVEN:
                self._even, self._step = self._even[1::2], 2 * self._step

    def messages(self) -> Iterator[tuple[int, str]]:
        """(number, message) in the order of the logs."""
        return ((number, message) for _, number, message, _ in self._in_order())

    def fields(self) -> Iterator[tuple[int, str]]:
        """(number, JSON object) of those whose lines have further fields, in the order of the logs."""
        return ((number, fields) for _, number, _, fields in self._in_order() if fields is not None)

    def _in_order(self) -> list[tuple[int, int, str, str | None]]:
        return sorted(self._even + self._first, key=itemgetter(0))


def slots_of(
    templates: Mapping[int, str],
    messages: Iterable[tuple[int, str]],
    shown: Callable[[str], str] = str,
    fields: Iterable[tuple[int, str]] = (),
) -> pl.DataFrame:
    """A row for each slot of the templates that messages (event, raw text) were seen of, SLOTS_SCHEMA.

    And one for each of the `fields` (event, JSON object of texts) of their lines, which has no `slot` but a name.

    `values` are the most frequent ones with their `counts`; none for slots whose name speaks of a secret. `low`, `high`
    and `quantiles` (QUANTILES) where all are numbers. `growing`: the second half of the lines
    brought values that the first half has not. `shown` takes secrets out of a value.
    """
    seen: dict[tuple[int, int], list[str]] = defaultdict(list)
    of_field: dict[tuple[int, str], list[str]] = defaultdict(list)
    for event, message in messages:
        for slot, value in enumerate(slot_values(templates[event], message) or ()):
            seen[event, slot].append(value[:_MAX_CHARACTERS])
    for event, told in fields:
        for name, value in json.loads(told).items():
            of_field[event, name].append(value)
    rows = [
        _row(event, slot, names(templates[event])[slot], values, shown)
        for (event, slot), values in sorted(seen.items())
    ]
    rows += [_row(event, None, name, values, shown) for (event, name), values in sorted(of_field.items())]
    return pl.DataFrame(rows, schema=SLOTS_SCHEMA, orient="row")


def names(template: str) -> list[str | None]:
    """The name of each slot: the word before it, as in `user=<*>` and `from <*>`; None where there is none."""
    before = template.split(SLOT)[:-1]
    found = [_NAME.search(text.rstrip()) for text in before]
    return [None if match is None else match[1] for match in found]


def _row(
    event: int, slot: int | None, name: str | None, values: list[str], shown: Callable[[str], str]
) -> tuple[object, ...]:
    counts = Counter(values).most_common()
    numbers = [float(value) for value in values if _NUMBER.fullmatch(value)]
    all_numbers = len(numbers) == len(values)
    half = len(values) // 2
    growing = len(values) > 3 and len(set(values[half:]) - set(values[:half])) > 0
    quantiles = np.quantile(numbers, QUANTILES).tolist() if all_numbers else None
    most = [] if name and _SECRET.search(name) else counts[:MOST_VALUES]
    return (
        event, slot, name, len(values), len(counts), [shown(value) for value, _ in most], [count for _, count in most],
        min(numbers) if all_numbers else None, max(numbers) if all_numbers else None, quantiles, growing,
    )  # fmt: skip

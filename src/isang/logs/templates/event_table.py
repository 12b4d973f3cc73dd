"""Masked messages to events, by way of small numbers for distinct messages."""

from array import array

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.rules import Rules
from isang.logs.store import TEMPLATES_SCHEMA
from isang.logs.templates.miner import OVERFLOW, TemplateIndex, TemplateMiner, shortened
from isang.logs.templates.refinement import refined

MAX_REMEMBERED_BYTES = 128 << 20
"""Distinct masked messages are remembered up to about this size; then the memory starts anew."""
_BYTES_PER_MESSAGE = 150
"""What remembering a message takes beside its text."""


def numbered(values: pl.Series, distinct: pl.Series, numbers: pl.Series) -> pl.Series:
    """The number of each value; `numbers` is parallel to `distinct`."""
    if values.is_empty():
        return pl.Series([], dtype=numbers.dtype)
    return values.replace_strict(distinct, numbers, return_dtype=numbers.dtype)


class EventTable:
    """Numbers distinct masked messages while they are read; `finish` says which event each number is.

    Known templates are only matched. What matches none of them is learned by a miner of its own.
    """

    def __init__(self, rules: Rules) -> None:
        self._known = rules.templates
        self._max_words = rules.template_words
        self._index = TemplateIndex(self._known["template"].to_list(), self._known["event"].to_list())
        self._miner = TemplateMiner(
            similarity=rules.similarity, depth=rules.tree_depth, max_templates=rules.max_templates
        )
        self._first_new = int(self._known["event"].max() or 0) + 1 if self._known.height else 0  # type: ignore[arg-type]
        self._events = array("i")  # by number; what no known template fits counts from _first_new, as mined
        self._numbers: dict[str, int] = {}  # of the remembered messages
        self._shared: dict[int, int] = {}  # by event, see _new_number
        self._levels: dict[int, str] = {}  # of the remembered messages: the level of the first line that has one
        self._mined_levels: dict[int, str] = {}  # the same by event, of the messages that were forgotten
        self._bytes = 0

    def number(self, masked: pl.Series, levels: pl.Series) -> pl.Series:
        """The numbers (i32) of masked messages."""
        distinct = masked.unique(maintain_order=True)
        numbers = pl.Series([self._number_one(text) for text in distinct.to_list()], dtype=pl.Int32)
        result = numbered(masked, distinct, numbers)
        seen = pl.DataFrame({"number": result, "level": levels}).drop_nulls().unique("number", keep="first")
        for number, level in seen.iter_rows():
            self._levels.setdefault(number, level)
        if self._bytes > MAX_REMEMBERED_BYTES:
            self._forget()
        return result

    def _number_one(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = self._new_number(shortened(text, self._max_words))
            self._bytes += len(text) + _BYTES_PER_MESSAGE
        return number

    def _new_number(self, message: str) -> int:
        """The number of a message that is not remembered; those whose event is settled already share one by event."""
        known = self._index.match(message)
        event = self._first_new + self._miner.learn([message])[0] if known is None else known
        settled = known is not None or event == self._first_new + self._miner.overflow
        if settled and event in self._shared:
            return self._shared[event]
        self._events.append(event)
        if settled:
            self._shared[event] = len(self._events) - 1
        return len(self._events) - 1

    def _forget(self) -> None:
        for number, level in sorted(self._levels.items()):
            self._mined_levels.setdefault(self._events[number], level)
        self._levels.clear()
        self._numbers.clear()
        self._bytes = 0

    def finish(self) -> tuple[NDArray[np.int32], pl.DataFrame]:
        """(event by number, templates without their counts).

        The templates that the miner found are refined, and the remembered messages matched against the outcome, so
        that matching later gives the same events. New events are in the order of their first message.
        """
        events = np.array(self._events, dtype=np.int32)
        mined = self._miner.texts()
        messages = self._remembered(mined)
        texts = self._texts(messages, mined)
        rest = events >= self._first_new
        rest[list(messages)] = False  # forgotten, or OVERFLOW: they keep what the miner found
        kept, first = np.unique(events[rest], return_index=True)
        first_numbers = np.flatnonzero(rest)[first]
        named = [
            *texts.items(),
            *((int(n), mined[e - self._first_new]) for n, e in zip(first_numbers, kept, strict=True)),
        ]
        new = list(dict.fromkeys(text for _, text in sorted(named)))
        event_of = {text: self._first_new + position for position, text in enumerate(new)}

        final = np.zeros(len(mined), dtype=np.int32)
        final[kept - self._first_new] = [event_of[mined[event - self._first_new]] for event in kept]
        levels = {
            int(final[event - self._first_new]): level for event, level in self._mined_levels.items() if event in kept
        }
        events[rest] = final[events[rest] - self._first_new]
        index = TemplateIndex(new)
        for number, words in messages.items():
            found = index.match(" ".join(words))
            events[number] = event_of[texts[number]] if found is None else self._first_new + found
        for number, level in sorted(self._levels.items()):
            levels.setdefault(int(events[number]), level)
        return events, self._templates(event_of, levels)

    def _remembered(self, mined: list[str]) -> dict[int, list[str]]:
        """{number: words} of the remembered messages that no known template fits and that are not OVERFLOW."""
        found = {}
        for text, number in self._numbers.items():
            event = self._events[number] - self._first_new
            if event >= 0 and mined[event] != OVERFLOW:
                found[number] = shortened(text, self._max_words).split()
        return found

    def _texts(self, messages: dict[int, list[str]], mined: list[str]) -> dict[int, str]:
        """{number: template}; refined, unless the table is full, which more templates would overfill."""
        if OVERFLOW in mined[-1:]:
            return {number: mined[self._events[number] - self._first_new] for number in messages}
        groups: dict[int, list[int]] = {}
        for number in messages:
            groups.setdefault(self._events[number], []).append(number)
        texts: dict[int, str] = {}
        for group in groups.values():
            texts.update(zip(group, refined([messages[number] for number in group]), strict=True))
        return texts

    def _templates(self, event_of: dict[str, int], levels: dict[int, str]) -> pl.DataFrame:
        new = pl.DataFrame(
            {
                "event": list(event_of.values()),
                "template": list(event_of),
                "level": [levels.get(event) for event in event_of.values()],
                "count": [0] * len(event_of),
            },
            schema=TEMPLATES_SCHEMA,
        )
        return pl.concat([self._known.select(TEMPLATES_SCHEMA.names()), new])

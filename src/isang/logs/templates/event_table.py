"""Masked messages to events, by way of small numbers for distinct messages."""

from array import array
from collections import Counter, defaultdict
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.redaction import without_secrets
from isang.logs.rules import Rules
from isang.logs.store import TEMPLATES_SCHEMA
from isang.logs.templates.agreement import with_shared_values
from isang.logs.templates.bracketed import with_bracketed_values
from isang.logs.templates.miner import OVERFLOW, TemplateIndex, TemplateMiner, canonical, mined_words
from isang.logs.templates.novelty import novelty
from isang.logs.templates.optional_parts import MOST_LOOKED_AT, with_open_ends, without_optional_parts
from isang.logs.templates.refinement import Message, joined, refined
from isang.logs.templates.values import sentences_of_rare, values_in
from isang.logs.templates.words import core, marked, names_in, severity

MAX_REMEMBERED_BYTES = 128 << 20
"""Approximate maximum size of the cache of distinct masked messages; when exceeded, it is cleared."""
MOST_LINES_OF_RARE = 2
"""A template with at most this many lines that one with more lines matches is that one."""
_NEVER = 2**63 - 1
_BYTES_PER_MESSAGE = 150
"""What remembering a message takes beside its text."""


def numbered(values: pl.Series, distinct: pl.Series, numbers: pl.Series) -> pl.Series:
    """The number of each value; `numbers` is parallel to `distinct`."""
    if values.is_empty():
        return pl.Series([], dtype=numbers.dtype)
    return values.replace_strict(distinct, numbers, return_dtype=numbers.dtype)


class DistinctMessages(NamedTuple):
    """The different masked messages of successive lines, in the order of their first lines."""

    texts: pl.Series
    """The level, a tab and the message."""
    lines: NDArray[np.int64]
    """Number of lines with it."""
    first: NDArray[np.int64]
    """The places of the first and the last of them among these lines, from 0."""
    last: NDArray[np.int64]
    height: int
    """The number of lines."""


def distinct_messages(masked: pl.Series, levels: pl.Series) -> tuple[DistinctMessages, pl.Series]:
    """The different masked messages of lines, and which of them each line has (u32)."""
    labelled = levels.cast(pl.String).fill_null("") + "\t" + masked
    first = labelled.arg_unique()
    texts = labelled.gather(first)
    row_of = numbered(labelled, texts, pl.int_range(texts.len(), dtype=pl.UInt32, eager=True))
    rows = row_of.to_numpy()
    last = np.zeros(texts.len(), dtype=np.int64)
    last[rows] = np.arange(len(rows))  # the last index wins
    lines = np.bincount(rows, minlength=texts.len())
    return DistinctMessages(texts, lines, first.to_numpy().astype(np.int64), last, len(rows)), row_of


class _Text(NamedTuple):
    """A message or a template with how severe its level is, see `severity`."""

    severity: str
    text: str


class EventTable:
    """Numbers distinct masked messages while they are read; `finish` returns the event of each number.

    An event is a template with the severity of its level. Known templates are only matched; messages that match none
    are learned by a separate miner.
    """

    def __init__(self, rules: Rules) -> None:
        self._known = rules.templates
        self._max_words = rules.template_words
        self._index = TemplateIndex(*(self._known[name].to_list() for name in ("template", "event", "level")))
        self._miner = TemplateMiner(
            similarity=rules.similarity, depth=rules.tree_depth, max_templates=rules.max_templates
        )
        self._first_new = int(self._known["event"].max() or 0) + 1 if self._known.height else 0  # type: ignore[arg-type]
        self._events = array("i")  # by number; what no known template fits counts from _first_new, as grouped
        self._groups: dict[tuple[int, str], int] = {}  # {(id of the miner, severity): place}
        self._numbers: dict[str, int] = {}  # of the remembered masked messages with their level before them
        self._messages: dict[_Text, int] = {}  # the same for the text that their template is made from
        self._shared: dict[int, int] = {}  # by event, see _new_number
        self._levels: dict[int, str] = {}  # by number: of the first line that has one
        self._lines = array("q")  # by number: how many
        self._first_line, self._last_line = array("q"), array("q")  # by number: their places among all lines
        self._read = 0
        self._starts: list[int] = []  # places of the first lines of the logs
        self._bytes = 0
        self.redacted: Counter[str] = Counter()
        """Secrets in distinct messages that became slots, by the names of `redaction.PATTERNS`."""

    def number(self, masked: pl.Series, levels: pl.Series) -> pl.Series:
        """The numbers (i32) of masked messages."""
        distinct, row_of = distinct_messages(masked, levels)
        return self.learn(distinct).gather(row_of)

    def learn(self, distinct: DistinctMessages) -> pl.Series:
        """The number (i32) of each distinct message of further lines."""
        known = len(self._events)
        numbers = pl.Series([self._number_one(text) for text in distinct.texts.to_list()], dtype=pl.Int32)
        self._count(numbers.to_numpy(), distinct, len(self._events) - known)
        if self._bytes > MAX_REMEMBERED_BYTES:
            self._forget()
        return numbers

    def begin_log(self) -> None:
        """Say that the lines that come now are of another log."""
        self._starts.append(self._read)

    def novelty(self, events: NDArray[np.int32], templates: pl.DataFrame) -> dict[str, Any]:
        """How many templates are new in each tenth, of what `finish` gave; see novelty.py."""
        first = np.full(templates.height, self._read, dtype=np.int64)
        np.minimum.at(first, events, np.array(self._first_line, dtype=np.int64))
        new = first[self._known.height :]
        return novelty(templates["template"].to_list()[self._known.height :], new, self._starts or [0], self._read)

    def _count(self, numbers: NDArray[np.int32], distinct: DistinctMessages, new: int) -> None:
        """Count the lines of messages with these numbers, of which the last `new` were not there before."""
        for counts, start in ((self._lines, 0), (self._first_line, _NEVER), (self._last_line, 0)):
            counts.extend([start] * new)
        lines, first, last = (
            np.frombuffer(counts, dtype=np.int64) for counts in (self._lines, self._first_line, self._last_line)
        )
        np.add.at(lines, numbers, distinct.lines)
        np.minimum.at(first, numbers, self._read + distinct.first)
        np.maximum.at(last, numbers, self._read + distinct.last)
        self._read += distinct.height

    def _number_one(self, text: str) -> int:
        number = self._numbers.get(text)
        if number is None:
            level, _, masked = text.partition("\t")
            masked = without_secrets(masked, self.redacted)
            message = _Text(severity(level), canonical(masked, self._max_words))
            number = self._messages.get(message)
            if number is None:
                number = self._messages[message] = self._new_number(*message)
                self._bytes += len(message[1]) + _BYTES_PER_MESSAGE
            self._numbers[text] = number
            if level:
                self._levels.setdefault(number, level)
            self._bytes += len(text) + _BYTES_PER_MESSAGE
        return number

    def _new_number(self, severe: str, message: str) -> int:
        """The number of a message that is not remembered; those whose event is settled already share one by event."""
        event, settled = self._index.match(message, severe), True
        if event is None:
            mined = self._miner.learn([" ".join(mined_words(message.split()))])[0]
            settled = mined == self._miner.overflow
            group = (mined, "normal" if settled else severe)
            event = self._first_new + self._groups.setdefault(group, len(self._groups))
        if settled and event in self._shared:
            return self._shared[event]
        self._events.append(event)
        if settled:
            self._shared[event] = len(self._events) - 1
        return len(self._events) - 1

    def _forget(self) -> None:
        self._numbers.clear()
        self._messages.clear()
        self._bytes = 0

    def finish(self) -> tuple[NDArray[np.int32], pl.DataFrame]:
        """(event by number, templates without their counts).

        The templates that the miner found are refined, and the remembered messages matched against the outcome, so
        that matching later gives the same events. New events are in the order of their first message.
        """
        events = np.array(self._events, dtype=np.int32)
        if not len(events):
            return events, self._templates({}, {})
        mined = self._mined()
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
        named.sort()
        new = list(dict.fromkeys(text for _, text in named))
        event_of = {text: self._first_new + position for position, text in enumerate(new)}

        final = np.zeros(len(mined), dtype=np.int32)
        final[kept - self._first_new] = [event_of[mined[event - self._first_new]] for event in kept]
        events[rest] = final[events[rest] - self._first_new]
        index = TemplateIndex([text.text for text in new], levels=[text.severity for text in new])
        for number, message in messages.items():
            found = index.match(message.text, message.severity)
            events[number] = event_of[texts[number]] if found is None else self._first_new + found
        event_of = self._without_unused(events, new)
        levels: dict[int, str] = {}
        for number, level in sorted(self._levels.items()):
            levels.setdefault(int(events[number]), level)
        return events, self._templates(event_of, levels)

    def _without_unused(self, events: NDArray[np.int32], new: list[_Text]) -> dict[_Text, int]:
        """{template: event} for those used by some message; `events` are renumbered in place."""
        used = np.zeros(len(new), dtype=bool)
        used[events[events >= self._first_new] - self._first_new] = True
        place = np.cumsum(used) - 1
        events[events >= self._first_new] = self._first_new + place[events[events >= self._first_new] - self._first_new]
        return {text: self._first_new + int(place[n]) for n, text in enumerate(new) if used[n]}

    def _mined(self) -> list[_Text]:
        """Each group as the miner has it."""
        texts = self._miner.texts()
        return [_Text(severe, texts[mined]) for mined, severe in self._groups]

    def _remembered(self, mined: list[_Text]) -> dict[int, _Text]:
        """{number: message} of the remembered messages that no known template fits and that are not OVERFLOW."""
        found = {}
        for message, number in self._messages.items():
            event = self._events[number] - self._first_new
            if event >= 0 and mined[event].text != OVERFLOW:
                found[number] = message
        return found

    def _texts(self, messages: dict[int, _Text], mined: list[_Text]) -> dict[int, _Text]:
        """{number: template}; refined, unless the table is full, which more templates would overfill."""
        if any(group.text == OVERFLOW for group in mined):
            return {number: mined[self._events[number] - self._first_new] for number in messages}
        groups: dict[int, list[int]] = defaultdict(list)
        for number in messages:
            groups[self._events[number]].append(number)
        names = {name for message in messages.values() for name in names_in(message.text.split())}
        texts: dict[int, _Text] = {}
        values: set[str] = set()
        for group in groups.values():
            members = [self._message(number, messages[number]) for number in group]
            found = refined(members, names)
            values.update(values_in(found, [member.words for member in members]))
            severe = messages[group[0]].severity
            texts.update(zip(group, (_Text(severe, text) for text in found), strict=True))
        values -= names
        if values:
            for group in groups.values():
                if any(core(word) in values for number in group for word in texts[number].text.split(" ")):
                    members = [self._message(number, messages[number]) for number in group]
                    severe = messages[group[0]].severity
                    found = refined(members, names | values)
                    texts.update(zip(group, (_Text(severe, text) for text in found), strict=True))
        return self._joined(texts, messages, names | values)

    def _joined(self, texts: dict[int, _Text], messages: dict[int, _Text], names: set[str]) -> dict[int, _Text]:
        """The same, with templates merged that the miner kept in separate groups because of one position."""
        members: dict[_Text, list[int]] = defaultdict(list)
        for number, text in texts.items():
            members[text].append(number)
        became: dict[_Text, _Text] = {}
        for severe in sorted({text.severity for text in members}):
            own = [text for text in members if text.severity == severe]
            together = [
                Message(
                    text.text.split(),
                    sum(self._lines[number] for number in members[text]),
                    min(self._first_line[number] for number in members[text]),
                    max(self._last_line[number] for number in members[text]),
                )
                for text in own
            ]
            found = joined(together, names)
            of_text: dict[str, list[tuple[list[str], int]]] = defaultdict(list)
            for text, became_text in zip(own, found, strict=True):
                of_text[became_text] += (
                    (mined_words(messages[number].text.split()), self._lines[number])
                    for number in members[text][:MOST_LOOKED_AT]
                )
            ends = with_open_ends(of_text, names)
            found = [ends.get(text, text) for text in found]
            inside = with_bracketed_values(dict.fromkeys(found))
            found = [inside.get(text, text) for text in found]
            lines = Counter[str]()
            for own_text, message in zip(found, together, strict=True):
                lines[own_text] += message.lines
            shorter = without_optional_parts(lines, names)
            became.update(zip(own, (_Text(severe, shorter.get(text, text)) for text in found), strict=True))
        shared = {
            _Text(*one): _Text(*other)
            for one, other in with_shared_values(dict.fromkeys(became.values()), names).items()
        }
        texts = {number: shared.get(became[text], became[text]) for number, text in texts.items()}
        return self._without_rare(texts, messages)

    def _without_rare(self, texts: dict[int, _Text], messages: dict[int, _Text]) -> dict[int, _Text]:
        """The same, with rare templates replaced by what many of them have in common, and then by the most frequent
        template that matches their messages.

        Later lines would match that one too; without this, the first lines of an event would keep one of their own.
        """
        rare = [text for text, lines in self._lines_of(texts).items() if lines <= MOST_LINES_OF_RARE]
        became: dict[_Text, _Text] = {}
        for severe in sorted({text.severity for text in rare}):
            found = sentences_of_rare([text.text for text in rare if text.severity == severe])
            became.update((_Text(severe, text), _Text(severe, other)) for text, other in found.items())
        texts = {number: became.get(text, text) for number, text in texts.items()}
        lines = self._lines_of(texts)
        common = [text for text, count in lines.most_common() if count > MOST_LINES_OF_RARE]
        if not rare or not common:
            return texts
        index = TemplateIndex([text.text for text in common], levels=[text.severity for text in common])
        matched = {
            number: index.match(messages[number].text, text.severity)
            for number, text in texts.items()
            if lines[text] <= MOST_LINES_OF_RARE
        }
        return texts | {number: common[found] for number, found in matched.items() if found is not None}

    def _lines_of(self, texts: dict[int, _Text]) -> Counter[_Text]:
        lines = Counter[_Text]()
        for number, text in texts.items():
            lines[text] += self._lines[number]
        return lines

    def _message(self, number: int, message: _Text) -> Message:
        return Message(message.text.split(), self._lines[number], self._first_line[number], self._last_line[number])

    def _templates(self, event_of: dict[_Text, int], levels: dict[int, str]) -> pl.DataFrame:
        taken = set(self._known["template"])
        texts = []
        for severe, text in event_of:
            texts.append(marked(text, severe) if text in taken else text)
            taken.add(text)
        new = pl.DataFrame(
            {
                "event": list(event_of.values()),
                "template": texts,
                "level": [levels.get(event) for event in event_of.values()],
                "count": [0] * len(event_of),
            },
            schema=TEMPLATES_SCHEMA,
        )
        return pl.concat([self._known.select(TEMPLATES_SCHEMA.names()), new])

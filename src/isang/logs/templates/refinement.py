"""Splits templates that the miner merged too eagerly, where a few fixed words distinguish them."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.values import LEAST_VALUES, MOST_PAIRED, independent, may_be_value
from isang.logs.templates.words import (
    behind_name,
    core,
    has_words,
    in_brackets,
    is_failure_or_success,
    is_grammar,
    is_name,
    names_follow,
)

MAX_ALTERNATIVES = 6
"""A position with at most this many different words distinguishes events; with more, it is a slot."""
MANY_LINES = 50
"""Minimum number of lines to decide whether new words keep appearing."""
LATE = 0.6
"""A word is late whose first line is behind this share of the way from the first line of its group to the last."""
FEW_WORDS = 4
"""Minimum number of words to estimate how many more there are."""
OPEN = 0.3
"""A position is open (more words will follow) if at least this share of its words is late.

It is also open if the next line has a new word with this probability, estimated by the share of lines whose word occurs
only once (Good and Turing's estimate).
"""


LEAST_TOGETHER = 7
"""Minimum number of fixed words in a sentence and of different words at one of its places for these to be values."""
LINES_A_WORD = 2
"""Minimum number of lines for each of them."""
_WORDS = re.compile(r"[A-Za-z]{2,}")
_UNIT = re.compile(r"%|°?(?![A-Z]{3})[A-Za-zµΩ]{1,3}(?:/[a-z]+)?")
_NAMED = re.compile(r"[A-Za-z_][\w.-]*=")
_NUMBERED = re.compile(r"[A-Za-z][\w.-]*[\[(]<\*>[\])][:,;]?")


class Message(NamedTuple):
    """A distinct message."""

    words: Sequence[str]
    lines: int
    """Number of lines with it."""
    first: int
    last: int
    """The places of the first and the last of them among all lines."""


def refined(messages: Sequence[Message], names: Collection[str] = ()) -> list[str]:
    """The template of each message; the miner merged all of them, so they have one length and one level.

    `VM Started <*>` and `VM Paused <*>` are two events although the miner merges them to `VM <*> <*>`: a position with
    few different words, none of them a name, does not vary freely. Failure and success words are never merged.
    `names`: words that are names or values elsewhere in the log; a position with only such words is a slot.
    """
    templates = [""] * len(messages)
    open_groups: list[tuple[list[int], dict[int, str]]] = [(list(range(len(messages))), {})]
    while open_groups:
        group, slots = open_groups.pop()
        columns = [
            Counter(messages[member].words[place] for member in group) for place in range(len(messages[group[0]].words))
        ]
        places = [place for place, words in enumerate(columns) if len(words) > 1]
        slots = slots | _independent([messages[member] for member in group], places, columns)
        telling = [
            place
            for place in places
            if place not in slots and _tells_apart([messages[member] for member in group], place, columns, names)
        ]
        if telling:
            place = min(telling, key=lambda place: len(columns[place]))
            open_groups.extend((part, slots) for part in _parts(messages, group, place, lambda word: word))
            continue
        outcome = next((place for place in places if any(map(is_failure_or_success, columns[place]))), None)
        if outcome is not None:
            open_groups.extend(
                (part, slots)
                for part in _parts(messages, group, outcome, lambda word: word if is_failure_or_success(word) else SLOT)
            )
            continue
        text = " ".join(slots.get(place) or _slot_for(words) for place, words in enumerate(columns))
        if places and not has_words(text) and any(has_words(" ".join(messages[member].words)) for member in group):
            place = min(places, key=lambda place: len(columns[place]))
            open_groups.extend((part, slots) for part in _parts(messages, group, place, lambda word: word))
            continue
        for member in group:
            templates[member] = text
    return templates


def _independent(group: Sequence[Message], places: Sequence[int], columns: Sequence[Counter[str]]) -> dict[int, str]:
    """{place: its slot} of the places of few words that vary independently of others."""
    few = [
        place
        for place in places
        if len(columns[place]) <= MOST_PAIRED
        and (_of_several_names(columns[place]) or not any(map(_varies, columns[place])))
    ]
    if len(few) < 2:
        return {}
    found = independent([message.words for message in group], [message.lines for message in group], few)
    return {place: _slot_for(columns[place]) for place in found if not any(map(_is_named_state, columns[place]))}


def _is_named_state(word: str) -> bool:
    """Whether a word is a name and a value that tells what is the case: `state=idle`."""
    return _NAMED.match(word) is not None and SLOT not in word and behind_name(word) == word


def _slot_for(words: Collection[str]) -> str:
    """The template's part for these words: the word itself, `name=<*>` if all have one name, or a slot."""
    kinds = set(words) if len(words) == 1 else set(map(behind_name, words))
    if len(kinds) > 1:
        kinds = set(map(in_brackets, kinds))
    return next(iter(kinds)) if len(kinds) == 1 else SLOT


def _parts(messages: Sequence[Message], group: list[int], place: int, kind: Callable[[str], str]) -> list[list[int]]:
    parts: dict[str, list[int]] = {}
    for member in group:
        parts.setdefault(kind(messages[member].words[place]), []).append(member)
    return list(parts.values())


def _tells_apart(group: Sequence[Message], place: int, columns: Sequence[Counter[str]], names: Collection[str]) -> bool:
    words = columns[place]
    if all(core(word) in names for word in words):
        return False
    if len(words) > MAX_ALTERNATIVES:
        return False
    if _of_several_names(words) or _of_both_directions(words):
        return True
    if any(_varies(word) for word in words):
        return False
    if len(set(map(behind_name, words))) == 1 and any(SLOT in word for word in words):
        return False
    if len(words) >= FEW_WORDS and all(map(_NUMBERED.fullmatch, words)) and all(map(may_be_value, words)):
        return False
    if len(set(map(in_brackets, words))) == 1 and all(SLOT in word or may_be_value(word) for word in words):
        return False
    kinds = set(map(behind_name, words))
    named = len(kinds) == 1 and kinds != set(words)
    if named and (len(words) >= FEW_WORDS or _meets_values_of_another_name(group, place, columns)):
        return False
    before = columns[place - 1] if place else {}
    if before and all(map(names_follow, before)) and not any(map(is_grammar, words)):
        return False
    if _is_one_of_several(group, place, columns) or _is_unit(place, columns):
        return False
    return not _is_open(group, place)


def _is_one_of_several(group: Sequence[Message], place: int, columns: Sequence[Counter[str]]) -> bool:
    """Whether several words that recur and tell nothing that is done stand at a place of an otherwise fixed sentence.

    What programs say instead of one another mostly comes in pairs, and mostly is a verb: `spawn`, `destroy`.
    """
    words = columns[place]
    if len(words) < LEAST_VALUES or not all(map(_may_be_one_of_several, words)):
        return False
    fixed = sum(len(_WORDS.findall(next(iter(column)))) for column in columns if len(column) == 1)
    return fixed + len(words) >= LEAST_TOGETHER and sum(message.lines for message in group) >= LINES_A_WORD * len(words)


def _may_be_one_of_several(word: str) -> bool:
    return may_be_value(word) and "=" not in word and not core(word).lower().endswith(("ed", "ing"))


def _meets_values_of_another_name(group: Sequence[Message], place: int, columns: Sequence[Counter[str]]) -> bool:
    """Whether each word behind a name meets several behind another: `user=ann database=a`, `user=ben database=b`."""
    for other, column in enumerate(columns):
        if other == place or len(column) < LEAST_VALUES or len(set(map(behind_name, column))) != 1:
            continue
        met: dict[str, set[str]] = {}
        for message in group:
            met.setdefault(message.words[place], set()).add(message.words[other])
        if min(map(len, met.values())) >= LEAST_VALUES:
            return True
    return False


def _is_unit(place: int, columns: Sequence[Counter[str]]) -> bool:
    """Whether only units of measurement stand behind a number."""
    before = columns[place - 1] if place else {}
    return set(before) == {SLOT} and all(_UNIT.fullmatch(core(word)) and may_be_value(word) for word in columns[place])


def _of_several_names(words: Collection[str]) -> bool:
    """Whether all are `name=value`, with several names."""
    found = [_NAMED.match(word) for word in words]
    return all(found) and len({match[0] for match in found if match}) > 1


def _of_both_directions(words: Collection[str]) -> bool:
    """Whether some words point one way and some the other: `[<*>]<`, `[<*>]>`."""
    signs = {word.replace(SLOT, "").strip("[](){}:,;") for word in words}
    return signs >= {"<", ">"} or signs >= {"<-", "->"}


def _is_open(group: Sequence[Message], place: int) -> bool:
    """Whether new words keep coming at a place."""
    first: dict[str, int] = {}
    for message in group:
        word = message.words[place]
        first[word] = min(message.first, first.get(word, message.first))
    begin, end = min(first.values()), max(message.last for message in group)
    late = sum(line - begin > LATE * (end - begin) for line in first.values())
    lines = Counter[str]()
    for message in group:
        lines[message.words[place]] += message.lines
    if len(first) >= FEW_WORDS and sum(count == 1 for count in lines.values()) >= OPEN * lines.total():
        return True
    return len(first) > 3 and late >= OPEN * len(first) and lines.total() >= MANY_LINES


def _varies(word: str) -> bool:
    """A name, a word with a digit, or one that is a slot but for punctuation."""
    rest = word.replace(SLOT, "")
    if is_name(word) or any(map(str.isdigit, rest)):
        return True
    return rest != word and (not any(map(str.isalpha, rest)) or rest.endswith("="))


def joined(messages: Sequence[Message], names: Collection[str] = ()) -> list[str]:
    """The templates, all of one level, merged if they differ in one position that distinguishes no events.

    This merges what the miner kept separate because of the first word, such as a host, or because of many slots.
    """
    merged = [list(message.words) for message in messages]
    for place in range(max(map(len, merged), default=0)):
        alike: dict[tuple[str, ...], list[int]] = {}
        for number, words in enumerate(merged):
            if place < len(words):
                alike.setdefault((*words[:place], *words[place + 1 :]), []).append(number)
        for rest, numbers in alike.items():
            if len(numbers) < 2 or not has_words(" ".join(rest)):
                continue
            group = [messages[number]._replace(words=merged[number]) for number in numbers]
            columns = [Counter(message.words[at] for message in group) for at in range(len(group[0].words))]
            outcome = any(map(is_failure_or_success, columns[place]))
            if len(columns[place]) > 1 and not outcome and not _tells_apart(group, place, columns, names):
                for number in numbers:
                    merged[number][place] = _slot_for(columns[place])
    return [" ".join(words) for words in merged]

"""Templates that differ in how many words a value has, or in a value in parentheses, are one."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, product
from math import prod

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.values import may_be_value
from isang.logs.templates.words import behind_name, core, has_words, is_failure_or_success

LEAST_TEMPLATES = 3
"""A word beside a slot is part of the value where it stands so in this many templates, each there without it too."""
LEAST_LINES = 12
"""A word beside a slot is part of the value if at least this many lines have it and as many do not."""
MOST_FORMS = 16
"""Maximum number of forms in which a template is looked up."""
REST = 3
"""Number of slots at the end of a template that together match any number of words."""
LEAST_TAILS = 12
"""Minimum number of lines with a unique end for the end to count as free text."""
MOST_LOOKED_AT = 100
"""Maximum number of messages of a template examined to decide whether its end is free text."""
_LONGEST_PREFIX = 16
_MOST_PARTS = 3  # maximum number of parts removed from one template, one after the other
_ANNOUNCES = ":-=(>"
_IN_PARENTHESES = re.compile(r" \(<\*>\)(?=[,;.]?(?: |$))")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z'-]*")


def relaxed(words: Sequence[str]) -> list[str]:
    """The words without values in parentheses, and a single slot for several in a row."""
    text = " ".join(words)
    if "(<*>)" in text:
        text = _IN_PARENTHESES.sub("", text)
    kept: list[str] = []
    for word in text.split():
        if word != SLOT or kept[-1:] != [SLOT]:
            kept.append(word)
    return kept


def with_fewer_slots(words: Sequence[str]) -> Iterator[list[str]]:
    """The `relaxed` words, also with more consecutive slots, if there are at most MOST_FORMS forms."""
    text = _IN_PARENTHESES.sub("", " ".join(words))
    runs = [(word, len(list(same))) for word, same in groupby(text.split())]
    lengths = [range(1, count + 1) if word == SLOT else (count,) for word, count in runs]
    if prod(map(len, lengths)) > MOST_FORMS:
        yield relaxed(words)
        return
    for counts in product(*lengths):
        yield [word for (word, _), count in zip(runs, counts, strict=True) for _ in range(count)]


def without_optional_parts(texts: Mapping[str, int], names: Collection[str]) -> dict[str, str]:
    """{template: new template} for those that change, all of one severity.

    `texts`: number of lines of each. `names`: words that are names or values elsewhere in the log: a name beside a slot
    is part of the value if there is a template with only the slot.
    """
    became = {text: text for text in texts}
    for _ in range(_MOST_PARTS):
        lines = Counter[str]()
        for text, other in became.items():
            lines[other] += texts[text]
        shorter = _without_a_part(lines, names)
        if not shorter:
            break
        became = {text: shorter.get(other, other) for text, other in became.items()}
    return {text: other for text, other in became.items() if other != text}


def _without_a_part(texts: Mapping[str, int], names: Collection[str]) -> dict[str, str]:
    became = _absorbed(texts, names)
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for text in texts:
        words = became.get(text, text).split(" ")
        together[tuple(relaxed(words))].append(text)
    for key, members in together.items():
        named = {became.get(text, text) for text in members}
        if len(named) > 1 and has_words(" ".join(key)):
            # without parentheses it matches all; the most slots, so that each value has one
            best = max(named, key=lambda text: ("(<*>)" not in text, text.count(SLOT), text))
            became.update(dict.fromkeys(members, best))
    return {text: other for text, other in became.items() if other != text}


def _absorbed(texts: Mapping[str, int], names: Collection[str]) -> dict[str, str]:
    """{template: the same with a slot for a word of a value}."""
    keys: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for text in texts:
        keys[tuple(relaxed(text.split(" ")))].append(text)
    keys_of: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    found = []
    for key in keys:
        for place, word in enumerate(key):
            if not _may_be_value(key, place, word):
                continue
            shorter = tuple(relaxed([*key[:place], SLOT, *key[place + 1 :]]))
            if shorter in keys and has_words(" ".join(shorter)):
                keys_of[word].add(shorter)
                found.append((key, word, shorter))
    became: dict[str, str] = {}
    for key, word, shorter in found:
        lines = min(sum(texts[text] for text in keys[one]) for one in (key, shorter))
        if core(word) in names or len(keys_of[word]) >= LEAST_TEMPLATES or (word.isalpha() and lines >= LEAST_LINES):
            longer = max((_with_slot(text, word, shorter) for text in keys[key]), key=lambda text: text.count(SLOT))
            became.update(dict.fromkeys(keys[key], longer))
            became.update((text, longer) for text in keys[shorter] if text.count(SLOT) < longer.count(SLOT))
    return became


def _with_slot(text: str, word: str, shorter: tuple[str, ...]) -> str:
    """The text with a slot for the word that makes it `shorter` but for its slots in a row."""
    words = text.split(" ")
    places = (place for place, other in enumerate(words) if other == word)
    found = ([*words[:place], SLOT, *words[place + 1 :]] for place in places)
    return next(" ".join(other) for other in found if tuple(relaxed(other)) == shorter)


def _may_be_value(key: Sequence[str], place: int, word: str) -> bool:
    beside = (*key[max(0, place - 1) : place], *key[place + 1 : place + 2])
    return SLOT in beside and _PLAIN.fullmatch(core(word)) is not None and may_be_value(word)


def open_prefix(words: Sequence[str]) -> list[str] | None:
    """The part of a template before an open end (REST consecutive slots, which match any words); else None."""
    end = len(words)
    while end and words[end - 1] == SLOT:
        end -= 1
    return list(words[:end]) if end and len(words) - end >= REST else None


def with_open_ends(
    messages: Mapping[str, Iterable[tuple[Sequence[str], int]]], names: Collection[str]
) -> dict[str, str]:
    """{template: new template} for those, all of one severity, whose end is free text.

    `messages`: for each template the words of its messages, as many as the template has, with their line counts. After
    a beginning that announces something (`Product:`, `deprecated <*>:`, `unit -`) the text is free if most lines have a
    unique one, of several lengths. Failure and success words are kept. Beginnings that differ only in `names` and in
    the text after `name=` count as one.
    """
    of: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for text in messages:
        words = text.split(" ")
        told = [SLOT if core(word) in names else behind_name(word) for word in words]
        for length in range(1, min(len(words), _LONGEST_PREFIX + 1)):
            before = words[length - 1]
            if before != SLOT and before[-1] in _ANNOUNCES and not any(map(is_failure_or_success, words[length:])):
                of[tuple(told[:length])].append(text)
    became: dict[str, str] = {}
    for prefix, members in sorted(of.items(), key=lambda item: -len(item[0])):  # the longest beginning first
        left = [member for member in members if member not in became]
        if len(prefix) > 1 and not has_words(" ".join(prefix)):
            continue
        if _is_free(_tails([message for text in left for message in messages[text]], len(prefix))):
            became.update(dict.fromkeys(left, " ".join((*prefix, *[SLOT] * REST))))
    return became


def _tails(messages: Iterable[tuple[Sequence[str], int]], length: int) -> Counter[tuple[str, ...]]:
    """The number of lines with each tail after `length` words, for tails that contain words."""
    tails: Counter[tuple[str, ...]] = Counter()
    for words, lines in messages:
        tail = tuple(words[length:])
        if has_words(" ".join(tail)):
            tails[tail] += lines
    return tails


def _is_free(tails: Counter[tuple[str, ...]]) -> bool:
    alone = [tail for tail, count in tails.items() if count == 1]
    if len(alone) < LEAST_TAILS or 2 * len(alone) < tails.total():
        return False
    return len(set(map(len, alone))) > 1

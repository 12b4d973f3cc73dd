"""Templates that differ in how many words a value has, or in a value in parentheses, are one."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.words import has_words, is_failure_or_success, is_grammar, is_outcome

LEAST_TEMPLATES = 3
"""A word beside a slot is part of the value where it stands so in this many templates, each there without it too."""
REST = 3
"""So many slots at the end of a template fit any number of words."""
LEAST_TAILS = 12
"""So many lines with an end of their own make it free text."""
_LONGEST_PREFIX = 16
_ANNOUNCES = ":-=(>"
_IN_PARENTHESES = re.compile(r" \(<\*>\)(?=[,;.]?(?: |$))")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z'-]*")


def relaxed(words: Sequence[str]) -> list[str]:
    """The words without values in parentheses, and a single slot for several in a row."""
    text = " ".join(words)
    if "(<*>)" in text:
        text = _IN_PARENTHESES.sub("", text)
    kept: list[str] = []
    for word in text.split(" "):
        if word != SLOT or kept[-1:] != [SLOT]:
            kept.append(word)
    return kept


def without_optional_parts(texts: Collection[str], names: Collection[str]) -> dict[str, str]:
    """{template: what it becomes} of those of one severity that change.

    `names`: words that are names or values elsewhere in the log: a name beside a slot is part of the value where there
    is a template with the slot alone.
    """
    became = _absorbed(texts, names)
    together: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for text in texts:
        words = became.get(text, text).split(" ")
        together[tuple(relaxed(words))].append(text)
    for key, members in together.items():
        named = {became.get(text, text) for text in members}
        if len(named) > 1 and has_words(" ".join(key)):
            # without what is in parentheses it fits all; the most slots, so that each value has one
            best = max(named, key=lambda text: ("(<*>)" not in text, text.count(SLOT), text))
            became.update(dict.fromkeys(members, best))
    return {text: other for text, other in became.items() if other != text}


def _absorbed(texts: Collection[str], names: Collection[str]) -> dict[str, str]:
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
                found.append((key, place, word, shorter))
    became: dict[str, str] = {}
    for key, place, word, shorter in found:
        if word in names or len(keys_of[word]) >= LEAST_TEMPLATES:
            longer = " ".join((*key[:place], SLOT, *key[place + 1 :]))
            became.update(dict.fromkeys((*keys[key], *keys[shorter]), longer))
    return became


def _may_be_value(key: Sequence[str], place: int, word: str) -> bool:
    beside = (*key[max(0, place - 1) : place], *key[place + 1 : place + 2])
    return (
        SLOT in beside
        and _PLAIN.fullmatch(word) is not None
        and not (is_grammar(word) or is_outcome(word) or is_failure_or_success(word))
    )


def open_prefix(words: Sequence[str]) -> list[str] | None:
    """What stands before the end of a template that is open: REST slots in a row fit any words; else None."""
    end = len(words)
    while end and words[end - 1] == SLOT:
        end -= 1
    return list(words[:end]) if end and len(words) - end >= REST else None


def with_open_ends(lines: Mapping[str, int]) -> dict[str, str]:
    """{template: what it becomes} of those of one severity whose end is free text; `lines`: how many each has.

    Behind a beginning that announces something (`Product:`, `deprecated <*>:`, `unit -`) the text is free where most
    lines have one of their own, of several lengths. What tells of failure or success stays.
    """
    of: dict[tuple[str, ...], list[tuple[str, int, int]]] = defaultdict(list)
    for text, count in lines.items():
        words = text.split(" ")
        for length in range(2, min(len(words), _LONGEST_PREFIX + 1)):
            if words[length - 1][-1] in _ANNOUNCES and not any(map(is_failure_or_success, words[length:])):
                of[tuple(words[:length])].append((text, count, len(words)))
    became: dict[str, str] = {}
    for prefix, members in sorted(of.items(), key=lambda item: -len(item[0])):  # the longest beginning first
        left = [member for member in members if member[0] not in became]
        alone = sum(count == 1 for _, count, _ in left)
        free = alone >= LEAST_TAILS and 2 * alone >= sum(count for _, count, _ in left)
        if free and has_words(" ".join(prefix)) and len({length for *_, length in left}) > 1:
            became.update(dict.fromkeys((text for text, *_ in left), " ".join((*prefix, *[SLOT] * REST))))
    return became

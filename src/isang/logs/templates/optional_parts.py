"""Templates that differ in how many words a value has, or in a value in parentheses, are one."""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.words import has_words, is_failure_or_success, is_grammar, is_outcome

LEAST_TEMPLATES = 3
"""A word beside a slot is part of the value where it stands so in this many templates, each there without it too."""
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

"""Merges templates that differ only within one pair of brackets, if there are many such variants.

In a template two slots in brackets, `[<*> <*>]`, match any words there that are not outcome words.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.words import core, has_words, is_failure_or_success, is_outcome

LEAST_FORMS = 4
"""Minimum number of templates that differ only in brackets before the bracketed part counts as a value."""
ANY_WORDS = f"{SLOT} {SLOT}"
_INSIDE = re.compile(
    r"(?<=\[)[^\[\]]+(?=\])|(?<=\()[^()]+(?=\))|(?<=\{)[^{}]+(?=\})|(?<=<)(?!\*>)[^<>]*(?:<\*>[^<>]*)*(?=>)"
)
_OPEN = re.compile(r"(?<=[\[({<])<\*> <\*>(?=[\])}>])")
_OPEN_OR_SLOT = re.compile(rf"{_OPEN.pattern}|<\*>")
_PLACE = "\x00"


def with_bracketed_values(texts: Collection[str]) -> dict[str, str]:
    """{template: new template} for those that change, all of one severity; outcome words are kept."""
    forms: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        for around in _around(text):
            forms[around].append(text)
    became: dict[str, str] = {}
    for around, found in sorted(forms.items(), key=lambda item: -len(item[1])):
        left = [text for text in found if text not in became]
        varied = around.replace(_PLACE, SLOT) in left  # of which there are several forms already
        if len(left) + varied >= LEAST_FORMS:
            became.update(dict.fromkeys(left, around.replace(_PLACE, ANY_WORDS)))
    return {text: other for text, other in became.items() if text != other}


def closed(template: str) -> str | None:
    """A template whose brackets fit any words with one slot there; None for others."""
    single = _OPEN.sub(SLOT, template)
    return None if single == template else single


def with_one_slot(message: str) -> Iterator[str]:
    """The message with the content of one pair of brackets replaced by a slot, for each pair."""
    return (around.replace(_PLACE, SLOT) for around in _around(message))


def spread(template: str, values: list[str]) -> list[str]:
    """The slot values of `template` from those of `closed`: the second slot of a pair is empty."""
    rest = iter(values)
    return [
        value
        for slot in _OPEN_OR_SLOT.findall(template)
        for value in ([next(rest), ""] if " " in slot else [next(rest)])
    ]


def _around(text: str) -> Iterator[str]:
    """The text with _PLACE for the content of brackets, for each pair that may hold a value."""
    for match in _INSIDE.finditer(text):
        around = text[: match.start()] + _PLACE + text[match.end() :]
        if has_words(around.replace(_PLACE, "")) and not any(map(_tells, map(core, match[0].split(" ")))):
            yield around


def _tells(word: str) -> bool:
    return is_outcome(word) or is_failure_or_success(word)

"""Whether one wording contradicts another: it states the opposite, or the same about something else."""

import re
from collections.abc import Set
from functools import lru_cache

from isang.logs.templates.words import is_grammar, names_follow, without_mark

_PAIRS = (
    ("true", "fals"), ("yes", "no"), ("up", "down"), ("on", "off"), ("ok", "fail"), ("ok", "err"),
    ("succe", "fail"), ("succe", "err"), ("pass", "fail"), ("complet", "fail"), ("start", "stop"), ("begin", "end"),
    ("open", "clos"), ("accept", "reject"), ("accept", "refus"), ("accept", "declin"), ("allow", "deni"),
    ("allow", "deny"), ("allow", "block"), ("grant", "deni"), ("grant", "deny"), ("enab", "disab"),
    ("grant", "revok"), ("add", "remov"), ("creat", "delet"), ("creat", "destroy"), ("join", "left"),
    ("join", "leav"), ("acquir", "releas"), ("found", "miss"), ("found", "lost"), ("present", "absent"),
    ("resum", "suspend"), ("resum", "paus"), ("online", "offline"), ("attach", "detach"), ("login", "logout"),
    ("first", "last"), ("more", "less"), ("increas", "decreas"), ("rais", "lower"), ("aliv", "dead"),
    ("full", "empt"), ("before", "after"), ("push", "pop"), ("expand", "shrink"), ("grow", "shrink"),
    ("activ", "passiv"), ("primary", "secondary"), ("leader", "follower"), ("healthy", "sick"), ("fast", "slow"),
    ("green", "red"),
)  # fmt: skip
"""Beginnings of words that are opposites. The list is short and cannot be complete."""
_NEGATING = ("un", "in", "im", "dis", "de", "non", "mis")
"""Prefixes that turn a word into its opposite: `unavailable`, `invalid`, `disconnected`."""
_NO = frozenset({"no", "not", "never", "without", "cannot", "neither", "nor", "hardly"})
_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_STEMS = frozenset({"err", "add"})
_SHORT = 3
"""Beginnings up to this length must match the whole word, except for _STEMS: `on` does not match `one`."""


def contradicts(asked: str, known: str) -> bool:
    """Whether the template `asked` says the opposite of `known`, or names another after a word such as `unit`."""
    one, other = _words(asked), _words(known)
    if bool(one & _NO) != bool(other & _NO):
        return True
    here, there = one - other, other - one
    return any(_opposite(word, against) for word in here for against in there) or _of_another(asked, known)


def _words(template: str) -> Set[str]:
    return {word.lower() for word in _WORD.findall(_CAMEL.sub(" ", template))}


def _opposite(one: str, other: str) -> bool:
    return not _sides(one).isdisjoint(_across(other)) or _negates(one, other) or _negates(other, one)


@lru_cache(1 << 14)
def _sides(word: str) -> frozenset[tuple[int, int]]:
    """The pairs that a word belongs to: the index of each, and the side on which it is."""
    return frozenset(
        (number, side) for number, pair in enumerate(_PAIRS) for side in (0, 1) if _begins(word, pair[side])
    )


@lru_cache(1 << 14)
def _across(word: str) -> frozenset[tuple[int, int]]:
    """The other sides of its pairs."""
    return frozenset((number, 1 - side) for number, side in _sides(word))


def _negates(one: str, other: str) -> bool:
    return one.endswith(other) and one[: len(one) - len(other)] in _NEGATING


def _begins(word: str, stem: str) -> bool:
    return word.startswith(stem) if len(stem) > _SHORT or stem in _STEMS else word == stem


def _of_another(asked: str, known: str) -> bool:
    """Whether the only differences are names after words such as `unit`."""
    one, other = without_mark(asked).split(), without_mark(known).split()
    if len(one) != len(other):
        return False
    places = [place for place, (word, against) in enumerate(zip(one, other, strict=True)) if word != against]
    named = [
        place > 0 and names_follow(one[place - 1]) and not is_grammar(one[place]) and not is_grammar(other[place])
        for place in places
    ]
    return bool(named) and all(named)

"""Templates that the miner joined too eagerly are taken apart where a few fixed words tell them from each other."""

from collections.abc import Sequence

from isang.logs.parsing.masks import SLOT

MAX_ALTERNATIVES = 6
"""A place where at most this many different words stand tells events apart; where more do, it is a slot."""

_NAMES_FOLLOW = frozenset({"user", "username", "login", "host", "hostname", "group"})
"""After these words stands a name, however few names there are."""
_PUNCTUATION = ":=[]()<>\"',;"


def refined(messages: Sequence[Sequence[str]]) -> list[str]:
    """The template of each message, all given as words and joined by the miner, so of one length.

    `VM Started <*>` and `VM Paused <*>` are two events although the miner joins them as `VM <*> <*>`: a place with few
    different words, none of them with a digit, does not vary freely. Names of users and hosts, of which there are
    many, stay a slot.
    """
    templates = [""] * len(messages)
    open_groups = [list(range(len(messages)))]
    while open_groups:
        group = open_groups.pop()
        columns = [{messages[member][place] for member in group} for place in range(len(messages[group[0]]))]
        telling = [
            place for place, words in enumerate(columns) if _tells_apart(words, columns[place - 1] if place else None)
        ]
        if telling:
            place = min(telling, key=lambda place: len(columns[place]))
            parts: dict[str, list[int]] = {}
            for member in group:
                parts.setdefault(messages[member][place], []).append(member)
            open_groups.extend(parts.values())
        else:
            text = " ".join(next(iter(words)) if len(words) == 1 else SLOT for words in columns)
            for member in group:
                templates[member] = text
    return templates


def _tells_apart(words: set[str], before: set[str] | None) -> bool:
    if not 1 < len(words) <= MAX_ALTERNATIVES or any(_varies(word) for word in words):
        return False
    return before is None or not all(word.lower().strip(_PUNCTUATION) in _NAMES_FOLLOW for word in before)


def _varies(word: str) -> bool:
    """A word with a digit, or one that is a slot but for punctuation."""
    rest = word.replace(SLOT, "")
    return any(character.isdigit() for character in rest) or (rest != word and not any(map(str.isalpha, rest)))

"""What a log itself shows to be values: places that vary independently of one another, and words that filled a slot."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import combinations

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.words import (
    behind_name,
    core,
    has_words,
    in_brackets,
    is_failure_or_success,
    is_grammar,
    is_outcome,
)

MOST_PAIRED = 12
"""Places with more different words than this are open or not without being compared."""
ALL_PAIRS = 0.8
"""Two places vary independently where this share of the pairs of their words is there."""
LINES_A_PAIR = 4
"""Minimum number of lines per possible pair for a decision."""
LEAST_VALUES = 3
"""Minimum number of plain words in one slot to count as values."""
LEAST_OF_SENTENCE = 8
"""Minimum number of rare templates that have a word at the same position, and that make a sentence together."""
LEAST_WORDS_OF_RARE = 4
"""Minimum number of different words at a position of rare templates to be values."""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z'-]*")


def independent(words: Sequence[Sequence[str]], lines: Sequence[int], places: Sequence[int]) -> set[int]:
    """Of `places` with few words those that vary independently of another one.

    `words` of messages of one length, and how many `lines` each has. Sentences of their own differ in several places
    at once: `Starting reader from`, `Stopped writer to`; where every word of one place meets every word of another, at
    least one of them holds values.
    """
    found: set[int] = set()
    for one, other in combinations(places, 2):
        pairs: Counter[tuple[str, str]] = Counter()
        for message, count in zip(words, lines, strict=True):
            pairs[message[one], message[other]] += count
        firsts, seconds = {first for first, _ in pairs}, {second for _, second in pairs}
        possible = len(firsts) * len(seconds)
        if len(pairs) >= ALL_PAIRS * possible and pairs.total() >= LINES_A_PAIR * possible:
            found.update(
                place
                for place, alternatives in ((one, firsts), (other, seconds))
                if all(map(may_be_value, alternatives))
            )
    return found


def may_be_value(word: str) -> bool:
    """Whether a word is neither an outcome word nor a grammatical word; signs and acronyms may be values."""
    return not ((is_grammar(word) and not word.isupper()) or is_outcome(word) or is_failure_or_success(word))


def values_in(templates: Sequence[str], words: Sequence[Sequence[str]]) -> Iterator[str]:
    """The plain words in slots of templates, for slots with at least LEAST_VALUES words that all may be values.

    `words` of the message of each template.
    """
    members: dict[str, list[Sequence[str]]] = defaultdict(list)
    for template, message in zip(templates, words, strict=True):
        members[template].append(message)
    for template, messages in members.items():
        parts = template.split(" ")
        if len(messages) < LEAST_VALUES or len(parts) != len(messages[0]):
            continue
        for place, part in enumerate(parts):
            if SLOT in part:
                yield from _values({core(message[place]) for message in messages})


def _values(words: Collection[str]) -> Collection[str]:
    plain = [word for word in words if _PLAIN.fullmatch(word)]
    return plain if len(plain) >= LEAST_VALUES and all(map(may_be_value, plain)) else ()


def sentences_of_rare(texts: Collection[str]) -> dict[str, str]:
    """{template: new template} for those that change, of rare templates of one severity.

    `Ann was slain by Ben` and `Cho was slain by Eve` differ in more than one word, as all such lines do. A word that
    many of them have at the same position belongs to the sentence, as do outcome words; the others are values if
    they are many. A sentence has at least two words of its own.
    """
    became: dict[str, str] = {}
    by_length: dict[int, list[list[str]]] = defaultdict(list)
    for text in texts:
        words = text.split(" ")
        by_length[len(words)].append(words)
    for rare in by_length.values():
        having = Counter(pair for words in rare for pair in enumerate(words)) if len(rare) >= LEAST_OF_SENTENCE else {}
        alike: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
        for words in rare if having else ():
            alike[tuple(_of_sentence(word, having[place, word]) for place, word in enumerate(words))].append(words)
        for sentence, members in alike.items():
            few = {
                place
                for place, column in enumerate(zip(*members, strict=True))
                if len(set(column)) < LEAST_WORDS_OF_RARE
            }
            parts: dict[str, list[str]] = defaultdict(list)
            for words in members:
                kept = (words[place] if place in few else word for place, word in enumerate(sentence))
                parts[" ".join(kept)].append(" ".join(words))
            for text, found in parts.items():
                if len(found) >= LEAST_OF_SENTENCE and len(set(filter(has_words, text.split(" ")))) > 1:
                    became.update(dict.fromkeys(found, text))
    return {text: other for text, other in became.items() if text != other}


def _of_sentence(word: str, templates: int) -> str:
    """A word that so many `templates` have at its position, or the slot for it."""
    if word == SLOT or templates >= LEAST_OF_SENTENCE or is_failure_or_success(word):
        return word
    told = behind_name(in_brackets(word))
    return told if SLOT in told else SLOT

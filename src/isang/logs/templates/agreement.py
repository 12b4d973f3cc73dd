"""Words that are interchangeable in several sentences of a log are values: names of users, queues, components."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from isang.logs.parsing.masks import SLOT
from isang.logs.templates.words import has_words, is_failure_or_success, is_grammar, is_outcome

LEAST_WORDS = 3
"""Minimum number of words that are interchangeable in each of two sentences; at least half of the smaller set."""
_MOST_SENTENCES = 2_000
"""With more places of few words than this nothing is compared."""
_BEFORE, _BEHIND = r"(?<![\w=/@<$%])(?<!\w[.-])", r"(?![\w=/@>$%]|[.-]\w)"
_WORD = re.compile(rf"{_BEFORE}[A-Za-z]{{2,24}}{_BEHIND}")
_PLACE = "\x00"

Template = tuple[str, str]
"""The severity and the text."""


def with_shared_values(templates: Collection[Template], names: Collection[str] = ()) -> dict[Template, Template]:
    """{template: new template} for those that change.

    If there are `opened by [ann]`, `[ben]`, `[cho]` and `closed by [ann]`, `[ben]`, `[cho]`, these words are names. A
    word that occurs twice in a template is one name there. Outcome words and grammatical words are never names.
    """
    sentences: dict[Template, dict[str, Template]] = defaultdict(dict)
    for severe, text in templates:
        for word, sentence in _sentences(text):
            sentences[severe, sentence][word] = severe, text
    few = {place: words for place, words in sentences.items() if len(words) >= LEAST_WORDS}
    named = [place for place, words in sentences.items() if len(words) > 1 and all(word in names for word in words)]
    became: dict[Template, Template] = {}
    for place in (*named, *_agreeing(few)):
        slots = " ".join(SLOT if _PLACE in word else word for word in place[1].split(" "))
        if has_words(slots):
            became.update(dict.fromkeys(sentences[place].values(), (place[0], slots)))
    return became


def _sentences(text: str) -> Iterator[tuple[str, str]]:
    """(word, the text with _PLACE in its place) for each word that may be a value."""
    for word in dict.fromkeys(_WORD.findall(text)):
        if is_grammar(word) or is_outcome(word) or is_failure_or_success(word):
            continue
        sentence = re.sub(f"{_BEFORE}{word}{_BEHIND}", _PLACE, text)
        if has_words(sentence.replace(_PLACE, "")):
            yield word, sentence


def _agreeing(few: dict[Template, dict[str, Template]]) -> Sequence[Template]:
    """The places whose words are interchangeable elsewhere too."""
    if len(few) > _MOST_SENTENCES:
        return []
    places_of: dict[str, list[Template]] = defaultdict(list)
    for place, words in few.items():
        for word in words:
            places_of[word].append(place)
    found = []
    for place, words in few.items():
        shared = Counter(other for word in words for other in places_of[word] if other != place)
        if any(
            count >= LEAST_WORDS
            and 2 * count >= min(len(words), len(few[other]))
            and (place[0] != other[0] or _is_another(place[1], other[1]))
            for other, count in shared.items()
        ):
            found.append(place)
    return found


def _is_another(sentence: str, other: str) -> bool:
    """Whether each says something that the other does not: one is no longer form of the other."""
    words, others = set(sentence.split()), set(other.split())
    return bool(words - others and others - words)

"""Which known template is worded most like one that was never seen: a new release rewords messages."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence

LEAST_SIMILARITY = 0.5
"""A template that shares less than this with every known one is a new one."""
LEAST_LEAD = 0.05
"""So much more alike than the next known template must be the one that stands in."""

_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Wording:
    """The words of K known templates."""

    def __init__(self, templates: Sequence[str], levels: Sequence[str]) -> None:
        self._levels = tuple(levels)
        self._words = [words(template) for template in templates]
        self._templates_with: dict[str, list[int]] = defaultdict(list)
        for place, own in enumerate(self._words):
            for word in own:
                self._templates_with[word].append(place)
        self._total = [self._weight(own) for own in self._words]

    def most_similar(self, template: str, level: str) -> int | None:
        """The place of the known template of that level that stands in for `template`; None where none is alike enough.

        Similarity is the share of words in common (Dice 1945), each weighted by how few templates have it.
        """
        asked = words(template)
        common: dict[int, float] = defaultdict(float)
        for word, times in asked.items():
            for place in self._templates_with.get(word, ()):
                if self._levels[place] == level:
                    common[place] += min(times, self._words[place][word]) * self._rarity(word)
        total = self._weight(asked)
        ranked = sorted(((2 * shared / (total + self._total[place]), -place) for place, shared in common.items()))
        best, place = ranked[-1] if ranked else (0.0, 0)
        runner_up = ranked[-2][0] if len(ranked) > 1 else 0.0
        return -place if best >= LEAST_SIMILARITY and best - runner_up >= LEAST_LEAD else None

    def _rarity(self, word: str) -> float:
        """Inverse document frequency (Spärck Jones 1972)."""
        return math.log((len(self._words) + 1) / (len(self._templates_with.get(word, ())) + 0.5))

    def _weight(self, counted: Counter[str]) -> float:
        return sum(times * self._rarity(word) for word, times in counted.items())


def words(template: str) -> Counter[str]:
    """The words of a template in small letters, those of camelCase apart, without slots, digits and signs."""
    return Counter(word.lower() for word in _WORD.findall(_CAMEL.sub(" ", template)))

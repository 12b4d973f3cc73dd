"""The known template whose wording is most similar to a new one: a new release rewords messages."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from isang.logs.parsing.inferred.levels import ERROR_LEVELS, WARNING_LEVELS
from isang.model.opposites import contradicts

LEAST_SIMILARITY = 0.5
"""Minimum share of words in common: below it a template counts as new, unless there is evidence beyond its words."""
LEAST_LEAD = 0.05
"""Minimum lead in similarity over the second most similar known template."""
STEM = 3
"""Words are related if their first STEM letters are equal; shorter words must be equal."""
MOST_ANSWERS = 20_000
"""Maximum number of templates whose match is cached: followed logs ask about the same ones again and again."""
FAILURES = (
    "abort", "absent", "alarm", "broke", "cancel", "cannot", "conflict", "corrupt", "crash", "critical", "declin",
    "degrad", "delay", "denied", "deny", "disabl", "disconnect", "drop", "error", "exceed", "except", "exhaust",
    "expir", "fail", "fatal", "fault", "forbid", "ignor", "illegal", "impossib", "incomplet", "incorrect",
    "insufficient", "interrupt", "invalid", "kill", "leak", "malform", "mismatch", "missing", "never", "nothing",
    "offline", "outage", "overflow", "overload", "panic", "postpon", "problem", "refus", "reject", "retr", "revert",
    "revok", "skip", "stall", "stuck", "suspend", "suspicious", "timeout", "unable", "unauthor", "unavail",
    "unexpect", "unhandl", "unknown", "unreach", "unsuccess", "violat", "warn", "without", "wrong",
)  # fmt: skip
"""Beginnings of words that indicate a failure. The list is short and cannot be complete."""
SHORT_FAILURES = {
    "bad", "busy", "dead", "died", "down", "err", "full", "halt", "hang", "held", "hold", "hung", "late", "lose",
    "loss", "lost", "low", "no", "not", "oom", "slow", "wait",
}  # fmt: skip
"""Words that indicate a failure only as a whole: many harmless words begin with them."""

LOUDNESS = ("other", "failure word", "warning", "error")
"""Classes of lines by how clearly they report a failure; the index of each is its loudness."""
_SHOUTED = re.compile(r"\b[A-Z]{3,}\b")
"""Matches a level that the layout left in the message: in capitals, near its beginning."""
_FRONT = 80
_IN_ORDER = re.compile(r"(?i)\b(?:shut|shutting|shuts|scal(?:e|ed|es|ing)|wind(?:s|ing)?|spin(?:s|ning)?) +down\b")
"""Matches phrases with a word of failure that tell of none."""

_WORD = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Likeness(NamedTuple):
    """How similar a new template is to a known one of the same level."""

    words: float
    """The share of words in common, see `Wording.most_similar`."""
    stem: bool
    """Whether any of their words have the same stem."""
    slots: bool
    """Whether they have the same number of slots."""


class Wording:
    """The words of K known templates."""

    def __init__(self, templates: Sequence[str], levels: Sequence[str]) -> None:
        self._levels = tuple(levels)
        self._templates = tuple(templates)
        self._slots = [template.count("<*>") for template in templates]
        self._words = [words(template) for template in templates]
        self._templates_with: dict[str, list[int]] = defaultdict(list)
        for place, own in enumerate(self._words):
            for word in own:
                self._templates_with[word].append(place)
        self._total = [self._weight(own) for own in self._words]
        self._answers: dict[tuple[str, str], int | None] = {}

    def most_similar(self, template: str, level: str) -> int | None:
        """The index of the known template of that level that matches `template`; None if none is similar enough.

        Similarity is the share of words in common (Dice 1945), each weighted by its rarity. A template that reports a
        failure is never matched to one that does not ("payment refused" does not reword "payment accepted"), nor to one
        that it contradicts.
        """
        if (template, level) not in self._answers:
            if len(self._answers) >= MOST_ANSWERS:
                self._answers.clear()
            self._answers[template, level] = self._stand_in(template, level)
        return self._answers[template, level]

    def _stand_in(self, template: str, level: str) -> int | None:
        asked = words(template)
        ranked = sorted((share, -place) for place, share in self._shares(asked).items() if self._levels[place] == level)
        best, place = ranked[-1] if ranked else (0.0, 0)
        runner_up = ranked[-2][0] if len(ranked) > 1 else 0.0
        if best < LEAST_SIMILARITY or best - runner_up < LEAST_LEAD or self._another(template, asked, -place):
            return None
        return -place

    def likenesses(self, template: str, level: str) -> dict[int, Likeness]:
        """The known templates, by index, that `template` may reword if other evidence supports it.

        They have the same level, report a failure if it does, and do not contradict it.
        """
        asked, slots = words(template), template.count("<*>")
        shares, stems = self._shares(asked), _stems(asked)
        return {
            place: Likeness(shares.get(place, 0.0), bool(stems & _stems(own)), slots == self._slots[place])
            for place, own in enumerate(self._words)
            if self._levels[place] == level and not self._another(template, asked, place)
        }

    def _another(self, template: str, asked: Counter[str], place: int) -> bool:
        """Whether `template` contradicts the known one, or reports a failure that the known one does not."""
        return tells_of_failure(asked, self._words[place]) or contradicts(template, self._templates[place])

    def _shares(self, asked: Counter[str]) -> dict[int, float]:
        """The share of words in common, by index, for the known templates that have any."""
        common: dict[int, float] = defaultdict(float)
        for word, times in asked.items():
            for place in self._templates_with.get(word, ()):
                common[place] += min(times, self._words[place][word]) * self._rarity(word)
        total = self._weight(asked)
        return {place: 2 * shared / (total + self._total[place]) for place, shared in common.items()}

    def _rarity(self, word: str) -> float:
        """Inverse document frequency (Spärck Jones 1972)."""
        return math.log((len(self._words) + 1) / (len(self._templates_with.get(word, ())) + 0.5))

    def _weight(self, counted: Counter[str]) -> float:
        return sum(times * self._rarity(word) for word, times in counted.items())


def words(template: str) -> Counter[str]:
    """The words of a template in lower case, camelCase split, without slots, digits and punctuation."""
    return Counter(word.lower() for word in _WORD.findall(_CAMEL.sub(" ", template)))


def tells_of_failure(asked: Iterable[str], known: Iterable[str]) -> bool:
    """Whether a failure word is among the words `asked` and none among those `known`."""
    return any(map(_is_failure, asked)) and not any(map(_is_failure, known))


@lru_cache(1 << 14)
def loudness_of(template: str, level: str | None) -> int:
    """How clearly a line reports a failure: an index of LOUDNESS."""
    shouted = {level.upper()} if level else set(_SHOUTED.findall(template[:_FRONT]))
    if shouted & ERROR_LEVELS:
        return 3
    if shouted & WARNING_LEVELS:
        return 2
    return int(says_failure(template))


@lru_cache(1 << 14)
def says_failure(template: str) -> bool:
    """Whether the words of a template report a failure; what is shut down in order does not."""
    return tells_of_failure(words(_IN_ORDER.sub(" ", template)), ())


def _is_failure(word: str) -> bool:
    return word in SHORT_FAILURES or word.startswith(FAILURES)


def _stems(asked: Iterable[str]) -> set[str]:
    return {word[:STEM] for word in asked}

"""Masked messages to templates: `learn` may add templates, `match` never does, ids never change once given."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from drain3.drain import Drain

from isang.logs.parsing.masks import SLOT
from isang.logs.redaction import without_secrets
from isang.logs.templates.bracketed import closed, spread, with_one_slot
from isang.logs.templates.optional_parts import open_prefix, relaxed, with_fewer_slots
from isang.logs.templates.words import (
    behind_name,
    has_words,
    in_brackets,
    is_failure_or_success,
    is_grammar,
    is_name,
    named_value,
    names_follow,
    severity,
    without_mark,
    without_values,
)

OVERFLOW = "<OVERFLOW>"
"""The template of messages that came after the table was full."""
NAME = "<name>"
"""Placeholder for names when messages are compared."""
_MAX_PERIOD = 8
_REPEATED = 4
"""Minimum number of repeated words for a phrase that may be repeated several times in a row."""


class TemplateMiner:
    """Drain3's tree over distinct masked messages.

    Ids count from 0 in order of first appearance. Once `max_templates` exist, messages that match none of them become
    OVERFLOW, whose id is `max_templates`.
    """

    def __init__(self, *, similarity: float, depth: int, max_templates: int) -> None:
        self._drain: Any = Drain(depth=depth, sim_th=similarity, param_str=SLOT)
        self._max_templates = max_templates
        self._index: TemplateIndex | None = None  # of the full table, which no longer changes
        self._overflowed = False
        self._ids: dict[str, int] = {}  # by template text, also by earlier texts of a template

    @property
    def overflow(self) -> int:
        """The id of OVERFLOW."""
        return self._max_templates

    def learn(self, messages: Iterable[str]) -> list[int]:
        """The ids of masked messages; unknown ones add or widen templates."""
        return [self._learn_one(message) for message in messages]

    def match(self, messages: Iterable[str]) -> list[int | None]:
        """The ids of masked messages; None for those that no template fits. Nothing changes."""
        index = self._index or TemplateIndex(self.texts())
        return [index.match(message) for message in messages]

    def texts(self) -> list[str]:
        """The templates; the position is the id."""
        clusters = sorted(self._drain.clusters, key=lambda cluster: cluster.cluster_id)
        texts = [cluster.get_template() for cluster in clusters]
        return [*texts, OVERFLOW] if self._overflowed else texts

    def _learn_one(self, message: str) -> int:
        if self._index is not None:
            known = self._index.match(message)
            self._overflowed |= known is None
            return self.overflow if known is None else known
        if message in self._ids:  # Drain does not find a template again that is mostly slots
            return self._ids[message]
        cluster, _ = self._drain.add_log_message(message)
        self._ids[cluster.get_template()] = int(cluster.cluster_id) - 1
        if self._drain.clusters_counter >= self._max_templates:
            self._index = TemplateIndex(self.texts())
        return int(cluster.cluster_id) - 1


class TemplateIndex:
    """Templates by their words, to find the first that matches a message.

    A slot matches every word except one that indicates failure or success, and one name matches another; a template of
    only slots matches messages of only slots. It is the first match, not the nearest, so that templates learned later
    can never take a message from an earlier one. If none matches, it is the first that differs only in the words after
    names (`user=`), then in values in parentheses or in the number of consecutive slots, then in the content of
    brackets that match any words (bracketed.py), then one with an open end (optional_parts.py), unless the rest
    indicates an outcome.
    """

    def __init__(
        self, texts: Sequence[str], ids: Sequence[int] | None = None, levels: Sequence[str | None] | None = None
    ) -> None:
        self._exact: _Node = {}
        self._by_names: _Node = {}
        self._relaxed: _Node = {}
        self._bracketed: _Node = {}
        self._open: _Node = {}
        levels = levels if levels is not None else [None] * len(texts)
        for number, text, level in zip(ids if ids is not None else range(len(texts)), texts, levels, strict=True):
            text = without_mark(text)
            signs = signature(text.split())
            first = severity(level), has_words(text)
            _insert(self._exact, [first, *signs], number)
            for fewer in with_fewer_slots(text.split()):
                if len(fewer) < len(signs):
                    _insert(self._relaxed, [first, *signature(fewer)], number)
            single = closed(text)
            if single is not None:
                _insert(self._bracketed, [first, *relaxed(single.split())], number)
            before = open_prefix(text.split())
            if before is not None:
                _insert(self._open, [severity(level), *before], number)
            if any(map(named_value, signs)):
                _insert(self._by_names, [first, *map(behind_name, signs)], number)

    def match(self, message: str, level: str | None = None) -> int | None:
        """The lowest id of the templates that fit, of levels as severe as `level`; None if none fits."""
        words = message.split()
        signs = signature(words)
        first = severity(level), has_words(message)
        steps = [_steps(word, sign) for word, sign in zip(words, signs, strict=True)]
        found = _first(self._exact.get(first, {}), steps)
        if found is None and self._by_names and "=" in message:
            steps = [{*step, *map(behind_name, step)} for step in steps]
            found = _first(self._by_names.get(first, {}), steps)
        if found is None and self._relaxed:
            found = _first(self._relaxed.get(first, {}), [_steps(*pair) for pair in zip(words, signs, strict=True)])
        if found is None and (self._relaxed or "(<*>)" in message):
            short = relaxed(words)
            steps = [_steps(word, sign) for word, sign in zip(short, signature(short), strict=True)]
            fits = (_first(tree.get(first, {}), steps) for tree in (self._exact, self._relaxed))
            found = min((number for number in fits if number is not None), default=None)
        if found is None and self._bracketed:
            found = self._match_bracketed(message, level)
        if found is None and self._open:
            found = _first_open(self._open.get(severity(level), {}), words)
        return found

    def _match_bracketed(self, message: str, level: str | None) -> int | None:
        fits = []
        for shorter in with_one_slot(message):
            short = relaxed(shorter.split())
            steps = [_steps(word, sign) for word, sign in zip(short, signature(short), strict=True)]
            fits.append(_first(self._bracketed.get((severity(level), has_words(shorter)), {}), steps))
        return min((number for number in fits if number is not None), default=None)


_Node = dict[Any, Any]


def _insert(node: _Node, words: Sequence[Any], number: int) -> None:
    for word in words:
        node = node.setdefault(word, {})
    node.setdefault(None, number)  # of equal templates the first


def _steps(word: str, sign: str) -> set[str]:
    """What a template may have in place of a word."""
    steps = {word, sign, behind_name(word), in_brackets(word)}
    if not is_failure_or_success(word):
        steps.add(SLOT)
    if word == SLOT:
        steps.add(NAME)
    return steps


def _first(root: _Node, steps: Sequence[Collection[str]]) -> int | None:
    nodes = [root]
    for step in steps:
        nodes = [node[word] for node in nodes for word in step if word in node]
    return min((int(node[None]) for node in nodes if None in node), default=None)


def _first_open(root: _Node, words: Sequence[str]) -> int | None:
    """The open-ended template with the longest matching beginning, if the rest indicates no failure or success."""
    nodes, found = [root], None
    told = max((place for place, word in enumerate(words) if is_failure_or_success(word)), default=-1)
    for place, word in enumerate(words):
        ends = [int(node[None]) for node in nodes if None in node]
        if ends and place > told:
            found = min(ends)
        steps = _steps(word, word)
        nodes = [node[step] for node in nodes for step in steps if step in node]
    return found


def signature(words: Sequence[str]) -> list[str]:
    """Words with NAME in the place of names, by their form or by the word before; as they are where none remains."""
    signs, before = [], ""
    for word in words:
        name = word != SLOT and (is_name(word) or (names_follow(before) and not is_grammar(word)))
        signs.append(NAME if name else word)
        before = word
    return signs if any(sign not in (NAME, SLOT) for sign in signs) else list(words)


def mined_words(words: Sequence[str]) -> list[str]:
    """The words that the miner learns: names, and values after names, do not count as words."""
    signs = signature(words)
    return [SLOT if sign == NAME else behind_name(sign) for sign in signs]


def canonical(masked: str, max_words: int) -> str:
    """The text from which a masked message's template is made: without secrets, values in structures, list
    repetitions."""
    return shortened(without_values(without_secrets(masked)), max_words)


def shortened(message: str, max_words: int) -> str:
    """A masked message without the repetitions of lists and without the words after `max_words`.

    A group of up to eight words that holds a slot and stands there several times in a row, such as the items of a
    list, is kept once, so that the length of a list does not make another event; one without a slot is kept twice.
    """
    words = message.split(" ")
    if len(words) > 3 and (message.count(SLOT) > 1 or len(words) >= len(set(words)) + _REPEATED):
        for period in range(1, min(_MAX_PERIOD, len(words) // 2) + 1):
            words = _without_repeats(words, period)
    if len(words) > max_words:
        words = [*words[:max_words], SLOT]
    return " ".join(words)


def _without_repeats(words: list[str], period: int) -> list[str]:
    kept: list[str] = []
    for word in words:
        kept.append(word)
        group = kept[-period:]
        if group == kept[-2 * period : -period] and (
            group == kept[-3 * period : -2 * period] or any(SLOT in part for part in group)
        ):
            del kept[-period:]
    return kept


def slot_values(template: str, message: str) -> list[str] | None:
    """The slot values of `template` in an unmasked message; None if the template does not match.

    White space counts as a single space. Each slot takes as little as possible, in time proportional to the message,
    whatever the template. Repetitions that `shortened` removes from lists match no template. The slots of an open end
    may be empty, or the last takes several words.
    """
    values = _slot_values(template, message)
    single = closed(template) if values is None else None
    if single is not None:
        values = _slot_values(single, message)
        return None if values is None else spread(template, values)
    before = open_prefix(template.split()) if values is None else None
    if before is None:
        return values
    values = _slot_values(" ".join((*before, SLOT)), message)
    return None if values is None else [*values, *[""] * (template.count(SLOT) - len(values))]


def _slot_values(template: str, message: str) -> list[str] | None:
    text = " ".join(message.split())
    first, *parts = without_mark(template).split(SLOT)
    if not parts:
        return [] if text == first else None
    end = len(text) - len(parts[-1])
    if not text.startswith(first) or not text.endswith(parts[-1]):
        return None
    values, place = [], len(first)
    for part in parts[:-1]:
        stop = text.find(part, place, end)
        if stop < 0:
            return None
        values.append(text[place:stop].strip())
        place = stop + len(part)
    return [*values, text[place:end].strip()] if place <= end else None

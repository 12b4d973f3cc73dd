"""Masked messages to templates: `learn` may add templates, `match` never does, ids never change once given."""

from collections.abc import Iterable, Sequence
from typing import Any

from drain3.drain import Drain

from isang.logs.parsing.masks import SLOT

OVERFLOW = "<OVERFLOW>"
"""The template of messages that came after the table was full."""


_MAX_PERIOD = 8


class TemplateMiner:
    """Drain3's tree over distinct masked messages.

    Ids count from 0 in the order of first appearance. When `max_templates` exist, what matches none of them becomes
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
    """Templates by their words, to find the first that fits a message exactly.

    The first, not the nearest: templates that are learned later can then never take a message from an earlier one.
    """

    def __init__(self, texts: Sequence[str], ids: Sequence[int] | None = None) -> None:
        self._root: dict[str | None, Any] = {}
        for number, text in zip(ids if ids is not None else range(len(texts)), texts, strict=True):
            node = self._root
            for word in text.split():
                node = node.setdefault(word, {})
            node.setdefault(None, number)  # of equal templates the first

    def match(self, message: str) -> int | None:
        """The lowest id of the templates that fit; None if none fits."""
        nodes = [self._root]
        for word in message.split():
            nodes = [node[step] for node in nodes for step in {word, SLOT} if step in node]
        found = [int(node[None]) for node in nodes if None in node]
        return min(found, default=None)


def shortened(message: str, max_words: int) -> str:
    """A masked message without the repetitions of lists and without the words after `max_words`.

    A group of up to eight words that holds a slot and stands there several times in a row, such as the items of a
    list, is kept once, so that the length of a list does not make another event.
    """
    words = message.split(" ")
    if len(words) > 3 and message.count(SLOT) > 1:
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
        if group == kept[-2 * period : -period] and any(SLOT in part for part in group):
            del kept[-period:]
    return kept


def slot_values(template: str, message: str) -> list[str] | None:
    """What stands in the slots of `template` in an unmasked message; None where the template does not fit.

    White space counts as a single space. Each slot takes as little as it can, which takes time in proportion to the
    message, whatever the template. The repetitions that `shortened` takes out of lists fit no template.
    """
    text = " ".join(message.split())
    first, *parts = template.split(SLOT)
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

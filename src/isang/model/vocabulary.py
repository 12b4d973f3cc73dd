"""Templates as tokens: the known templates and the special tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.store import Dataset
from isang.model.wording import Likeness, Wording

PAD, MASK, BEGIN, END, NOTHING, UNSEEN = range(6)
MARKS = ("PAD", "MASK", "BEGIN", "END", "NOTHING", "UNSEEN")
"""The special tokens, in the order of their numbers. NOTHING occurs only as an answer."""


@dataclass(frozen=True)
class Vocabulary:
    """Template i of `templates` is token len(MARKS) + i."""

    templates: tuple[str, ...]
    """The texts of the templates that occur in the training sessions."""
    levels: tuple[str, ...]
    """The level (INFO, ERROR, ...) of each template, empty where the log has none."""
    reworded: Mapping[str, str | None] = field(default_factory=dict)
    """New templates with evidence beyond their words: the known template that each is matched to, None for none."""
    by_words: bool = True
    """Whether other new templates are matched to a known one with similar wording."""

    @property
    def size(self) -> int:
        """Number of tokens V, marks included."""
        return len(MARKS) + len(self.templates)

    def name(self, token: int) -> str:
        """The template's text, or the mark's name."""
        return MARKS[token] if token < len(MARKS) else self.templates[token - len(MARKS)]

    def tokens_of(self, templates: Sequence[str]) -> NDArray[np.int32]:
        """The token of each template text, UNSEEN where this vocabulary has no such text; shape: len(templates)."""
        known = {text: len(MARKS) + index for index, text in enumerate(self.templates)}
        return np.array([known.get(text, UNSEEN) for text in templates], dtype=np.int32)

    def tokens(self, dataset: Dataset) -> NDArray[np.int32]:
        """The token of each event id of `dataset`, by template text; shape: highest event id + 1.

        An unknown template gets the token of the one it is known to reword, or else, with `by_words`, of the known one
        with similar wording; otherwise UNSEEN.
        """
        events, texts, levels = (dataset.templates[column].to_list() for column in ("event", "template", "level"))
        found = self.tokens_of([self.reworded.get(text) or text for text in texts])
        for place in np.nonzero(found == UNSEEN)[0]:
            if self.by_words and texts[place] not in self.reworded:
                found[place] = self.similar(texts[place], levels[place] or "") or UNSEEN
        table = np.full(highest_event(dataset) + 1, UNSEEN, dtype=np.int32)
        table[events] = found
        return table

    def similar(self, template: str, level: str) -> int | None:
        """The token of the known template worded like a new one of that level; None if there is none."""
        place = self._wording.most_similar(template, level)
        return None if place is None else len(MARKS) + place

    def likenesses(self, template: str, level: str) -> dict[int, Likeness]:
        """The tokens of the known templates that a new one may be another wording of, see `Wording.likenesses`."""
        found = self._wording.likenesses(template, level)
        return {len(MARKS) + place: likeness for place, likeness in found.items()}

    @cached_property
    def _wording(self) -> Wording:
        return Wording(self.templates, self.levels)


def vocabulary_of(dataset: Dataset, events: NDArray[np.int64]) -> Vocabulary:
    """The templates of these events of `dataset`."""
    seen = dataset.templates.filter(pl.col("event").is_in(events)).sort("event")
    seen = seen.unique("template", keep="first", maintain_order=True)
    return Vocabulary(tuple(seen["template"]), tuple(seen["level"].fill_null("")))


def highest_event(dataset: Dataset) -> int:
    """The highest event id."""
    return int(dataset.templates["event"].to_numpy().max(initial=-1))

"""Stages of a run: a logged setting, such as the length of the sequences, that changes a few times and then stays."""

import re
from dataclasses import dataclass

import numpy as np

from isang.runs.finding import RunContext
from isang.runs.read.series_names import role
from isang.runs.read.table import Floats
from isang.runs.text.writing import number

MOST_CHANGES = 10
LEAST_PART, FEWEST = 0.03, 5
"""A stage is at least this part of the run, and as many losses, long."""
BESIDE = 2
"""Losses between the change of a setting and that of the loss: the change may be logged a row before or after."""
_NO_SETTING = re.compile(r"scale|best|skip|patience|mem|nan|inf|fail|bad|lost|overflow")
"""Names of numbers that may change because the loss does."""


@dataclass(frozen=True)
class Change:
    """A setting that changes."""

    name: str
    """The log's own."""
    before: float
    after: float

    def said(self, language: str) -> str:
        """The change in words, for a sentence."""
        before, after = number(self.before), number(self.after)
        if language == "ko":
            return f"{self.name} 값이 {before}에서 {after}(으)로 바뀝니다"
        return f"{self.name} changes from {before} to {after}"


def change_at(context: RunContext, position: int) -> Change | None:
    """The setting that changes at one of the n losses; None where no logged setting does."""
    for name, values in _settings(context).items():
        edges = np.flatnonzero(values[1:] != values[:-1]) + 1
        near = edges[np.abs(edges - position) <= BESIDE]
        if len(near):
            return Change(name, float(values[near[0] - 1]), float(values[near[0]]))
    return None


def _settings(context: RunContext) -> dict[str, Floats]:
    return context.cached(_find_settings)


def _find_settings(context: RunContext) -> dict[str, Floats]:
    """Series of whole numbers without a role that change a few times, each time for long; n values each."""
    found = {}
    for name in context.table.columns:
        if name not in context.table.series or role(name) is not None or _NO_SETTING.search(name.lower()):
            continue
        values = _carried_on(context.table.column(name)[context.rows])
        if values is None or (values != np.rint(values)).any():
            continue
        edges = np.flatnonzero(np.diff(values)) + 1
        lengths = np.diff(np.concatenate([[0], edges, [len(values)]]))
        if 0 < len(edges) <= MOST_CHANGES and lengths.min() >= max(FEWEST, LEAST_PART * len(values)):
            found[name] = values
    return found


def _carried_on(values: Floats) -> Floats | None:
    """The values with each gap filled by the one before; None if fewer than half are known, or the first is not."""
    known = np.isfinite(values)
    if not len(values) or not known[0] or 2 * known.sum() < len(values):
        return None
    return values[np.maximum.accumulate(np.where(known, np.arange(len(values)), 0))]

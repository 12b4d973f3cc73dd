"""Kinds of lines that were never there and belong to no session."""

from dataclasses import dataclass

import polars as pl

from isang.artifact import Model
from isang.detection.threshold.stretches import held_out
from isang.detection.whole.over_time.known_lines import length_of, novelty
from isang.detection.whole.over_time.lines import Lines
from isang.logs.store import Dataset
from isang.model.vocabulary import UNSEEN
from isang.model.wording import loudness_of, words


@dataclass(frozen=True)
class NewLine:
    """A template that neither sessions nor the rest of the training period had."""

    event: int
    template: str
    level: str | None
    loudness: int
    lines: int
    first: float | None
    """When it first came, to the length of the windows, in seconds since 1970; None without a clock."""
    last: float | None
    source_index: int
    line: int
    """Where the first of them stands."""
    p_value: float
    """The probability that a stretch in which the budget allows one alert brings this many kinds, from their rate in
    training."""


def new_outside(model: Model, dataset: Dataset, counts: pl.DataFrame, lines: Lines) -> list[NewLine]:
    """The new kinds of lines outside of sessions, the loudest first, of equals those with words, then the first."""
    if model.lines is None:
        return []
    known, tokens = set(model.lines["series"]), model.vocabulary.tokens(dataset)
    new = {
        event: (text, level, loudness_of(text, level))
        for event, text, level, count in dataset.templates["event", "template", "level", "count"].iter_rows()
        if not count and tokens[event] == UNSEEN and text not in known
    }
    own = counts.filter(pl.col("event").is_in(list(new))).sort("start", "source_index", "line", nulls_last=True)
    table = own.group_by("event", maintain_order=True).agg(
        pl.col("lines").sum(), pl.col("start").min(), (pl.col("start") + pl.col("seconds")).max().alias("stop"),
        pl.col("source_index").first(), pl.col("line").first(),
    )  # fmt: skip
    seconds = stretch_seconds(model, length_of(lines, model.lines))
    kinds = {loud: sum((new[event][2] > 0) == loud for event in table["event"]) for loud in (False, True)}
    chance = {loud: novelty(model.lines, seconds, loud=loud, kinds=kinds[loud]) for loud in (False, True)}
    found = []
    for event, number, start, stop, source, line in table.iter_rows():
        text, level, loudness = new[event]
        found.append(NewLine(event, text, level, loudness, number, start, stop, source, line, chance[loudness > 0]))
    return sorted(found, key=lambda one: (-one.loudness, not words(one.template)))


def stretch_seconds(model: Model, length: float) -> float:
    """The time in which the budget allows one alert among the sessions; no more than the log's own length."""
    if model.lines is None:
        return 0.0
    sessions, budget = len(held_out(model).p_values), held_out(model).budget
    period = float(model.lines["first"][0])
    return min(length, period / max(1.0, sessions * budget)) if sessions else length

"""How well a grouping of lines predicts the next line of a group: what a session key is good for."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.parsing import masks

MAX_LINES = 20_000
"""Maximum number of lines, spread over the sample, used to compare two keys."""
_WORDS_AS = 60
"""Number of characters of a line's masked text that define its kind."""
_SMOOTHING = 0.5


def kinds_of(messages: pl.Series) -> pl.Series:
    """A number (u32) for the kind of each line, by the beginning of its masked text."""
    text = masks.masked(messages, masks.compiled(masks.BUILT_IN)).fill_null("").str.slice(0, _WORDS_AS)
    return text.rank("dense").cast(pl.UInt32)


def gain(kinds: pl.Series, sources: pl.Series, found: pl.DataFrame) -> float:
    """Nats per line by which the previous line of the group predicts better than the previous line of the log.

    `found`: `row`, `key` of lines with a key, in order of time. The transition probabilities are learned from half of
    the groups, the other half is predicted; a line without a key gains nothing.
    """
    lines = pl.DataFrame({"kind": kinds, "source": sources}).with_row_index("row").with_columns(
        beside=pl.col("kind").shift(1).over("source").fill_null(0)
    )  # fmt: skip
    first = found.unique("row", keep="first", maintain_order=True).with_columns(pl.col("row").cast(pl.UInt32))
    grouped = lines.join(first, on="row", maintain_order="left").with_columns(
        before=pl.col("kind").shift(1).over("key").fill_null(0), held_out=pl.col("key").hash() % 2 == 0
    )
    learned, asked = grouped.filter(~pl.col("held_out")), grouped.filter("held_out")
    if not learned.height or not asked.height:
        return 0.0
    better = _log_probabilities(learned, asked, "before") - _log_probabilities(learned, asked, "beside")
    return float(better.mean()) * grouped.height / len(kinds)


def _log_probabilities(learned: pl.DataFrame, asked: pl.DataFrame, before: str) -> NDArray[np.float64]:
    """Log probability of each line's kind given the kind in column `before`, smoothed with its overall frequency."""
    total = learned.group_by(before).agg(all=pl.len())
    pairs = learned.group_by(before, "kind").agg(both=pl.len())
    alone = learned.group_by("kind").agg(alone=pl.len())
    table = (
        asked.select(before, "kind")
        .join(total, on=before, how="left", maintain_order="left")
        .join(pairs, on=[before, "kind"], how="left", maintain_order="left")
        .join(alone, on="kind", how="left", maintain_order="left")
        .fill_null(0)
    )
    frequency = (table["alone"].to_numpy() + _SMOOTHING) / (learned.height + _SMOOTHING * (len(alone) + 1))
    found: NDArray[np.float64] = np.log(
        (table["both"].to_numpy() + _SMOOTHING * frequency) / (table["all"].to_numpy() + _SMOOTHING)
    )
    return found

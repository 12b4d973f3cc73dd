"""How long it takes until a fault is noticed, and for how many hours somebody watched.

A session is decided when it ends, so the delay of a session is the time from its first line to its last. What
`isang detect --follow` waits before it holds a session for ended comes on top. An incident is a stretch of anomalous
sessions (of one kind, where kinds are known); its delay is the time from the first line of its first session to the
end of the first session of it that is flagged.
"""

from typing import Any

import numpy as np
import polars as pl

from isang.detection.evaluation.metrics import Flags

INCIDENT_GAP_SECONDS = 60.0
"""Anomalous sessions of one kind belong to one incident while at most this much time is between them."""
IDLE_SECONDS = 3_600.0
"""Stretches without a session longer than this do not count as observed time: nothing was logged."""
_SECOND = 1_000_000


def hours_watched(sessions: pl.DataFrame) -> float | None:
    """Hours from the first start to the last end, without idle stretches; None where there is no clock."""
    moments = pl.concat([sessions["start"], sessions["end"]]).drop_nulls().sort().cast(pl.Int64).to_numpy()
    if len(moments) < 2:
        return None
    steps = np.diff(moments) / _SECOND
    return float(steps[steps <= IDLE_SECONDS].sum() / 3_600) or None


def detection_delay(sessions: pl.DataFrame, flagged: Flags, anomalous: Flags) -> dict[str, Any] | None:
    """The delays of found sessions and of incidents; None where there is no clock.

    `sessions` has the columns start, end and, where it is known, kind; all three have S rows.
    """
    kind = pl.col("kind") if "kind" in sessions.columns else pl.lit(None, dtype=pl.String)
    table = sessions.select(
        start=pl.col("start").cast(pl.Int64) / _SECOND,
        end=pl.col("end").cast(pl.Int64) / _SECOND,
        kind=kind,
        found=pl.Series(flagged),
    ).filter(pl.Series(anomalous) & pl.col("start").is_not_null() & pl.col("end").is_not_null())
    if table.is_empty():
        return None
    found = table.filter("found")
    incidents = _incidents(table)
    noticed = incidents["noticed"].drop_nulls()
    return {
        "sessions": _seconds((found["end"] - found["start"]).to_numpy()),
        "incidents": _seconds(noticed.to_numpy()) | {"incidents": len(incidents)},
        "incident_gap_seconds": INCIDENT_GAP_SECONDS,
    }


def _incidents(table: pl.DataFrame) -> pl.DataFrame:
    """One row per incident: `noticed`, seconds from its first line to its first alert, null where it was missed."""
    ordered = table.sort("kind", "start", maintain_order=True)
    last_end = pl.col("end").cum_max().shift(1).over("kind")
    begins = (pl.col("start") > last_end + INCIDENT_GAP_SECONDS).fill_null(True)
    numbered = ordered.with_columns(incident=begins.cum_sum())
    return numbered.group_by("incident", maintain_order=True).agg(
        noticed=pl.col("end").filter("found").min() - pl.col("start").min()
    )


def _seconds(delays: "np.ndarray[Any, np.dtype[np.float64]]") -> dict[str, Any]:
    """Count, median, 90th percentile and maximum; null where there is nothing to count."""
    names = {"median_seconds": 0.5, "p90_seconds": 0.9, "max_seconds": 1.0}
    values = {name: float(np.quantile(delays, at)) if len(delays) else None for name, at in names.items()}
    return {"count": len(delays), **values}

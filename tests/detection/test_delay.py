"""Times by hand: hours watched, delays of sessions and of incidents."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from isang.detection.evaluation.delay import detection_delay, hours_watched

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def table(*spans: tuple[float, float], kinds: list[str] | None = None) -> pl.DataFrame:
    """Sessions from one second to another."""
    rows = [(START + timedelta(seconds=start), START + timedelta(seconds=end)) for start, end in spans]
    frame = pl.DataFrame(
        rows, schema={"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")}, orient="row"
    )
    return frame if kinds is None else frame.with_columns(kind=pl.Series(kinds))


def test_idle_stretches_are_not_watched() -> None:
    assert hours_watched(table((0, 10), (1_800, 1_810))) == pytest.approx(1_810 / 3_600)
    assert hours_watched(table((0, 10), (86_400, 86_410))) == pytest.approx(20 / 3_600)
    assert hours_watched(table((5, 5))) is None
    assert hours_watched(table((5, 6)).with_columns(start=None, end=None).cast(table().schema)) is None


def test_delays_of_sessions_and_incidents_by_hand() -> None:
    """Two incidents: sessions at 0 and 20 s (60 s and less apart), and one at 500 s that is missed."""
    sessions = table((0, 10), (20, 25), (30, 31), (500, 510))
    flagged, anomalous = np.array([False, True, True, False]), np.array([True, True, False, True])
    delay = detection_delay(sessions, flagged, anomalous)
    assert delay is not None
    assert delay["sessions"] == {"count": 1, "median_seconds": 5, "p90_seconds": 5, "max_seconds": 5}
    assert delay["incidents"]["incidents"] == 2
    assert delay["incidents"]["count"] == 1
    assert delay["incidents"]["median_seconds"] == 25, "from the first line of the first session to the first alert"


def test_a_long_session_keeps_its_incident_open_and_kinds_are_apart() -> None:
    flagged, anomalous = np.ones(3, dtype=bool), np.ones(3, dtype=bool)
    spans = ((0, 300), (10, 20), (340, 350))
    together = detection_delay(table(*spans), flagged, anomalous)
    apart = detection_delay(table(*spans, kinds=["disk", "net", "disk"]), flagged, anomalous)
    assert together is not None
    assert apart is not None
    assert together["incidents"]["incidents"] == 1
    assert together["incidents"]["max_seconds"] == 20
    assert apart["incidents"]["incidents"] == 2
    assert apart["incidents"]["max_seconds"] == 300


def test_without_a_clock_or_without_anomalies_the_delay_is_unknown() -> None:
    one = np.array([True])
    timeless = table((0, 1)).with_columns(start=None, end=None).cast(table().schema)
    assert detection_delay(timeless, one, one) is None
    assert detection_delay(table((0, 1)), one, ~one) is None
    missed = detection_delay(table((0, 1)), ~one, one)
    assert missed is not None
    assert missed["sessions"]["median_seconds"] is None
    assert missed["incidents"]["count"] == 0

"""Synthetic sessions with known truth, for tests. Nothing here was recorded."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.store import SESSIONS_SCHEMA, TEMPLATES_SCHEMA, Dataset
from isang.model.vocabulary import Vocabulary, highest_event, vocabulary_of

STEPS = (
    "received a request from the browser", "token is valid", "cart was read", "asking stock for items in the cart",
    "stock answered", "computed the price with all discounts applied", "begin payment at the bank",
    "bank confirmed", "order written to the database", "queued one mail for sending", "cache missed",
    "rendered page",
)  # fmt: skip
ORDER = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
BROWSE = (0, 1, 2, 10, 11)
RARE = "disk failed on <*>"
RARE_EVENT = len(STEPS)


def shop_dataset(sessions: int = 400, *, seed: int = 0, anomalous_every: int = 0, clock: bool = True) -> Dataset:
    """Sessions of an imaginary shop: an order (with one or more stock questions) or a visit.

    With `anomalous_every` n, each n-th session of the second half carries one planted fault and is labelled: an event
    never seen before, a missing payment, or an early end, in turn.
    """
    generator = np.random.default_rng(seed)
    rows = []
    start = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    for number in range(sessions):
        events = list(ORDER) if generator.random() < 0.6 else list(BROWSE)
        if events[-1] == ORDER[-1]:
            events[5:5] = [3, 4] * int(generator.integers(0, 3))
        planted = bool(anomalous_every) and number >= sessions // 2 and number % anomalous_every == 0
        if planted:
            events = _faulty(number // anomalous_every)
        gaps = [0, *generator.integers(1, 50, len(events) - 1).tolist()]
        begin = start + timedelta(seconds=10 * number)
        rows.append(
            {
                "session_id": f"s{number:05d}",
                "source": "shop.log",
                "start": begin if clock else None,
                "end": begin + timedelta(milliseconds=sum(gaps)) if clock else None,
                "events": events,
                "gaps_ms": gaps if clock else None,
                "label": planted if anomalous_every else None,
            }
        )
    return Dataset(pl.DataFrame(rows, schema=SESSIONS_SCHEMA), _templates(rows), {"schema": 1, "rules": {}})


def _faulty(kind: int) -> list[int]:
    return [
        [0, 1, 2, 3, RARE_EVENT, 5, 6, 7, 8, 9],  # an event never seen before
        [0, 1, 2, 3, 4, 5, 8, 9],  # the payment is missing
        [0, 1, 2, 3],  # an early end
    ][kind % 3]


def _templates(rows: list[dict[str, object]]) -> pl.DataFrame:
    counts = np.bincount([event for row in rows for event in row["events"]], minlength=len(STEPS) + 1)  # type: ignore[attr-defined]
    return pl.DataFrame(
        {
            "event": range(len(STEPS) + 1),
            "template": [*STEPS, RARE],
            "level": ["INFO"] * len(STEPS) + ["ERROR"],
            "count": counts,
        },
        schema=TEMPLATES_SCHEMA,
    )


def shop_log(dataset: Dataset) -> str:
    """The dataset as the text of a log, one line per event, ordered by time; the session id stands in each line."""
    texts, levels = dataset.templates["template"].to_list(), dataset.templates["level"].to_list()
    lines = []
    for session in dataset.sessions.iter_rows(named=True):
        moment = session["start"]
        for event, gap in zip(session["events"], session["gaps_ms"], strict=True):
            moment += timedelta(milliseconds=gap)
            text = texts[event].replace("<*>", f"/dev/sd{event}")
            stamp = f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d}"
            lines.append(f"{stamp} {levels[event]} [web] shop.Service: {text} request=r{session['session_id']}0f")
    return "\n".join(sorted(lines)) + "\n"


def shop_labels(dataset: Dataset) -> str:
    """The truth about the sessions of `shop_log`, as a labels file."""
    rows = [
        f"r{session_id}0f,{'Anomaly' if label else 'Normal'}"
        for session_id, label in dataset.sessions.select("session_id", "label").iter_rows()
    ]
    return "\n".join(["request_id,label", *rows]) + "\n"


def learn_vocabulary(dataset: Dataset, rows: NDArray[np.int64]) -> Vocabulary:
    """The templates that occur in the sessions `rows` of `dataset`; those seen only later stay UNSEEN."""
    learned = np.zeros(len(dataset.sessions), dtype=bool)
    learned[rows] = True
    occurs = np.zeros(highest_event(dataset) + 1, dtype=bool)
    for places, piece in dataset.pieces("events"):
        events = piece["events"].filter(learned[places]).explode(empty_as_null=False, keep_nulls=False)
        occurs[events.to_numpy()] = True
    return vocabulary_of(dataset, np.flatnonzero(occurs))

"""The lines of an incident's example session, and of the normal session most like it, as a person reads them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from isang.artifact import Model
from isang.detection.anomalies import Located, line_of, moments_of
from isang.detection.incidents import Incident
from isang.logs.store import Dataset, Rows

INCIDENTS = 200
"""Maximum number of incidents, the most severe, that show a session in full."""
LINES = 120
"""Of a session; of a longer one those around the lines that the reasons name."""
CANDIDATES = 4_000
"""Normal sessions, evenly spaced in time, among which the most similar one is sought."""


def with_sessions(incidents: Sequence[Incident], prepared: Located, normal: Rows) -> list[Incident]:
    """The incidents; the first example of each has its `lines` and, as `beside`, the most similar of the rows `normal`.

    The logs are read once more for all of them together.
    """
    dataset = prepared.dataset
    row_of = {name: row for row, name in enumerate(dataset.sessions["session_id"])}
    shown = [entry for entry in incidents[:INCIDENTS] if entry.examples and entry.examples[0]["session_id"] in row_of]
    rows = np.array([row_of[entry.examples[0]["session_id"]] for entry in shown], dtype=np.int64)
    beside = most_similar(dataset, rows, normal)
    sizes = dataset.sessions["events"].list.len()
    positions = [
        *(_around(sizes[int(row)], named_positions(entry.examples[0])) for row, entry in zip(rows, shown, strict=True)),
        *(range(min(LINES, sizes[int(row)])) for row in beside if row >= 0),
    ]
    wanted = [int(row) for row in (*rows, *beside[beside >= 0])]
    lines = iter(_lines(prepared, wanted, positions))
    own = [next(lines) for _ in shown]
    others = [next(lines) if row >= 0 else None for row in beside]
    made = {}
    for entry, of_it, row, other in zip(shown, own, beside, others, strict=True):
        example = entry.examples[0] | {"lines": of_it}
        if other is not None:
            example["beside"] = {"session_id": dataset.sessions["session_id"][int(row)], "lines": other}
        made[entry.id] = replace(entry, examples=(example, *entry.examples[1:]))
    return [made.get(entry.id, entry) for entry in incidents]


def with_lines(records: Sequence[dict[str, Any]], prepared: Located, model: Model) -> list[dict[str, Any]]:
    """Anomaly records of growing logs with the `lines` of their sessions and, as `beside`, the most similar normal one.

    Of that the templates alone are known: the texts of training sessions are not kept.
    """
    row_of = {name: row for row, name in enumerate(prepared.dataset.sessions["session_id"])}
    rows = [row_of[record["session_id"]] for record in records]
    sizes = prepared.dataset.sessions["events"].list.len()
    positions = [_around(sizes[row], named_positions(record)) for row, record in zip(rows, records, strict=True)]
    found = []
    for record, lines in zip(records, _lines(prepared, rows, positions), strict=True):
        beside = _nearest_normal(model, [line["template"] for line in lines])
        found.append(record | {"lines": lines} | ({} if beside is None else {"beside": beside}))
    return found


def _nearest_normal(model: Model, templates: Sequence[str]) -> dict[str, Any] | None:
    """The training session with the most similar events, see `most_similar`, as templates; None: nothing in common."""
    own = Counter(model.vocabulary.tokens_of(list(templates)).tolist())
    step = max(1, len(model.normal) // CANDIDATES)
    normal = model.normal.take(np.arange(0, len(model.normal), step, dtype=np.int64))
    owner = np.repeat(np.arange(len(normal)), normal.lengths)
    shared_N = np.zeros(len(normal))
    for token, count in own.items():
        shared_N += np.minimum(np.bincount(owner[normal.flat == token], minlength=len(normal)), count)
    apart_N = 1 - 2 * shared_N / (normal.lengths - 2 + len(templates))  # without BEGIN and END
    if not len(normal) or apart_N.min() >= 1:
        return None
    texts = [model.vocabulary.name(int(token)) for token in normal[int(apart_N.argmin())][1:-1][:LINES]]
    unknown = {"source": "", "number": None, "time": None, "level": None}
    lines = [{**unknown, "position": place, "text": text, "template": text} for place, text in enumerate(texts)]
    return {"session_id": None, "lines": lines}


def most_similar(dataset: Dataset, rows: Rows, normal: Rows) -> Rows:
    """For each of the sessions `rows`, the session of `normal` with the most similar events, -1 if there is none.

    The smallest Bray-Curtis distance of the event counts (Bray and Curtis 1957), among CANDIDATES of them.
    """
    normal = normal[np.unique(np.linspace(0, len(normal) - 1, min(CANDIDATES, len(normal))).astype(np.int64))]
    if not len(normal) or not len(rows):
        return np.full(len(rows), -1, dtype=np.int64)
    counts_NV, counts_SV = _counts(dataset, normal), _counts(dataset, rows)
    sizes_N = counts_NV.sum(axis=1)
    nearest = np.empty(len(rows), dtype=np.int64)
    for place, counts_V in enumerate(counts_SV):
        apart_N = np.abs(counts_NV - counts_V).sum(axis=1) / np.maximum(sizes_N + counts_V.sum(), 1)
        nearest[place] = normal[int(apart_N.argmin())] if apart_N.min() < 1 else -1
    return nearest


def named_positions(example: dict[str, Any]) -> list[int]:
    """Where in its session the lines stand that the reasons of an anomaly record name."""
    lines = [reason.get(name) for reason in example["reasons"] for name in ("line", "since")]
    lines += [item.get("line") for reason in example["reasons"] for item in reason.get("extra", ())]
    return sorted({line["position"] for line in lines if line and "position" in line})


def _counts(dataset: Dataset, rows: Rows) -> np.ndarray[Any, np.dtype[np.float32]]:
    """How often each event occurs in the sessions `rows`, shape (rows, events)."""
    counts = np.zeros((len(rows), int(dataset.templates["event"].max() or 0) + 1), dtype=np.float32)  # type: ignore[arg-type]
    lists = dataset.sessions["events"][rows]
    place = np.repeat(np.arange(len(rows)), lists.list.len().to_numpy())
    np.add.at(counts, (place, lists.explode().drop_nulls().to_numpy()), 1)
    return counts


def _around(length: int, named: Sequence[int]) -> Sequence[int]:
    """At most LINES of `length` positions: all, or the beginning and the neighbours of the `named` ones."""
    if length <= LINES:
        return range(length)
    reach, chosen = max(1, LINES // (2 * (len(named) + 1))), set(range(LINES // 4))
    for position in named:
        chosen |= set(range(max(0, position - reach), min(length, position + reach + 1)))
    return sorted(chosen)[:LINES]


def _lines(prepared: Located, rows: Sequence[int], positions: Sequence[Sequence[int]]) -> list[list[dict[str, Any]]]:
    """The lines at the `positions` of each of the sessions `rows`."""
    templates = {event: (text, level) for event, text, level, _ in prepared.dataset.templates.iter_rows()}
    events = prepared.dataset.sessions["events"]
    places: list[dict[int, tuple[int, int]]] = []
    at = prepared.places(np.array(rows, dtype=np.int64)).iter_rows()
    for (logs, numbers), wanted in zip(at, positions, strict=True):
        places.append({position: (logs[position], numbers[position]) for position in wanted})
    raw = prepared.raw({place for each in places for place in each.values()})
    found = []
    for row, each in zip(rows, places, strict=True):
        times, of_session = moments_of(prepared.dataset, row), events[row]
        lines = []
        for position, place in each.items():
            template, level = templates.get(of_session[position], ("", None))
            lines.append(line_of(prepared, place, position, raw.get(place, ""), times[position], template, level))
        found.append(lines)
    return found

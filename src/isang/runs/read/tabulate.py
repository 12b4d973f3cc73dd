"""One run among the rows of a file to its table: columns, epochs, facts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.runs.read import table as t
from isang.runs.read.columns import Column, Columns
from isang.runs.read.row_events import EventRows, Mask
from isang.runs.read.rows import LoggedRows
from isang.runs.read.series_names import BATCH, MEAN, normal
from isang.runs.read.steps import fill
from isang.runs.read.table import EpochLine, Epochs, Floats, Integers, Restart, RunSource, RunTable
from isang.runs.read.times import dates

Places = NDArray[np.int32] | NDArray[np.int64]

STRETCH = 1 << 18
"""Rows that are worked on at a time where a result needs no more."""
MOST_EPOCH_LINES = 100_000
FEWEST_BELOW = 3
"""Minimum number of values of a series on lines without a step."""


@dataclass
class Run:
    """A run among the rows of a file."""

    start: int
    end: int
    """The run is in the rows of the file from `start` to before `end`, without those that a resume made void."""
    restarts: list[tuple[int, int, str]]
    """(step before, step after, kind)"""

    @property
    def rows(self) -> slice:
        return slice(self.start, self.end)


def table_of(
    records: LoggedRows,
    events: EventRows,
    run: Run,
    kind: str,
    core: Mask,
    void: Mask,
    source: RunSource,
    series: dict[str, int],
) -> RunTable:
    """The table of one run; `core` are the rows with its loss, of the kind `kind`, `void` those done again later."""
    alive, core = ~void[run.rows], core[run.rows]
    kept = alive & events.step.known(run.start, run.end) & _valued(events, run, core)
    step, place = distinct(events.step.values(run.start, run.end)[kept])
    columns, nan_rows = _columns(events, run, kind, kept, core, place, len(step))
    epoch = events.epoch.values(run.start, run.end)
    if alive.all():
        fill(epoch)
    else:
        epoch[alive] = fill(epoch[alive])
    lines = () if events.counts_epochs else _epoch_lines(events, run, epoch, alive & ~core)
    row_epoch = np.full(len(step), np.nan, dtype=np.float32)
    _first(lambda start, end: epoch[start:end], kept, kept, place, row_epoch)
    facts = _facts(records, events, run, alive, kept)
    size = facts.get("batches_per_epoch")
    if np.isnan(row_epoch).all() and isinstance(size, int) and size > 0 and not events.counts_epochs:
        row_epoch = (np.floor((step - 1) / size) + events.first_epoch).astype(np.float32)
    restarts = tuple(
        Restart(row=int(np.searchsorted(step, after)), step_before=before, step_after=after, kind=what)
        for before, after, what in run.restarts
    )
    choice = events.choice
    return RunTable(
        name=records.name or records.account.path, source=source, step=step, epoch=row_epoch,
        columns=columns, loss=kind, loss_window=_window(events, kind, run, core & kept),
        epoch_lines=lines, restarts=restarts, facts=facts, series=series, logged_nan=nan_rows,
        loss_name=_judged_name(events, kind), counts_epochs=events.counts_epochs, first_epoch=events.first_epoch,
        maximised=choice.judged_metric is not None and choice.judged_metric.maximised, objective=choice.objective,
        metric=choice.metric.name if choice.metric and choice.metric.name in columns else None,
        metric_maximised=choice.metric is None or choice.metric.maximised,
        metrics=tuple(metric for metric in choice.metrics if metric.name in columns),
    )  # fmt: skip


def _judged_name(events: EventRows, kind: str) -> str:
    """The log's own name of what the run is judged by."""
    choice = events.choice
    if kind == t.VALIDATION_LOSS:
        return choice.validation
    return next(iter(choice.by_role.get(MEAN, [])), "") if kind == t.RUNNING_MEAN else events.loss_name


def _valued(events: EventRows, run: Run, core: Mask) -> Mask:
    """Rows that say something about their step, or about that of the row before."""
    own = events.own_step[run.rows]
    said = core | events.validation.known(run.start, run.end)
    for column in (events.rate, events.norm, events.seconds, events.mean, events.data, *events.others.values()):
        known = column.known(run.start, run.end)
        said |= known & (own if _is_own(known, own) else True)
    return said | events.evaluation.known(run.start, run.end)


def _is_own(known: Mask, own: Mask) -> bool:
    """Whether a series is on lines that name their step; others may be on separate lines below that of the step.

    A few numbers below are settings and sentences.
    """
    below = int((known & ~own).sum())
    return below < FEWEST_BELOW or 2 * below < int((known & own).sum())


def distinct(steps: Floats) -> tuple[Integers, Places]:
    """The distinct steps, ascending, and the index of each of the K given ones among them."""
    if (steps[1:] < steps[:-1]).any():
        return np.unique(steps.astype(np.int64), return_inverse=True)
    new = np.ones(len(steps), dtype=bool)
    new[1:] = steps[1:] > steps[:-1]
    return steps[new].astype(np.int64), np.cumsum(new, dtype=np.int32) - np.int32(1)


def _columns(
    events: EventRows, run: Run, kind: str, kept: Mask, core: Mask, place: Places, size: int
) -> tuple[Columns, dict[str, Integers]]:
    own, at_core = events.own_step[run.rows] & kept, core & kept

    def placed(column: Column) -> Mask:
        known = column.known(run.start, run.end)
        return own if _is_own(known & kept, own) else kept

    candidates = [
        (t.VALIDATION_LOSS, events.validation, kept),
        (t.LEARNING_RATE, events.rate, placed(events.rate)),
        (t.GRADIENT_NORM, events.norm, placed(events.norm)),
        (t.STEP_SECONDS, events.seconds, at_core),
        (t.DATA_SECONDS, events.data, own),
        (t.EVALUATION_SECONDS, events.evaluation, kept),
        (t.TIME, events.time, kept),
        (t.RUNNING_MEAN, events.mean, own | at_core if kind == t.RUNNING_MEAN else own),
    ]
    if kind in (t.BATCH_LOSS, t.INTERVAL_LOSS, t.METRIC):
        candidates.insert(0, (kind, events.loss, at_core))
    named = {name for name, _, _ in candidates}
    candidates += [(name, column, placed(column)) for name, column in events.others.items() if name not in named]
    columns: dict[str, Column] = {}
    for name, column, where in candidates:  # one at a time: each takes the memory of the whole run
        if not (where & column.known(run.start, run.end)).any():
            continue

        def read(start: int, end: int, column: Column = column) -> Floats:
            return column.values(run.start + start, run.start + end)

        values = np.full(size, np.nan)
        if name == kind and _several(place, at_core[kept], size):
            _mean(read(0, len(kept))[kept], at_core[kept], place, values)
        else:
            _first(read, where, kept, place, values)
        columns[name] = Column(_ascending(values) if name == t.TIME else values)
    columns.setdefault(kind, Column(np.full(size, np.nan)))
    nan_rows = {}
    said_nan = ((kind, "loss", at_core), (t.VALIDATION_LOSS, "validation", kept), (t.GRADIENT_NORM, "norm", own))
    for name, logged, where in said_nan:
        said = np.zeros(len(core), dtype=bool)
        odd = events.logged_nan[logged]
        said[odd[(odd >= run.start) & (odd < run.end)] - run.start] = True
        if said.any() and (name, logged) != (t.VALIDATION_LOSS, "loss"):
            columns.setdefault(name, Column(np.full(size, np.nan)))
            rows = np.unique(place[(said & where)[kept]])
            nan_rows[name] = rows[~columns[name].known()[rows]].astype(np.int64)
    return Columns(columns), {name: rows for name, rows in nan_rows.items() if len(rows)}


def _first(read: Callable[[int, int], Floats], where: Mask, kept: Mask, place: Places, result: Epochs) -> None:
    """Write to each element of `result`, which is all NaN, the first non-NaN value of the rows `where`.

    `read` returns the values of a range of rows, `place` is the index of each row of `kept`, which includes all rows of
    `where`.
    """
    before = len(place)
    for start in reversed(range(0, len(kept), STRETCH)):  # from the back, so that the first value is written last
        part = slice(start, min(start + STRETCH, len(kept)))
        values, among = read(part.start, part.stop), kept[part]
        placed = place[before - int(among.sum()) : before]
        before -= len(placed)
        use = (where[part] & ~np.isnan(values))[among]
        result[placed[use][::-1]] = values[among][use][::-1]


def _several(place: Places, where: Mask, steps: int) -> bool:
    """Whether every step has the same number of losses, more than one, such as one per device."""
    if where.sum() < 1.5 * steps:
        return False
    counts = np.bincount(place[where], minlength=steps)
    usual = np.median(counts)
    return bool(usual > 1 and (counts == usual).mean() > 0.9)


def _mean(values: Floats, where: Mask, place: Places, result: Floats) -> None:
    """Write to each element of `result` the mean of its values; NaN if one of them is NaN."""
    use = where & ~np.isnan(values)
    count = np.bincount(place[use], minlength=len(result))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        result[:] = np.bincount(place[use], weights=values[use], minlength=len(result)) / np.where(count, count, np.nan)


def _ascending(time: Floats) -> Floats:
    missing = np.isnan(time)
    np.fmax.accumulate(time, out=time)
    time[missing] = np.nan
    return time


def _window(events: EventRows, kind: str, run: Run, core: Mask) -> float:
    """Number of steps covered by one loss value."""
    if kind != t.INTERVAL_LOSS or events.counts_epochs:
        return 1.0
    stated = events.window.values(run.start, run.end)[core]
    if not np.isnan(stated).all():
        return float(np.nanmedian(stated))
    gaps = np.diff(np.unique(events.step.values(run.start, run.end)[core]))
    return float(np.median(gaps)) if len(gaps) else 1.0


def _epoch_lines(events: EventRows, run: Run, epoch: Floats, candidates: Mask) -> tuple[EpochLine, ...]:
    """What lines without a step state about the epoch that they end."""
    summary = candidates & ~events.own_step[run.rows] & ~np.isnan(epoch)
    said = events.mean.known() | events.loss.known() | events.validation.known()
    saying = np.flatnonzero(summary & said[run.rows])[:MOST_EPOCH_LINES]
    if not len(saying):
        return ()
    step, mean, loss, validation, rate, seconds = (
        column.take(run.start + saying)
        for column in (events.step, events.mean, events.loss, events.validation, events.rate, events.seconds)
    )
    mean = np.where(np.isnan(mean), loss, mean)
    lines: dict[int, dict[str, float]] = {}
    last_step: dict[int, int] = {}
    for index, number in enumerate(epoch[saying].astype(np.int64).tolist()):
        line = lines.setdefault(number, {})
        for key, values in (("mean", mean), ("validation", validation), ("rate", rate), ("seconds", seconds)):
            if not np.isnan(values[index]):
                line[key] = float(values[index])
        if not np.isnan(step[index]):
            last_step[number] = int(step[index])
    nan = float("nan")
    return tuple(
        EpochLine(
            number,
            last_step.get(number),
            line.get("mean", nan),
            line.get("validation", nan),
            line.get("rate", nan),
            line.get("seconds", nan),
        )
        for number, line in sorted(lines.items())
    )


def _facts(records: LoggedRows, events: EventRows, run: Run, alive: Mask, kept: Mask) -> dict[str, Any]:
    facts = dict(records.facts)
    dated = _extremes(dates(records), run, alive)
    if dated is None:
        dated = _extremes(events.time, run, kept)
        if dated is not None and dated[0] < 86_400 * 365 * 10:
            dated = None  # seconds since the start of something, not a date
    if dated is not None:
        facts.setdefault("started", _iso(dated[0]))
        facts.setdefault("ended", _iso(dated[1]))
    for fact, name in (("epochs", "@epoch_total"), ("batches_per_epoch", "@batches"), ("step_total", "@step_total")):
        if name in records.totals and not (name == "@batches" and not _counts_batches(records, events)):
            facts.setdefault(fact, int(min(records.totals[name], 2**53)))
    took = [name for name in records.columns if normal(name) == "train_runtime"]
    if took and len(seconds := events.others[took[0]].values(run.start, run.end)) and np.isfinite(seconds).any():
        facts.setdefault("train_seconds", float(seconds[np.isfinite(seconds)][-1]))
    if "step_total" in facts:
        facts.setdefault("planned_steps", facts["step_total"])
    return facts


def _counts_batches(records: LoggedRows, events: EventRows) -> bool:
    """Whether rows with a training loss name their batch; a bar elsewhere may be one over the validation set."""
    named = ["@batch", *events.choice.by_role.get(BATCH, [])]
    return any((records.column(name).known() & (events.loss_logged | events.mean.known())).any() for name in named)


def _extremes(column: Column, run: Run, where: Mask) -> tuple[float, float] | None:
    """The lowest and the highest value in the rows of the run that `where` names."""
    found: list[float] = []
    for start in range(0, len(where), STRETCH):
        end = min(start + STRETCH, len(where))
        values = column.values(run.start + start, run.start + end)[where[start:end]]
        if not np.isnan(values).all():
            found += [float(np.nanmin(values)), float(np.nanmax(values))]
    return (min(found), max(found)) if found else None


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(round(seconds, 3), tz=UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")

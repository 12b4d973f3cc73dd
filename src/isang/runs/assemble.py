"""Events to runs: resumes and new runs told apart, each step once, every line of the file accounted for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.errors import InputError
from isang.runs import table as t
from isang.runs.columns import Column, Columns, give_back_memory
from isang.runs.events import Events, Mask, dates, events_of, fill, series_text
from isang.runs.names import role
from isang.runs.records import RECORD, RECORD_WORDS, RESUMED, Records
from isang.runs.table import EpochLine, Epochs, Floats, Integers, Restart, RunTable, Source

Places = NDArray[np.int32] | NDArray[np.int64]

STRETCH = 1 << 18
"""Rows that are worked on at a time where a result needs no more."""
_NOT_USED = ("numbers before the first step", "prose")

MOST_EPOCH_LINES = 100_000
MOST_RUNS = 1_000
"""A file whose step goes back to the start more often than this is no run log."""


class NoLossError(InputError):
    """Values were found, and none of them is a loss."""

    def __init__(self, message: str, name: str, series: dict[str, int]) -> None:
        super().__init__(message)
        self.name = name
        self.series = series
        """What was found, by the log's own name, with the number of values."""


@dataclass
class _Run:
    start: int
    end: int
    """The run is in the rows of the file from `start` to before `end`, without those that a resume made void."""
    restarts: list[tuple[int, int, str]]
    """(step before, step after, kind)"""

    @property
    def rows(self) -> slice:
        return slice(self.start, self.end)


def assemble(records: Records, *, loss: str | None = None) -> list[RunTable]:
    """The runs in a file's records, in the order of the file. Raises NoLossError where there is no loss."""
    events = events_of(records, loss)
    core, kind = _core(events, records)
    runs, void, sorted_rows = _runs(events, core)
    if sorted_rows:
        events.notes.append("the steps are out of order in the file; the rows were sorted by step")
    _add_stated_resumes(records, events, core & ~void, runs)
    used = _account(records, events, core, void, runs)
    source, series = _source(records, events, used), _series(records)
    give_back_memory()
    tables = [_table(records, events, run, kind, core, void, source, series) for run in runs]
    if len(tables) > 1:
        names = [f"{table.name}, run {number} of {len(tables)}" for number, table in enumerate(tables, 1)]
        tables = [replace(table, name=name) for table, name in zip(tables, names, strict=True)]
    return tables


def _core(events: Events, records: Records) -> tuple[Mask, str]:
    """The rows that carry the loss by which training is judged, and which of the columns that is."""
    stepped = events.step.known()
    own = stepped & events.own_step
    if (events.loss_logged & own).any():
        kind = t.INTERVAL_LOSS if events.counts_epochs or _is_mean(events, records) else t.BATCH_LOSS
        return events.loss_logged & own, kind
    if (events.loss_logged & stepped).any():
        return events.loss_logged & stepped, t.INTERVAL_LOSS
    if (events.mean.known() & stepped).any():
        return events.mean.known() & stepped, t.RUNNING_MEAN
    held_out = events.validation.known()
    held_out[events.logged_nan["validation"]] = True
    if (held_out & stepped).any():
        events.notes.append("no training loss is logged; the run is judged by its validation loss")
        return held_out & stepped, t.VALIDATION_LOSS
    raise NoLossError(
        f"{records.account.path} holds no loss; the series found are {series_text(records)}; "
        "name the one that is the loss with --loss NAME",
        records.name or records.account.path,
        _series(records),
    )


def _is_mean(events: Events, records: Records) -> bool:
    if records.loss_is_mean is not None:
        return records.loss_is_mean
    windows = events.window.values()[events.loss_logged & events.window.known()]
    return "epoch" in events.loss_name.lower() or (len(windows) > 0 and float(np.median(windows)) > 1.0)


def _runs(events: Events, core: Mask) -> tuple[list[_Run], Mask, bool]:
    """Cut the rows where the step goes back to the start; void what a resume did again."""
    rows = np.flatnonzero(core)
    steps = events.step.values()[rows]
    if _repeats_one(steps, events.loss.take(rows)):
        rows, steps = rows[:-1], steps[:-1]  # such as the best round, which boosted trees print again at their end
    backs = np.flatnonzero(steps[1:] < steps[:-1]) + 1
    void = np.zeros(len(core), dtype=bool)
    if not len(backs):
        return [_Run(0, len(core), [])], void, False
    if len(backs) > max(2, 0.05 * len(rows)) or len(backs) > MOST_RUNS:
        return [_Run(0, len(core), [])], void, True
    interval = float(np.median(np.diff(steps)[np.diff(steps) > 0])) if (np.diff(steps) > 0).any() else 1.0
    starts: list[int] = [0]
    restarts: list[list[tuple[int, int, str]]] = [[]]
    first, first_index, furthest = float(steps[0]), 0, 0.0
    for back in backs.tolist():
        before, after = float(steps[back - 1]), float(steps[back])
        if after <= first + 2 * interval:
            starts.append(int(rows[back]))
            done = before >= 0.95 * float(steps.max())
            restarts.append([(int(before), int(after), "trial" if done else "restart")])
            first, first_index = after, back
            continue
        redone = rows[first_index:back][steps[first_index:back] >= after]
        void[redone] = True
        previous = restarts[-1]
        if previous and previous[-1][2] == "resume" and previous[-1][1] >= before - interval and furthest == before:
            before = previous.pop()[0]  # one stray row between two steps back is one resume
        previous.append((int(before), int(after), "resume"))
        furthest = after
    ends = [*starts[1:], len(core)]
    return [_Run(a, b, r) for a, b, r in zip(starts, ends, restarts, strict=True)], void, False


def _repeats_one(steps: Floats, loss: Floats) -> bool:
    """The last row goes back to an earlier one and says the same again."""
    if len(steps) < 3 or not steps[-1] < steps[-2]:
        return False
    return bool((loss[:-1][steps[:-1] == steps[-1]] == loss[-1]).any())


def _add_stated_resumes(records: Records, events: Events, core: Mask, runs: list[_Run]) -> None:
    """A log that says `resumed` was resumed, also where no step was done twice."""
    said = np.flatnonzero(records.values(RECORD) == RESUMED)
    if not len(said):
        return
    rows = np.flatnonzero(core)
    steps = events.step.values()[rows]
    for run in runs:
        for row in said[(said >= run.start) & (said < run.end)].tolist():
            after = int(np.searchsorted(rows, row))
            if after == 0 or rows[after - 1] < run.start or after == len(rows) or rows[after] >= run.end:
                continue
            last, first = int(steps[after - 1]), int(steps[after])
            if all(first != known for _, known, _ in run.restarts):
                run.restarts.append((last, first, "resume"))
        run.restarts.sort(key=lambda restart: restart[1])


def _account(records: Records, events: Events, core: Mask, void: Mask, runs: list[_Run]) -> dict[str, int]:
    """Complete the account of the lines; each of the R rows goes to exactly one place."""
    account = records.account
    steps = 0
    for run in runs:
        steps += len(_distinct(events.step.values(run.start, run.end)[(core & ~void)[run.rows]])[0])
    account.ignore("repeats a step", int((core & ~void).sum()) - steps)
    account.ignore("done again after a resume", int(void.sum()))
    used = {"step": steps}
    for start in range(0, len(core), STRETCH):
        end = min(start + STRETCH, len(core))
        for what, rows in _other_rows(records, events, core, start, end).items():
            if what in _NOT_USED:
                account.ignore(what, int(rows.sum()))
            else:
                used[what] = used.get(what, 0) + int(rows.sum())
    return {what: count for what, count in used.items() if count}


def _other_rows(records: Records, events: Events, core: Mask, start: int, end: int) -> dict[str, Mask]:
    """What the rows from `start` to before `end` that hold no training loss were used for; each stands in one mask."""
    left = ~core[start:end]
    mean, epoch = events.mean.known(start, end), events.epoch.known(start, end)
    summary = left & ~events.own_step[start:end] & epoch & mean
    validation = left & events.validation.known(start, end) & ~summary
    said = records.column(RECORD).values(start, end)
    spoken = {word: left & ~validation & (said == number) for number, word in enumerate(RECORD_WORDS, start=1)}
    for rows in spoken.values():
        left &= ~rows
    named = np.zeros(end - start, dtype=bool)
    for name, column in records.columns.items():
        if not name.startswith("@"):
            named |= column.known(start, end)
            odd = records.nan_rows(name)
            named[odd[(odd >= start) & (odd < end)] - start] = True
    outside = left & named & ~events.step.known(start, end) & ~summary
    rest = left & named & ~validation & ~outside
    return {
        "validation": validation & ~outside, "epoch": rest & (epoch | mean), "other values": rest & ~(epoch | mean),
        **spoken, "numbers before the first step": outside, "prose": left & ~validation & ~named,
    }  # fmt: skip


def _source(records: Records, events: Events, used: dict[str, int]) -> Source:
    account = records.account
    return Source(
        path=account.path, format=account.format, size_bytes=account.size_bytes, lines=account.lines, used=used,
        ignored=dict(account.ignored), failed=account.failed, failed_examples=tuple(account.failed_examples),
        notes=(*account.notes, *events.notes),
    )  # fmt: skip


def _table(
    records: Records,
    events: Events,
    run: _Run,
    kind: str,
    core: Mask,
    void: Mask,
    source: Source,
    series: dict[str, int],
) -> RunTable:
    alive, core = ~void[run.rows], core[run.rows]
    kept = alive & events.step.known(run.start, run.end) & _valued(events, run, core)
    step, place = _distinct(events.step.values(run.start, run.end)[kept])
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
        row_epoch = (np.floor((step - 1) / size) + 1.0).astype(np.float32)
    restarts = tuple(
        Restart(row=int(np.searchsorted(step, after)), step_before=before, step_after=after, kind=what)
        for before, after, what in run.restarts
    )
    return RunTable(
        name=records.name or records.account.path, source=source, step=step, epoch=row_epoch,
        columns=columns, loss=kind, loss_window=_window(events, kind, run, core & kept),
        epoch_lines=lines, restarts=restarts, facts=facts, series=series, logged_nan=nan_rows,
    )  # fmt: skip


def _valued(events: Events, run: _Run, core: Mask) -> Mask:
    """Rows that say something about their step."""
    own = events.own_step[run.rows]
    said = core | events.validation.known(run.start, run.end)
    for column in (events.rate, events.norm, events.seconds, events.mean, *events.others.values()):
        said |= own & column.known(run.start, run.end)
    return said


def _distinct(steps: Floats) -> tuple[Integers, Places]:
    """The different steps, ascending, and the place of each of the K given ones among them."""
    if (steps[1:] < steps[:-1]).any():
        return np.unique(steps.astype(np.int64), return_inverse=True)
    new = np.ones(len(steps), dtype=bool)
    new[1:] = steps[1:] > steps[:-1]
    return steps[new].astype(np.int64), np.cumsum(new, dtype=np.int32) - np.int32(1)


def _columns(
    events: Events, run: _Run, kind: str, kept: Mask, core: Mask, place: Places, size: int
) -> tuple[Columns, dict[str, Integers]]:
    own, at_core = events.own_step[run.rows] & kept, core & kept
    candidates = [
        (t.VALIDATION_LOSS, events.validation, kept),
        (t.LEARNING_RATE, events.rate, own),
        (t.GRADIENT_NORM, events.norm, own),
        (t.STEP_SECONDS, events.seconds, at_core),
        (t.TIME, events.time, kept),
        (t.RUNNING_MEAN, events.mean, own | at_core if kind == t.RUNNING_MEAN else own),
    ]
    if kind in (t.BATCH_LOSS, t.INTERVAL_LOSS):
        candidates.insert(0, (kind, events.loss, at_core))
    named = {name for name, _, _ in candidates}
    candidates += [(name, column, own) for name, column in events.others.items() if name not in named]
    columns: dict[str, Column] = {}
    for name, column, where in candidates:  # one at a time: each takes the memory of the whole run
        if not (where & column.known(run.start, run.end)).any():
            continue

        def read(start: int, end: int, column: Column = column) -> Floats:
            return column.values(run.start + start, run.start + end)

        values = np.full(size, np.nan)
        _first(read, where, kept, place, values)
        columns[name] = Column(_ascending(values) if name == t.TIME else values)
    columns.setdefault(kind, Column(np.full(size, np.nan)))
    nan_rows = {}
    for name, logged, where in ((kind, "loss", at_core), (t.VALIDATION_LOSS, "validation", kept)):
        said = np.zeros(len(core), dtype=bool)
        odd = events.logged_nan[logged]
        said[odd[(odd >= run.start) & (odd < run.end)] - run.start] = True
        if name in columns and (name, logged) != (t.VALIDATION_LOSS, "loss"):
            rows = np.unique(place[(said & where)[kept]])
            nan_rows[name] = rows[~columns[name].known()[rows]].astype(np.int64)
    return Columns(columns), {name: rows for name, rows in nan_rows.items() if len(rows)}


def _first(read: Callable[[int, int], Floats], where: Mask, kept: Mask, place: Places, result: Epochs) -> None:
    """Write to each place of `result`, which is all NaN, the first value of the rows `where` that is not NaN.

    `read` gives the values from one row to before another, `place` is that of each row of `kept`, which holds all rows
    of `where`.
    """
    before = len(place)
    for start in reversed(range(0, len(kept), STRETCH)):  # from the back, so that the first value is written last
        part = slice(start, min(start + STRETCH, len(kept)))
        values, among = read(part.start, part.stop), kept[part]
        placed = place[before - int(among.sum()) : before]
        before -= len(placed)
        use = (where[part] & ~np.isnan(values))[among]
        result[placed[use][::-1]] = values[among][use][::-1]


def _ascending(time: Floats) -> Floats:
    missing = np.isnan(time)
    np.fmax.accumulate(time, out=time)
    time[missing] = np.nan
    return time


def _window(events: Events, kind: str, run: _Run, core: Mask) -> float:
    """Steps that one loss value stands for."""
    if kind != t.INTERVAL_LOSS or events.counts_epochs:
        return 1.0
    stated = events.window.values(run.start, run.end)[core]
    if not np.isnan(stated).all():
        return float(np.nanmedian(stated))
    gaps = np.diff(np.unique(events.step.values(run.start, run.end)[core]))
    return float(np.median(gaps)) if len(gaps) else 1.0


def _epoch_lines(events: Events, run: _Run, epoch: Floats, candidates: Mask) -> tuple[EpochLine, ...]:
    """What lines without a step of their own said about the epoch they end."""
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


def _facts(records: Records, events: Events, run: _Run, alive: Mask, kept: Mask) -> dict[str, Any]:
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
        if name in records.totals:
            facts.setdefault(fact, int(min(records.totals[name], 2**53)))
    if "step_total" in facts:
        facts.setdefault("planned_steps", facts["step_total"])
    return facts


def _extremes(column: Column, run: _Run, where: Mask) -> tuple[float, float] | None:
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


def _series(records: Records) -> dict[str, int]:
    counts = {name: records.count(name) for name in records.columns if not name.startswith("@")}
    return {name: count for name, count in counts.items() if count > 1 or (count and role(name))}

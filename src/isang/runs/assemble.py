"""Events to runs: resumes and new runs told apart, each step once, every line of the file accounted for."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from isang.errors import InputError
from isang.runs import table as t
from isang.runs.events import Events, Mask, dates, events_of, filled, series_text
from isang.runs.names import role
from isang.runs.records import RECORD, RECORD_WORDS, RESUMED, Records
from isang.runs.table import EpochLine, Floats, Integers, Restart, RunTable, Source

MOST_RUNS = 1_000
"""A file whose step goes back to the start more often than this is no run log."""


@dataclass
class _Run:
    rows: Integers
    """Rows of the file that belong to the run, without those that a resume made void."""
    restarts: list[tuple[int, int, str]]
    """(step before, step after, kind)"""


def assemble(records: Records, *, loss: str | None = None) -> list[RunTable]:
    """The runs in a file's records, in the order of the file. Raises InputError where there is no loss."""
    events = events_of(records, loss)
    core, kind = _core(events, records)
    runs, void, sorted_rows = _runs(events, core)
    if sorted_rows:
        events.notes.append("the steps are out of order in the file; the rows were sorted by step")
    _add_stated_resumes(records, events, core, runs)
    used = _account(records, events, core, void, runs)
    source, series = _source(records, events, used), _series(records)
    records.columns = {name: values for name, values in records.columns.items() if name == "@date"}  # the rest is used
    tables = [_table(records, events, run, kind, core, source, series) for run in runs]
    if len(tables) > 1:
        names = [f"{table.name}, run {number} of {len(tables)}" for number, table in enumerate(tables, 1)]
        tables = [replace(table, name=name) for table, name in zip(tables, names, strict=True)]
    return tables


def _core(events: Events, records: Records) -> tuple[Mask, str]:
    """The rows that carry the loss by which training is judged, and which of the columns that is."""
    stepped = ~np.isnan(events.step)
    own = stepped & events.own_step
    if (events.loss_logged & own).any():
        kind = t.INTERVAL_LOSS if events.counts_epochs or _is_mean(events, records) else t.BATCH_LOSS
        return events.loss_logged & own, kind
    if (events.loss_logged & stepped).any():
        return events.loss_logged & stepped, t.INTERVAL_LOSS
    if (~np.isnan(events.mean) & stepped).any():
        return ~np.isnan(events.mean) & stepped, t.RUNNING_MEAN
    held_out = ~np.isnan(events.validation)
    held_out[events.logged_nan["validation"]] = True
    if (held_out & stepped).any():
        events.notes.append("no training loss is logged; the run is judged by its validation loss")
        return held_out & stepped, t.VALIDATION_LOSS
    raise InputError(
        f"{records.account.path} holds no loss; the series found are {series_text(records)}; "
        "name the one that is the loss with --loss NAME"
    )


def _is_mean(events: Events, records: Records) -> bool:
    if records.loss_is_mean is not None:
        return records.loss_is_mean
    windows = events.window[events.loss_logged & ~np.isnan(events.window)]
    return "epoch" in events.loss_name.lower() or (len(windows) > 0 and float(np.median(windows)) > 1.0)


def _runs(events: Events, core: Mask) -> tuple[list[_Run], Mask, bool]:
    """Cut the rows where the step goes back to the start; void what a resume did again."""
    rows = np.flatnonzero(core)
    steps = events.step[rows]
    backs = np.flatnonzero(np.diff(steps) < 0) + 1
    void = np.zeros(len(core), dtype=bool)
    everything = np.arange(len(core))
    if not len(backs):
        return [_Run(everything, [])], void, False
    if len(backs) > max(2, 0.05 * len(rows)) or len(backs) > MOST_RUNS:
        return [_Run(everything, [])], void, True
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
    runs = [_Run(everything[a:b], r) for a, b, r in zip(starts, ends, restarts, strict=True)]
    for run in runs:
        run.rows = run.rows[~void[run.rows]]
    return runs, void, False


def _add_stated_resumes(records: Records, events: Events, core: Mask, runs: list[_Run]) -> None:
    """A log that says `resumed` was resumed, also where no step was done twice."""
    said = records.values(RECORD) == RESUMED
    for run in runs:
        for row in run.rows[said[run.rows]].tolist():
            rows = run.rows[core[run.rows]]
            before, after = rows[rows < row], rows[rows > row]
            if not len(before) or not len(after):
                continue
            last, first = int(events.step[before[-1]]), int(events.step[after[0]])
            if all(first != known for _, known, _ in run.restarts):
                run.restarts.append((last, first, "resume"))
        run.restarts.sort(key=lambda restart: restart[1])


def _account(records: Records, events: Events, core: Mask, void: Mask, runs: list[_Run]) -> dict[str, int]:
    """Complete the account of the lines; each of the R rows goes to exactly one place."""
    account = records.account
    first = np.zeros(len(core), dtype=bool)
    for run in runs:
        rows = run.rows[core[run.rows]]
        _, index = np.unique(events.step[rows], return_index=True)
        first[rows[index]] = True
    repeated = core & ~first & ~void
    summary = ~core & ~events.own_step & ~np.isnan(events.epoch) & ~np.isnan(events.mean)
    validation = ~core & ~np.isnan(events.validation) & ~summary
    outside = ~core & np.isnan(events.step) & ~summary
    named = np.zeros(len(core), dtype=bool)
    for name, values in records.columns.items():
        if not name.startswith("@"):
            named |= ~np.isnan(values)
    for where in records.present.values():
        named[where] = True
    outside &= named
    spoken = {}
    for number, word in enumerate(RECORD_WORDS, start=1):
        of_word = (records.values(RECORD) == number) & ~core & ~validation
        spoken[word] = int(of_word.sum())
        named &= ~of_word
        outside &= ~of_word
    rest = ~core & ~validation & ~outside & named
    epochs = rest & (~np.isnan(events.epoch) | ~np.isnan(events.mean))
    used = {
        "step": int(first.sum()), "validation": int((validation & ~outside).sum()), "epoch": int(epochs.sum()),
        "other values": int((rest & ~epochs).sum()), **spoken,
    }  # fmt: skip
    account.ignore("repeats a step", int(repeated.sum()))
    account.ignore("done again after a resume", int(void.sum()))
    account.ignore("numbers before the first step", int(outside.sum()))
    account.ignore("prose", int((~core & ~validation & ~named).sum()) - sum(spoken.values()))
    return {what: count for what, count in used.items() if count}


def _source(records: Records, events: Events, used: dict[str, int]) -> Source:
    account = records.account
    return Source(
        path=account.path, format=account.format, size_bytes=account.size_bytes, lines=account.lines, used=used,
        ignored=dict(account.ignored), failed=account.failed, failed_examples=tuple(account.failed_examples),
        notes=(*account.notes, *events.notes),
    )  # fmt: skip


def _table(
    records: Records, events: Events, run: _Run, kind: str, core: Mask, source: Source, series: dict[str, int]
) -> RunTable:
    rows = run.rows
    epoch = filled(events.epoch[rows])
    placed = ~np.isnan(events.step[rows])
    valued = placed & _valued(events, rows, core)
    kept = rows[valued]
    step, place = np.unique(events.step[kept].astype(np.int64), return_inverse=True)
    columns, nan_rows = _columns(events, kept, kind, core, place, len(step))
    row_epoch = _first(epoch[valued], place, len(step))
    facts = _facts(records, events, rows, kept)
    size = facts.get("batches_per_epoch")
    if np.isnan(row_epoch).all() and isinstance(size, int) and size > 0 and not events.counts_epochs:
        row_epoch = np.floor((step - 1) / size) + 1.0
    restarts = tuple(
        Restart(row=int(np.searchsorted(step, after)), step_before=before, step_after=after, kind=what)
        for before, after, what in run.restarts
    )
    return RunTable(
        name=records.name or records.account.path, source=source, step=step, epoch=row_epoch, columns=columns,
        loss=kind, loss_window=_window(events, kind, kept[core[kept]]),
        epoch_lines=() if events.counts_epochs else _epoch_lines(events, rows, epoch, core),
        restarts=restarts, facts=facts, series=series, logged_nan=nan_rows,
    )  # fmt: skip


def _valued(events: Events, rows: Integers, core: Mask) -> Mask:
    """Rows that say something about their step."""
    own = events.own_step[rows]
    said = core[rows] | ~np.isnan(events.validation[rows])
    for values in (events.rate, events.norm, events.seconds, events.mean, *events.others.values()):
        said |= own & ~np.isnan(values[rows])
    return np.asarray(said, dtype=bool)


def _columns(
    events: Events, kept: Integers, kind: str, core: Mask, place: Integers, size: int
) -> tuple[dict[str, Floats], dict[str, Integers]]:
    own = events.own_step[kept]
    at_core = core[kept]
    nan_of = {name: np.isin(kept, where) for name, where in events.logged_nan.items()}
    everywhere = np.ones(len(kept), dtype=bool)
    candidates = [
        (t.VALIDATION_LOSS, events.validation, everywhere),
        (t.LEARNING_RATE, events.rate, own),
        (t.GRADIENT_NORM, events.norm, own),
        (t.STEP_SECONDS, events.seconds, at_core),
        (t.TIME, events.time, everywhere),
        (t.RUNNING_MEAN, events.mean, own | at_core if kind == t.RUNNING_MEAN else own),
    ]
    if kind in (t.BATCH_LOSS, t.INTERVAL_LOSS):
        candidates.insert(0, (kind, events.loss, at_core))
    columns: dict[str, Floats] = {}
    for name, all_values, where in candidates:  # one at a time: each takes the memory of the whole run
        values = np.where(where, all_values[kept], np.nan)
        if not np.isnan(values).all():
            columns[name] = _first(values, place, size)
    columns.setdefault(kind, np.full(size, np.nan))
    for name, values in events.others.items():
        if name not in columns and not np.isnan(values[kept]).all():
            columns[name] = _first(np.where(own, values[kept], np.nan), place, size)
    if t.TIME in columns:
        columns[t.TIME] = _ascending(columns[t.TIME])
    nan_rows = {kind: np.unique(place[nan_of["loss"] & at_core])} if kind != t.VALIDATION_LOSS else {}
    if nan_of["validation"].any():
        nan_rows[t.VALIDATION_LOSS] = np.unique(place[nan_of["validation"]])
    return columns, {name: where[np.isnan(columns[name][where])] for name, where in nan_rows.items()
                     if len(where) and name in columns}  # fmt: skip


def _first(values: Floats, place: Integers, size: int) -> Floats:
    """The first value that is not NaN at each of `size` places."""
    result = np.full(size, np.nan)
    known = ~np.isnan(values)
    result[place[known][::-1]] = values[known][::-1]
    return result


def _ascending(time: Floats) -> Floats:
    known = ~np.isnan(time)
    time[known] = np.maximum.accumulate(time[known])
    return time


def _window(events: Events, kind: str, core_rows: Integers) -> float:
    """Steps that one loss value stands for."""
    if kind != t.INTERVAL_LOSS or events.counts_epochs:
        return 1.0
    stated = events.window[core_rows]
    if not np.isnan(stated).all():
        return float(np.nanmedian(stated))
    gaps = np.diff(np.unique(events.step[core_rows]))
    return float(np.median(gaps)) if len(gaps) else 1.0


def _epoch_lines(events: Events, rows: Integers, epoch: Floats, core: Mask) -> tuple[EpochLine, ...]:
    """What lines without a step of their own said about the epoch they end."""
    own = events.own_step[rows]
    summary = ~own & ~np.isnan(epoch)
    mean = np.where(np.isnan(events.mean[rows]), events.loss[rows], events.mean[rows])
    saying = np.flatnonzero(summary & ~core[rows] & (~np.isnan(mean) | ~np.isnan(events.validation[rows])))
    lines: dict[int, dict[str, float]] = {}
    last_step: dict[int, int] = {}
    for index in saying[:100_000]:
        number = int(epoch[index])
        line = lines.setdefault(number, {})
        row = rows[index]
        for key, value in (
            ("mean", mean[index]), ("validation", events.validation[row]), ("rate", events.rate[row]),
            ("seconds", events.seconds[row]),
        ):  # fmt: skip
            if not np.isnan(value):
                line[key] = float(value)
        if not np.isnan(events.step[row]):
            last_step[number] = int(events.step[row])
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


def _facts(records: Records, events: Events, rows: Integers, kept: Integers) -> dict[str, Any]:
    facts = dict(records.facts)
    dated = dates(records)[rows]
    if np.isnan(dated).all():
        dated = events.time[kept]
        if np.isnan(dated).all() or np.nanmin(dated) < 86_400 * 365 * 10:
            dated = np.full(1, np.nan)
    if not np.isnan(dated).all():
        facts.setdefault("started", _iso(float(np.nanmin(dated))))
        facts.setdefault("ended", _iso(float(np.nanmax(dated))))
    for fact, name in (("epochs", "@epoch_total"), ("batches_per_epoch", "@batches"), ("step_total", "@step_total")):
        if name in records.totals:
            facts.setdefault(fact, int(min(records.totals[name], 2**53)))
    if "step_total" in facts:
        facts.setdefault("planned_steps", facts["step_total"])
    return facts


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(round(seconds, 3), tz=UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


def _series(records: Records) -> dict[str, int]:
    counts = {}
    for name, values in records.columns.items():
        if not name.startswith("@"):
            count = int((~np.isnan(values)).sum()) + len(records.present.get(name, ()))
            if count > 1 or role(name):
                counts[name] = count
    return counts

"""Records to events: which column is the step, the loss, the clock, one value per row of the file.

R rows of the file, in file order, throughout.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isang.errors import InputError
from isang.runs.read import series_names
from isang.runs.read.columns import Column
from isang.runs.read.rows import LoggedRows
from isang.runs.read.table import Floats, Integers

Mask = NDArray[np.bool_]


@dataclass
class Events:
    """R rows; NaN where a row says nothing."""

    step: Column
    own_step: Mask
    """The row names its step itself; others take the step of the row before."""
    epoch: Column
    """1-based."""
    loss: Column
    loss_logged: Mask
    """A loss was logged, be it NaN."""
    mean: Column
    validation: Column
    rate: Column
    norm: Column
    seconds: Column
    time: Column
    window: Column
    others: dict[str, Column]
    logged_nan: dict[str, Integers]
    """Rows whose loss (`loss`), validation loss (`validation`) or gradient norm (`norm`) was logged as NaN."""
    loss_name: str
    validation_name: str
    counts_epochs: bool
    """The log has no steps: one step stands for one epoch."""
    notes: list[str] = field(default_factory=list)


def events_of(records: LoggedRows, loss: str | None) -> Events:
    """Tell the columns apart by their names. Raises InputError where `loss` names no series."""
    by_role = _by_role(records)
    notes: list[str] = []
    loss_name = _loss_name(records, by_role, loss, notes)
    validation_name = _most_usual(records, [n for n in by_role.get(series_names.VALIDATION, []) if n != loss_name])
    validation, nan_rows = _validation(records, by_role, validation_name, notes)
    mean = _coalesced(records, by_role.get(series_names.MEAN, []))
    logged = records.logged(loss_name) if loss_name else mean.known()
    validation = _said_once(validation, logged)
    step, own_step, epoch, counts_epochs = _steps(records, by_role, logged, validation, notes)
    chosen = {name for role in by_role if role != series_names.LOSS for name in by_role[role]} | {
        loss_name,
        validation_name,
    }
    norm_name = _most_usual(records, by_role.get(series_names.NORM, []))
    return Events(
        step=step, own_step=own_step, epoch=epoch, loss=records.column(loss_name),
        loss_logged=records.logged(loss_name), mean=mean,
        validation=validation, rate=_rate(records, by_role.get(series_names.RATE, [])),
        norm=records.column(norm_name),
        seconds=_usual_column(records, by_role, series_names.SECONDS),
        time=_time(records, by_role), window=_usual_column(records, by_role, series_names.WINDOW),
        others={n: column for n, column in records.columns.items() if n not in chosen and not n.startswith("@")},
        logged_nan={
            "loss": records.nan_rows(loss_name), "validation": nan_rows, "norm": records.nan_rows(norm_name),
        },
        loss_name=loss_name, validation_name=validation_name, counts_epochs=counts_epochs, notes=notes,
    )  # fmt: skip


def fill(values: Floats) -> Floats:
    """Replace each NaN by the last value before it, in the given array of R values, which is also returned."""
    gaps = np.flatnonzero(np.isnan(values))
    if not len(gaps):
        return values
    begins = np.flatnonzero(np.diff(gaps, prepend=-2) > 1)
    before = gaps[begins] - 1
    last = np.where(before >= 0, values[before], np.nan)
    values[gaps] = np.repeat(last, np.diff(np.append(begins, len(gaps))))
    return values


def _by_role(records: LoggedRows) -> dict[str, list[str]]:
    by_role: dict[str, list[str]] = {}
    for name in records.columns:
        role = None if name.startswith("@") else series_names.role(name)
        if role:
            by_role.setdefault(role, []).append(name)
    for found in by_role.values():
        found.sort(key=series_names.priority)
    steps = by_role.get(series_names.STEP, [])
    if grown := [name for name in by_role.get(series_names.WINDOW, []) if _grows(records.column(name))]:
        by_role[series_names.WINDOW] = [name for name in by_role[series_names.WINDOW] if name not in grown]
        steps = by_role.setdefault(
            series_names.STEP, grown
        )  # `steps: 10 loss: 2.5` counts those done, not those averaged
    if len(steps) > 1:  # one letter names a step only where nothing else does
        by_role[series_names.STEP] = [name for name in steps if len(name) > 2] or steps
    return by_role


def _grows(column: Column) -> bool:
    """Each of several values is higher than the one before."""
    values = column.values()
    values = values[~np.isnan(values)]
    return len(values) > 2 and bool((values[1:] > values[:-1]).all())


def _most_usual(records: LoggedRows, candidates: list[str]) -> str:
    """The usual name among the series that are not rare; an empty name where there is none."""
    if not candidates:
        return ""
    counts = {name: records.count(name) for name in candidates}
    enough = 0.3 * max(counts.values())
    return min((name for name in candidates if counts[name] >= enough), key=series_names.priority)


def _loss_name(records: LoggedRows, by_role: dict[str, list[str]], asked: str | None, notes: list[str]) -> str:
    if asked is not None:
        plain = series_names.normal(asked)
        for name in records.columns:
            if name == asked or (series_names.normal(name) == plain and not name.startswith("@")):
                return name
        raise InputError(
            f"{records.account.path} has no series {asked!r}; it has {series_text(records)}; name one with --loss NAME"
        )
    candidates = by_role.get(series_names.LOSS, [])
    chosen = _most_usual(records, candidates)
    if len(candidates) > 1 and chosen and not series_names.is_exact_loss(chosen):
        notes.append(f"several losses are logged; {chosen!r} is judged, another one with --loss NAME")
    return chosen


def series_text(records: LoggedRows) -> str:
    """The series of a file in words, for a message."""
    shown = [f"{name} ({records.count(name):,})" for name in records.columns if not name.startswith("@")]
    return (", ".join(shown[:20]) + (f" and {len(shown) - 20:,} more" if len(shown) > 20 else "")) or "no series"


def _usual_column(records: LoggedRows, by_role: dict[str, list[str]], role: str) -> Column:
    return records.column(_most_usual(records, by_role.get(role, [])))


def _coalesced(records: LoggedRows, candidates: list[str]) -> Column:
    """The first series, its gaps filled from the next ones."""
    if len(candidates) < 2:
        return records.column(candidates[0] if candidates else "")
    values = records.values(candidates[0])
    for name in candidates[1:]:
        gaps = np.isnan(values)
        values[gaps] = records.values(name)[gaps]
    return Column(values)


def _rate(records: LoggedRows, candidates: list[str]) -> Column:
    """The learning rate; lines that call it by another usual name fill its gaps."""
    chosen = _most_usual(records, candidates)
    usual = [name for name in candidates if name != chosen and series_names.priority(name)[0] == 0]
    return _coalesced(records, [chosen, *usual] if chosen else [])


def _validation(
    records: LoggedRows, by_role: dict[str, list[str]], chosen: str, notes: list[str]
) -> tuple[Column, Integers]:
    """The validation loss; where only a perplexity is logged, its logarithm, which is that loss."""
    perplexity = "" if chosen else _most_usual(records, by_role.get(series_names.PERPLEXITY, []))
    if not perplexity:
        return records.column(chosen), records.nan_rows(chosen)
    notes.append(f"the validation loss is the logarithm of {perplexity!r}")
    values = records.values(perplexity)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Column(np.log(np.where(values > 0, values, np.nan))), records.nan_rows(perplexity)


def _said_once(validation: Column, logged: Mask) -> Column:
    """The validation loss where it is new; a progress bar shows the last one again beside each training loss."""
    rows = np.flatnonzero(validation.known())
    if len(rows) < 20 or logged[rows].mean() < 0.9:
        return validation
    values = validation.values()
    shown = values[rows]
    new = np.flatnonzero(np.append(True, shown[1:] != shown[:-1]))
    if 3 * len(new) > len(rows):
        return validation
    once = np.full(len(values), np.nan)
    once[rows[new]] = values[rows[new]]
    return Column(once)


def _steps(
    records: LoggedRows, by_role: dict[str, list[str]], logged: Mask, validation: Column, notes: list[str]
) -> tuple[Column, Mask, Column, bool]:
    """Step (own or taken over), whether it is the row's own, epoch, and whether steps are epochs.

    `logged` are the rows with a training loss.
    """
    core = logged | validation.known()
    done = _coalesced(records, by_role.get(series_names.EPOCH, [])).values()
    epoch = _one_based(done, core, records)
    step = _coalesced(records, by_role.get(series_names.STEP, [])).values()
    step[(step > 2**53) | (step < -(2**53))] = np.nan
    counts_epochs = False
    if (core & records.column("@batch").known()).sum() > 1 and not (core & ~np.isnan(step)).any():
        step, _ = _derived_steps(records, by_role, fill(epoch.copy()), core, logged, notes)
    else:
        if not (~np.isnan(step) & core).any() and not _only_separate(step, core):
            step = np.full(records.rows, np.nan)
        if np.isnan(step).all():
            step = _steps_of_shares(records, done, logged, notes)
            if np.isnan(step).all():
                step, counts_epochs = _derived_steps(records, by_role, epoch, core, logged, notes)
        else:
            step = _through_epochs(step, fill(epoch.copy()), core, notes)
    own = ~np.isnan(step)
    return Column(fill(step)), own, Column(epoch), counts_epochs


def _only_separate(step: Floats, core: Mask) -> bool:
    """Steps stand on lines of their own, at least three of them, between the lines with losses."""
    return int((~np.isnan(step)).sum()) >= 3 and bool(core.any())


def _one_based(epoch: Floats, core: Mask, records: LoggedRows) -> Floats:
    known = epoch[~np.isnan(epoch)]
    if not len(known):
        return epoch
    if (known != np.floor(known)).any():  # a share of epochs done: 1.0 is the end of the first
        return np.maximum(np.ceil(epoch), 1.0)
    with np.errstate(invalid="ignore"):
        at_losses = epoch[core & ~np.isnan(epoch)]
    first = at_losses.min() if len(at_losses) else known.min()
    total = records.totals.get("@epoch_total")
    reaches = total is not None and known.max() >= total
    return epoch + 1.0 if first == 0 and not reaches else epoch


def _steps_of_shares(records: LoggedRows, done: Floats, logged: Mask, notes: list[str]) -> Floats:
    """Steps from the epochs done, where the log names those in fractions several times per epoch; else all NaN."""
    known = done[logged & ~np.isnan(done)]
    if len(known) <= 1.5 * len(np.unique(np.ceil(known))) or (known == np.floor(known)).all():
        return np.full(len(done), np.nan)
    steps, epochs = records.facts.get("planned_steps"), records.facts.get("epochs")
    if steps and epochs and np.isfinite(known).all():
        notes.append(f"the step is counted from the share of the {epochs:,} epochs done, {steps:,} steps in all")
        return _evenly(np.where(logged, np.rint(done / epochs * steps), np.nan))
    return _numbered(logged, notes)


def _evenly(step: Floats) -> Floats:
    """Steps at equal distances, where those told from rounded shares lie near them."""
    rows = np.flatnonzero(~np.isnan(step))
    places = np.arange(1.0, len(rows) + 1)
    even = places * max(np.rint(step[rows[-1]] / len(rows)), 1.0)
    if np.abs(even - step[rows]).max() <= even[0]:
        step[rows] = even
    return step


def _numbered(logged: Mask, notes: list[str]) -> Floats:
    notes.append("the log counts no steps; the rows with a loss are numbered from 1")
    return np.where(logged, np.cumsum(logged).astype(np.float64), np.nan)


def _derived_steps(
    records: LoggedRows, by_role: dict[str, list[str]], epoch: Floats, core: Mask, logged: Mask, notes: list[str]
) -> tuple[Floats, bool]:
    batch, batches = records.values("@batch"), records.totals.get("@batches")
    if np.isnan(batch).all():
        batch = _coalesced(records, by_role.get(series_names.BATCH, [])).values()
    within = core & ~np.isnan(batch)
    if within.sum() > 1 or (within.any() and not np.isnan(epoch).any()):
        size = batches if batches is not None else float(np.nanmax(batch)) + 1
        notes.append(f"the step is counted from the epoch and the batch, {size:,.0f} batches per epoch")
        passed = _passes(batch, within, size) if np.isnan(epoch).all() else np.where(np.isnan(epoch), 0.0, epoch - 1.0)
        return np.where(core, passed * size + batch, np.nan), False
    if (~np.isnan(epoch)).any():
        notes.append("the log counts epochs only; one step stands for one epoch")
        return np.where(core, fill(epoch.copy()), np.nan), True
    return _numbered(logged if logged.any() else core, notes), False


def _passes(batch: Floats, within: Mask, size: float) -> Floats:
    """How often the batches had come to their end before each row: a bar that begins anew then is the next epoch."""
    rows = np.flatnonzero(within)
    ended = (batch[rows[1:]] < batch[rows[:-1]]) & (batch[rows[:-1]] >= 0.95 * size)
    passed = np.zeros(len(batch))
    np.add.at(passed, rows[1:][ended], 1.0)
    return np.cumsum(passed)


def _through_epochs(step: Floats, epoch: Floats, core: Mask, notes: list[str]) -> Floats:
    """Steps that start anew in each epoch become steps of the whole run."""
    placed = core & ~np.isnan(step) & ~np.isnan(epoch)
    if placed.sum() < 4:
        return step
    steps = step[placed]
    back = np.flatnonzero(steps[1:] < steps[:-1])
    if not len(back):
        return step
    risen = np.diff(epoch[placed])
    if (risen[back] <= 0).mean() > 0.2 or len(back) < 0.8 * (risen > 0).sum():
        return step
    size = float(steps.max()) + (1.0 if steps.min() == 0 else 0.0)
    notes.append(f"the log counts steps within each epoch; {size:,.0f} steps per epoch were assumed")
    return np.where(np.isnan(step), np.nan, step + (np.where(np.isnan(epoch), 1.0, epoch) - 1.0) * size)


def _time(records: LoggedRows, by_role: dict[str, list[str]]) -> Column:
    """Seconds since 1970 where the log has dates or time stamps, else since its first row; NaN where unknown."""
    time = dates(records)
    if not time.known().any():
        time = _usual_column(records, by_role, series_names.CLOCK)
    if "@bar_seconds" in records.columns:
        return Column(_with_bar_times(records.values("@bar_seconds"), time.values()))
    if not time.known().any():
        return Column(_unbroken(_usual_column(records, by_role, series_names.ELAPSED).values()))
    return time


def dates(records: LoggedRows) -> Column:
    """Seconds since 1970 of the dates in the lines, read as UTC; NaN for lines without one."""
    return records.column("@date")


def _with_bar_times(bar: Floats, time: Floats) -> Floats:
    """`time`, its gaps filled from a progress bar, which counts from its own start: the last dated line before it
    gives that moment."""
    starts, longest = _bars(bar)
    if not len(starts):
        return time
    dated = np.flatnonzero(~np.isnan(time))
    if len(dated):
        last = np.searchsorted(dated, starts, side="right") - 1
        base = np.where(last >= 0, time[dated[last]], np.nan)
    else:
        base = np.concatenate([[0.0], np.cumsum(longest)[:-1]])
    for moment, first, end in zip(base, starts, [*starts[1:], len(bar)], strict=True):
        bar[first:end] += moment
    gaps = np.isnan(time)
    time[gaps] = bar[gaps]
    return time


def _bars(bar: Floats) -> tuple[Integers, Floats]:
    """First row of each progress bar, and the most seconds that it shows."""
    rows = np.flatnonzero(~np.isnan(bar))
    if not len(rows):
        return rows, bar[rows]
    seconds = bar[rows]
    starts = np.concatenate([[0], np.flatnonzero(seconds[1:] < seconds[:-1]) + 1])
    return rows[starts], np.maximum.reduceat(seconds, starts)


def _unbroken(elapsed: Floats) -> Floats:
    """A stopwatch that was set back goes on from where it was."""
    rows = np.flatnonzero(~np.isnan(elapsed))
    if len(rows):
        steps = np.diff(elapsed[rows], prepend=elapsed[rows[0]])
        elapsed[rows] = np.cumsum(np.maximum(steps, 0.0))
    return elapsed

"""Which step and which epoch each of the R rows of a file belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isang.languages import Both
from isang.runs.read import series_names
from isang.runs.read.columns import Column
from isang.runs.read.rows import BAR, BAR_TOTAL, LoggedRows, assumed
from isang.runs.read.table import Floats

Mask = NDArray[np.bool_]

MOST_BARS = 20
"""Progress bars of different lengths that are tried as the one that counts steps, the most frequent first."""

FEWEST_OF_A_STEP = 20
"""Rows with a loss per step from which on they are not the values of several devices."""
FEWEST_STEPS = 5
"""Fewer steps than this show no regular number of rows."""
FEWEST_APART = 3
"""Numbers of batches on lines of their own that are no setting."""


@dataclass
class Steps:
    """R rows each."""

    step: Column
    """The row's own, or that of the row before."""
    own: Mask
    """The row names its step itself."""
    epoch: Column
    """The log's own number; an epoch derived from a fraction of epochs done counts from 1."""
    first_epoch: int
    """What the log calls its first epoch: 0 or 1."""
    counts_epochs: bool
    """Whether the log has no steps: then one step is one epoch."""


def steps_of(
    records: LoggedRows, by_role: Mapping[str, list[str]], logged: Mask, validation: Column, notes: list[Both]
) -> Steps:
    """Step and epoch of each row; `logged` are the rows with a training loss."""
    core = logged | validation.known()
    done = coalesced(records, by_role.get(series_names.EPOCH, [])).values()
    epoch, first_epoch = _whole_epochs(done, core, records)
    step = coalesced(records, by_role.get(series_names.STEP, [])).values()
    step[(step > 2**53) | (step < -(2**53))] = np.nan
    counts_epochs = False
    if (core & records.column("@batch").known()).sum() > 1 and not (core & ~np.isnan(step)).any():
        step, _ = _derived_steps(records, by_role, fill(epoch.copy()) - first_epoch, core, logged, notes)
    else:
        if not (~np.isnan(step) & core).any() and not _only_separate(step, core):
            step = np.full(records.rows, np.nan)
        if np.isnan(step).all():
            step = _steps_of_bars(records, logged, notes)
            if np.isnan(step).all():
                step = _steps_of_shares(records, done, logged, notes)
            if np.isnan(step).all():
                step, counts_epochs = _derived_steps(records, by_role, epoch - first_epoch, core, logged, notes)
                step += first_epoch if counts_epochs else 0
        else:
            step = _through_epochs(step, fill(epoch.copy()) - first_epoch, core, notes)
            _spread_rounded(step, done, logged, notes)
    if first_epoch == 0:
        notes.append(assumed("the log counts epochs from 0", "로그가 에폭을 0부터 셉니다"))
    own = ~np.isnan(step)
    return Steps(Column(fill(step)), own, Column(epoch), first_epoch, counts_epochs)


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


def coalesced(records: LoggedRows, candidates: list[str]) -> Column:
    """The first series, its gaps filled from the next ones."""
    if len(candidates) < 2:
        return records.column(candidates[0] if candidates else "")
    values = records.values(candidates[0])
    for name in candidates[1:]:
        gaps = np.isnan(values)
        values[gaps] = records.values(name)[gaps]
    return Column(values)


def _only_separate(step: Floats, core: Mask) -> bool:
    """Whether steps are on separate lines, at least three, between the lines with losses."""
    return int((~np.isnan(step)).sum()) >= 3 and bool(core.any())


def _whole_epochs(done: Floats, core: Mask, records: LoggedRows) -> tuple[Floats, int]:
    """The epoch of each row, and the number of the first one."""
    known = done[~np.isnan(done)]
    if not len(known):
        return done, 1
    if (known != np.floor(known)).any():  # a fraction of epochs done: 1.0 is the end of the first
        return np.maximum(np.ceil(done), 1.0), 1
    with np.errstate(invalid="ignore"):
        at_losses = done[core & ~np.isnan(done)]
    first = at_losses.min() if len(at_losses) else known.min()
    total = records.totals.get("@epoch_total")
    reaches = total is not None and (at_losses if len(at_losses) else known).max() >= total
    return done, 0 if first == 0 and not reaches else 1


def _spread_rounded(step: Floats, done: Floats, logged: Mask, notes: list[Both]) -> None:
    """If a log prints its steps in thousands (`12K`), space the rows with the same number evenly, in place.

    This is recognised by numbers ending in two or three zeros shared by several rows. The distance is that of the
    first, exact numbers, or follows from the epochs done; no step moves by more than the rounding error.
    """
    rows = np.flatnonzero(logged & ~np.isnan(step))
    printed = step[rows]
    same = printed[1:][printed[1:] == printed[:-1]]
    if (
        len(rows) < 4
        or len(same) < 2
        or (same < 1000).any()
        or (np.mod(same, 100) != 0).any()
        or (np.diff(printed) < 0).any()
    ):
        return
    unit = 1000.0 * max(10.0 ** np.floor(np.log10(printed.max()) - 6), 1.0)
    exact = np.flatnonzero(printed < 1000)
    if len(exact) > 1:
        distance = float(np.median(np.diff(printed[exact])))
        even = printed[0] + distance * np.arange(len(rows))
    else:
        even = np.linspace(printed[0], printed[-1], len(rows)).round()
    if np.abs(even - printed).max() > unit:
        share = done[rows]
        with np.errstate(invalid="ignore", divide="ignore"):
            even = np.rint(share * np.nanmedian(printed[share > 0] / share[share > 0]) if (share > 0).any() else share)
    if np.isnan(even).any() or np.abs(even - printed).max() > unit or (np.diff(even) <= 0).any():
        return
    step[rows] = even
    notes.append(
        assumed(
            "the log rounds its steps; those between two printed numbers are counted at equal distances",
            "로그가 스텝을 반올림해 적으므로 그 사이의 스텝은 같은 간격으로 셌습니다",
        )
    )


def _steps_of_bars(records: LoggedRows, logged: Mask, notes: list[Both]) -> Floats:
    """Steps from a progress bar on lines between those with a loss, as Hugging Face's trainer prints it; else all NaN.

    The bar that counts steps is the one that continues between most rows; those of an evaluation restart. It is redrawn
    after each printed line and then shows that line's step; before the line it may lag behind.
    """
    nothing = np.full(records.rows, np.nan)
    rows = np.flatnonzero(logged)
    bar, total = records.values(BAR), records.values(BAR_TOTAL)
    total[total == records.totals.get("@epoch_total")] = np.nan  # a bar that counts epochs
    wholes, counts = np.unique(total[~np.isnan(total)], return_counts=True)
    best, planned = nothing[rows], 0.0
    for whole in wholes[np.argsort(-counts)][:MOST_BARS].tolist():
        shown = np.where(total == whole, bar, np.nan)
        before = fill(shown.copy())[rows]
        after = fill(shown[::-1].copy())[::-1][rows]
        found = _between(before, after)
        if found is not None and not (found[-1] < np.nanmax(best, initial=0.0)):
            best, planned = found, whole
    if not planned:
        return nothing
    notes.append(
        assumed(
            f"the steps are those of the progress bar, {planned:,.0f} in all",
            f"진행 막대의 숫자를 스텝으로 읽었습니다(모두 {planned:,.0f} 스텝)",
        )
    )
    records.facts.setdefault("planned_steps", int(planned))
    nothing[rows] = best
    return nothing


def _between(before: Floats, after: Floats) -> Floats | None:
    """The steps of rows that stand between what a bar showed before and after them; None where it does not go on."""
    if len(before) < 3:
        return None
    low, high = np.nan_to_num(before), np.where(np.isnan(after), np.inf, after)
    for distance in (after[0], before[0]):
        even: Floats = np.arange(1.0, len(after) + 1) * distance
        if distance > 0 and np.all((even >= low) & (even <= high)):
            return even
    for shown in (np.where(np.isnan(after) | (after < before), before, after), before):
        if (np.diff(shown) > 0).all():
            return shown
    return None


def _steps_of_shares(records: LoggedRows, done: Floats, logged: Mask, notes: list[Both]) -> Floats:
    """Steps from the epochs done, where the log names those in fractions several times per epoch; else all NaN."""
    known = done[logged & ~np.isnan(done)]
    if len(known) <= 1.5 * len(np.unique(np.ceil(known))) or (known == np.floor(known)).all():
        return np.full(len(done), np.nan)
    steps, epochs = records.facts.get("planned_steps"), records.facts.get("epochs")
    if steps and epochs and np.isfinite(known).all():
        notes.append(
            assumed(
                f"the step is counted from the share of the {epochs:,} epochs done, {steps:,} steps in all",
                f"로그의 에폭 진행 비율(총 {epochs:,} 에폭, {steps:,} 스텝)로 스텝을 계산했습니다",
            )
        )
        return _evenly(np.where(logged, np.rint(done / epochs * steps), np.nan))
    return _numbered(logged, notes)


def _evenly(step: Floats) -> Floats:
    """Evenly spaced steps, if those inferred from rounded fractions are close to them."""
    rows = np.flatnonzero(~np.isnan(step))
    places = np.arange(1.0, len(rows) + 1)
    even = places * max(np.rint(step[rows[-1]] / len(rows)), 1.0)
    if np.abs(even - step[rows]).max() <= even[0]:
        step[rows] = even
    return step


def _numbered(logged: Mask, notes: list[Both]) -> Floats:
    notes.append(
        assumed(
            "the log counts no steps; the rows with a loss are numbered from 1",
            "로그에 스텝이 없어 손실이 있는 행에 1부터 번호를 매겼습니다",
        )
    )
    return np.where(logged, np.cumsum(logged).astype(np.float64), np.nan)


def _derived_steps(
    records: LoggedRows, by_role: Mapping[str, list[str]], passed: Floats, core: Mask, logged: Mask, notes: list[Both]
) -> tuple[Floats, bool]:
    """Steps from the epochs that had passed before each row and the batch, and whether steps are epochs."""
    batch, batches = records.values("@batch"), records.totals.get("@batches")
    if np.isnan(batch).all():
        batch = coalesced(records, by_role.get(series_names.BATCH, [])).values()
        if not (core & ~np.isnan(batch)).any() and len(np.unique(batch[~np.isnan(batch)])) >= FEWEST_APART:
            batch = fill(batch)  # it is on a separate line above those with the losses
    within = core & ~np.isnan(batch)
    if _goes_on(batch, passed, within):
        notes.append(
            assumed(
                "the progress bar counts through the epochs; its number is the step",
                "진행 막대가 에폭을 넘어 계속 세므로 그 숫자를 스텝으로 읽었습니다",
            )
        )
        if batches is not None:
            records.totals["@step_total"] = records.totals.pop("@batches")
        return np.where(core, batch, np.nan), False
    if within.sum() > 1 or (within.any() and not np.isnan(passed).any()):
        size = batches if batches is not None else float(np.nanmax(batch)) + 1
        notes.append(
            assumed(
                f"the step is counted from the epoch and the batch, {size:,.0f} batches per epoch",
                f"스텝은 에폭과 배치에서 계산했습니다(에폭당 배치 {size:,.0f}개)",
            )
        )
        passed = _passes(batch, within, size) if np.isnan(passed).all() else np.where(np.isnan(passed), 0.0, passed)
        step = np.where(core, passed * size + batch, np.nan)
        if not _tells_little(step, logged):
            return step, False
        notes.pop()
        return _numbered(logged, notes), False
    if (~np.isnan(passed)).any() and not _tells_little(fill(passed.copy()), logged):
        notes.append(
            assumed(
                "the log counts epochs only; one step stands for one epoch",
                "로그에 에폭만 있어 한 스텝이 한 에폭을 뜻합니다",
            )
        )
        return np.where(core, fill(passed.copy()), np.nan), True
    return _numbered(logged if logged.any() else core, notes), False


def _tells_little(step: Floats, logged: Mask) -> bool:
    """Hardly a row with a loss has a step of its own, and the steps have different numbers of rows."""
    known = step[logged & ~np.isnan(step)]
    counts = np.unique(known, return_counts=True)[1]
    if not len(counts) or len(known) < FEWEST_OF_A_STEP * len(counts):
        return False
    return len(counts) < FEWEST_STEPS or bool((counts[:-1] != counts[0]).any())


def _goes_on(batch: Floats, passed: Floats, within: Mask) -> bool:
    """Whether the count of the batches is higher after each change of the epoch than before it."""
    rows = np.flatnonzero(within & ~np.isnan(passed))
    changed = np.diff(passed[rows]) > 0
    return bool(changed.any()) and bool((np.diff(batch[rows])[changed] > 0).all())


def _passes(batch: Floats, within: Mask, size: float) -> Floats:
    """Number of times the batches had ended before each row: a bar that restarts then belongs to the next epoch."""
    rows = np.flatnonzero(within)
    ended = (batch[rows[1:]] < batch[rows[:-1]]) & (batch[rows[:-1]] >= 0.95 * size)
    passed = np.zeros(len(batch))
    np.add.at(passed, rows[1:][ended], 1.0)
    return np.cumsum(passed)


def _through_epochs(step: Floats, passed: Floats, core: Mask, notes: list[Both]) -> Floats:
    """Steps that restart in each epoch become steps of the whole run; `passed` are the epochs before each row."""
    placed = core & ~np.isnan(step) & ~np.isnan(passed)
    if placed.sum() < 4:
        return step
    steps = step[placed]
    back = np.flatnonzero(steps[1:] < steps[:-1])
    if not len(back):
        return step
    risen = np.diff(passed[placed])
    if (risen[back] <= 0).mean() > 0.2 or len(back) < 0.8 * (risen > 0).sum():
        return step
    size = float(steps.max()) + (1.0 if steps.min() == 0 else 0.0)
    notes.append(
        assumed(
            f"the log counts steps within each epoch; {size:,.0f} steps per epoch were assumed",
            f"로그가 에폭 안에서 스텝을 세므로 에폭당 {size:,.0f} 스텝으로 가정했습니다",
        )
    )
    return np.where(np.isnan(step), np.nan, step + np.where(np.isnan(passed), 0.0, passed) * size)

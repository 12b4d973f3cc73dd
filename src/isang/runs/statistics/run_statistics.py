"""The numbers of a run: totals, curves, epochs, phases. Unknown is None, never NaN."""

import math
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.runs.read import table as t
from isang.runs.read.table import Floats, RunTable, usable

PHASES = "early: the first tenth of the epochs (at least one); middle: up to one half; late: the rest"
PHASES_OF_STEPS = (
    "fewer than three epochs are logged, so by steps: early the first tenth, middle to one half, late the rest"
)


def statistics(table: RunTable) -> dict[str, Any]:
    """Totals of the run and the first, last and lowest value of each loss curve, separately."""
    facts = table.facts
    steps = steps_done(table)
    epochs_seen = epochs_done(table)
    batch_size, per_device, devices = _sizes(facts)
    result: dict[str, Any] = {
        "started": facts.get("started"), "ended": facts.get("ended"), "duration_seconds": duration_seconds(table),
        "epochs": epochs_seen, "steps": steps, "batches_per_epoch": batches_per_epoch(table),
        "batch_size": batch_size, "batch_size_per_device": per_device, "devices": devices,
        "judged_by": table.loss, "loss_window": table.loss_window,
        "planned_epochs": facts.get("epochs"), "planned_steps": facts.get("planned_steps"),
    }  # fmt: skip
    for name in (t.RUNNING_MEAN, t.BATCH_LOSS, t.INTERVAL_LOSS, t.METRIC, t.VALIDATION_LOSS):
        if table.has(name):
            result[name] = curve(table, table.column(name))
        elif name in (t.RUNNING_MEAN, t.BATCH_LOSS):
            result[name] = None
    result["smoothed_loss"] = curve(table, smoothed(table))
    return result


def curve(table: RunTable, values: Floats) -> dict[str, Any] | None:
    """First, last and lowest value, the step of the lowest, and the decrease from the first to the last in %."""
    good = usable(values)
    if not good.any():
        return None
    known = values if good.all() else values[good]
    lowest = int(np.argmin(values)) if known is values else int(np.flatnonzero(good)[np.argmin(known)])
    epoch = table.epoch[lowest]
    return {
        "initial": float(known[0]), "final": float(known[-1]), "minimum": float(values[lowest]),
        "minimum_step": int(table.step[lowest]), "minimum_epoch": None if math.isnan(epoch) else int(epoch),
        "minimum_is_first_of_epoch": _first_of_epoch(table, lowest, good),
        "decrease_percent": decrease_percent(float(known[0]), float(known[-1])),
        **(_highest(table, values, good) if table.maximised else {}),
    }  # fmt: skip


def _highest(table: RunTable, values: Floats, good: NDArray[np.bool_]) -> dict[str, Any]:
    row = int(np.flatnonzero(good)[np.argmax(values[good])])
    return {"maximum": float(values[row]), "maximum_step": int(table.step[row])}


def decrease_percent(first: float, last: float) -> float | None:
    """The decrease from `first` to `last` in %; None if a ratio of losses is meaningless (a first loss <= 0)."""
    if not (math.isfinite(first) and math.isfinite(last)) or first <= 0:
        return None
    percent = 100.0 * (first - last) / first
    return percent if math.isfinite(percent) else None


def smoothed(table: RunTable) -> Floats:
    """The smoothed loss, shape N, NaN in rows without a loss.

    A centred mean over about N / 100 + 25 losses (at most N / 20, at least 5), taken across epoch borders, without a
    restart there. At the beginning the window shrinks so that it stays centred; at the end, where a centred window
    would leave a single noisy value, the last window's straight line is used.
    """
    values = table.column(table.loss)
    good = usable(values)
    if good.all():
        return smooth(values, window_of(len(values)))
    result = np.full(len(values), np.nan)
    result[good] = smooth(values[good], window_of(int(good.sum())))
    return result


def window_of(count: int) -> int:
    """The (odd) number of losses that the smoothed loss averages."""
    wanted = max(5, min(count // 20, count // 100 + 25))
    return max(1, min(wanted | 1, (count - 1) | 1 if count else 1))


def smooth(values: Floats, window: int) -> Floats:
    """Centred mean of finite values, shape n; see `smoothed` for the two ends."""
    n, half = len(values), window // 2
    if n < 3 or half < 1:
        return values.copy()
    level = values[0]
    result = np.empty(half + n + 1)
    total = result[half:]  # sums of the values before each place, which become means in their own memory
    total[0] = 0.0
    np.subtract(values, level, out=total[1:])
    np.cumsum(total[1:], out=total[1:])
    whole = 2 * half + 1
    edges = np.arange(n) if n < whole else np.concatenate([np.arange(half), np.arange(n - half, n)])
    reach = np.minimum(np.minimum(edges, n - 1 - edges), half)
    at_edges = (total[edges + reach + 1] - total[edges - reach]) / (2 * reach + 1)
    for start in range(0, n + 1 - whole, whole):  # what is subtracted is still a sum
        end = min(start + whole, n + 1 - whole)
        np.subtract(total[start + whole : end + whole], total[start:end], out=total[start:end])
    result = result[:n]
    result[half : n - half] /= whole
    result[edges] = at_edges
    result += level
    np.clip(result, values.min(), values.max(), out=result)  # the sums round: a mean of zeros is to be 0
    tail = min(window, n)
    if n > 2 * window:
        x = np.arange(tail) - (tail - 1) / 2
        last = values[-tail:]
        slope = float((x @ last) / (x @ x))
        result[-half:] = last.mean() + slope * x[-half:]
    return result


def epochs(table: RunTable) -> list[dict[str, Any]]:
    """One entry per epoch; the mean loss is the log's own where it printed one, else the mean of the step losses."""
    if np.isnan(table.epoch).all():
        return []
    stated = {line.epoch: line for line in table.epoch_lines}
    loss, rate, held_out = table.column(table.loss), table.column(t.LEARNING_RATE), table.column(t.VALIDATION_LOSS)
    numbers, starts = table.epoch_blocks()
    order = np.unique(numbers[~np.isnan(numbers)])
    in_one_piece = len(order) == int((~np.isnan(numbers)).sum())
    result: list[dict[str, Any]] = []
    first: float | None = None
    for number in order:
        block = int(np.flatnonzero(numbers == number)[0])
        rows: Any = slice(starts[block], starts[block + 1]) if in_one_piece else np.flatnonzero(table.epoch == number)
        entry = _epoch(int(number), loss[rows], rate[rows], held_out[rows], stated.get(int(number)))
        if table.loss == t.RUNNING_MEAN and entry["mean_loss_source"] == "computed" and entry["steps"]:
            entry["mean_loss"] = float(loss[rows][usable(loss[rows])][-1])  # at its end it is the epoch's mean
        mean = entry["mean_loss"]
        before = result[-1]["mean_loss"] if result else None
        entry["improvement_percent"] = _change(before, mean)
        entry["cumulative_decrease_percent"] = _change(first, mean)
        if first is None:
            first = mean
        result.append(entry)
    return result


def _epoch(number: int, loss: Floats, rate: Floats, held_out: Floats, stated: t.EpochLine | None) -> dict[str, Any]:
    known = loss[usable(loss)]
    rates = rate[np.isfinite(rate)]
    validation = held_out[usable(held_out)]
    says = stated is not None and math.isfinite(stated.mean_loss)
    mean = stated.mean_loss if stated is not None and says else (float(known.mean()) if len(known) else None)
    valid: float | None = float(validation[-1]) if len(validation) else None
    if stated is not None and math.isfinite(stated.validation_loss):
        valid = stated.validation_loss
    quartiles = [float(q) for q in np.percentile(known, [25, 50, 75])] if len(known) else None
    return {
        "epoch": number, "steps": len(known), "mean_loss": mean, "mean_loss_source": "log" if says else "computed",
        "improvement_percent": None, "cumulative_decrease_percent": None, "validation_loss": valid,
        "learning_rate_first": float(rates[0]) if len(rates) else None,
        "learning_rate_last": float(rates[-1]) if len(rates) else None,
        "loss_quartiles": quartiles,
        "loss_minimum": float(known.min()) if len(known) else None,
        "loss_maximum": float(known.max()) if len(known) else None,
    }  # fmt: skip


def phases(table: RunTable, known: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Early, middle and late: the loss at the start and the end of each, and the decrease in %.

    With at least three epochs a phase runs from the mean loss of the epoch before it (the run's first loss for the
    early one) to the mean loss of its last epoch. Otherwise the smoothed loss at the phase's steps is used.
    `known` are the run's epochs if already computed.
    """
    entries = [entry for entry in (epochs(table) if known is None else known) if entry["mean_loss"] is not None]
    if len(entries) < 3:
        return _phases_of_steps(table)
    count = len(entries)
    early = max(1, round(count * 0.1))
    middle = max(early, count // 2)
    initial = _initial_loss(table)
    result = []
    for name, a, b in (("early", 0, early), ("middle", early, middle), ("late", middle, count)):
        if b <= a:
            continue
        first = initial if a == 0 else entries[a - 1]["mean_loss"]
        last = entries[b - 1]["mean_loss"]
        result.append(
            {
                "name": name, "first_epoch": entries[a]["epoch"], "last_epoch": entries[b - 1]["epoch"],
                "first_step": None, "last_step": None, "first_loss": first, "last_loss": last,
                "decrease_percent": _change(first, last), "rule": PHASES,
            }
        )  # fmt: skip
    return result


def _phases_of_steps(table: RunTable) -> list[dict[str, Any]]:
    values = smoothed(table)
    rows = np.flatnonzero(usable(values))
    if len(rows) < 10:
        return []
    cuts = [0, len(rows) // 10, len(rows) // 2, len(rows) - 1]
    result = []
    for name, a, b in zip(("early", "middle", "late"), cuts[:-1], cuts[1:], strict=True):
        first, last = float(values[rows[a]]), float(values[rows[b]])
        result.append(
            {
                "name": name, "first_epoch": None, "last_epoch": None, "first_step": int(table.step[rows[a]]),
                "last_step": int(table.step[rows[b]]), "first_loss": first, "last_loss": last,
                "decrease_percent": decrease_percent(first, last), "rule": PHASES_OF_STEPS,
            }
        )  # fmt: skip
    return result


def steps_done(table: RunTable) -> int | None:
    """The number of training steps: the last step number that has a loss, one more where steps count from 0."""
    logged = ~np.isnan(table.column(table.loss))
    logged[table.logged_nan.get(table.loss, np.zeros(0, dtype=np.int64))] = True
    if not logged.any():
        return None
    first, last = int(np.argmax(logged)), len(logged) - 1 - int(np.argmax(logged[::-1]))
    return int(table.step[last]) + (1 if table.step[first] == 0 else 0)


def batches_per_epoch(table: RunTable) -> int | None:
    """The log's own number, else the steps between the starts of two epochs."""
    stated = table.facts.get("batches_per_epoch")
    if stated is not None:
        return int(stated)
    blocks, first_rows = table.epoch_blocks()
    known = ~np.isnan(blocks)
    numbers, first = np.unique(blocks[known], return_index=True)
    if len(numbers) < 2 or table.counts_epochs:
        return None
    starts = table.step[first_rows[:-1][known][first]]
    return int(np.median(np.diff(starts) / np.diff(numbers)))


def duration_seconds(table: RunTable) -> float | None:
    """From the first to the last time in the log."""
    started, ended = table.facts.get("started"), table.facts.get("ended")
    if started and ended:
        return (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    times = table.column(t.TIME)
    known = times[np.isfinite(times)]
    return float(known[-1] - known[0]) if len(known) > 1 else None


def _sizes(facts: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Batch size in all, per device, and devices; one that is missing follows from the other two."""
    total, each, devices = facts.get("batch_size"), facts.get("batch_size_per_device"), facts.get("devices")
    if total is None and each and devices:
        total = each * devices
    if each is None and total and devices and total % devices == 0:
        each = total // devices
    if devices is None and total and each and total % each == 0:
        devices = total // each
    return total, each, devices


def _initial_loss(table: RunTable) -> float | None:
    for name in (t.RUNNING_MEAN, table.loss):
        values = table.column(name)
        good = usable(values)
        if good.any():
            return float(values[np.argmax(good)])
    return None


def epochs_done(table: RunTable) -> int | None:
    """The number of epochs up to the last one that is logged, begun ones counted."""
    numbers, _ = table.epoch_blocks()
    return None if np.isnan(numbers).all() else int(np.nanmax(numbers)) + 1 - table.first_epoch


def _first_of_epoch(table: RunTable, row: int, good: NDArray[np.bool_]) -> bool | None:
    if math.isnan(table.epoch[row]):
        return None
    if np.count_nonzero(good & (table.epoch == table.epoch[row])) == 1:
        return False  # the only one of its epoch
    before = good[:row][::-1]
    return not before.any() or bool(table.epoch[row - 1 - int(np.argmax(before))] != table.epoch[row])


def _change(first: float | None, last: float | None) -> float | None:
    return None if first is None or last is None else decrease_percent(first, last)

"""Events to runs: resumes and new runs distinguished, each step once, every line of the file accounted for."""

from dataclasses import replace

import numpy as np

from isang.errors import InputError
from isang.memory import give_back, hold_little
from isang.runs.read import table as t
from isang.runs.read.choice import FEWEST_VALUES, Asked, series_text
from isang.runs.read.row_events import EventRows, Mask, events_of
from isang.runs.read.rows import RECORD, RECORD_WORDS, RESUMED, LoggedRows, assumed
from isang.runs.read.series_names import role
from isang.runs.read.table import Integers, RunSource, RunTable
from isang.runs.read.tabulate import STRETCH, Run, distinct, table_of

_NOT_USED = ("numbers before the first step", "prose")

MOST_RUNS = 1_000
"""A file whose step returns to the start more often than this is not a run log."""


class NoLossError(InputError):
    """Values were found, but none of them is a loss."""

    def __init__(self, message: str, name: str, series: dict[str, int]) -> None:
        super().__init__(message)
        self.name = name
        self.series = series
        """What was found, by the log's own name, with the number of values."""


def assemble(records: LoggedRows, asked: Asked | None = None) -> list[RunTable]:
    """The runs in a file's records, in the order of the file. Raises NoLossError if there is no loss."""
    events = events_of(records, asked or Asked())
    core, kind = _core(events, records)
    runs, void, sorted_rows = _runs(events, core)
    if sorted_rows:
        events.notes.append(
            assumed(
                "the steps are out of order in the file; the rows were sorted by step",
                "파일의 스텝 순서가 뒤섞여 있어 스텝 순으로 정렬했습니다",
            )
        )
    _add_stated_resumes(records, events, core & ~void, runs)
    used = _account(records, events, core, void, runs)
    source, series = _source(records, events, used), _series(records)
    hold_little()
    give_back()
    tables = [table_of(records, events, run, kind, core, void, source, series) for run in runs]
    if len(tables) > 1:
        names = [f"{table.name}, run {number} of {len(tables)}" for number, table in enumerate(tables, 1)]
        tables = [replace(table, name=name) for table, name in zip(tables, names, strict=True)]
    return tables


def _core(events: EventRows, records: LoggedRows) -> tuple[Mask, str]:
    """The rows that carry the loss by which training is judged, and which of the columns that is."""
    stepped = events.step.known()
    own = stepped & events.own_step
    if events.choice.judged_metric is not None and (events.loss_logged & stepped).any():
        return events.loss_logged & (own if (events.loss_logged & own).any() else stepped), t.METRIC
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
        events.notes.append(
            assumed(
                "no training loss is logged; the run is judged by its validation loss",
                "학습 손실이 기록되지 않아 검증 손실로 판단합니다",
            )
        )
        return held_out & stepped, t.VALIDATION_LOSS
    odd = len(events.logged_nan["norm"])
    broken = f"the gradient norm is NaN in {odd:,} rows, as where the loss is NaN and is not printed; " if odd else ""
    raise NoLossError(
        f"{records.account.path} holds no loss; {broken}the series found are {series_text(records)}; "
        "name the one that is the loss with --loss NAME, or a metric with --metric NAME:max or NAME:min",
        records.name or records.account.path,
        _series(records),
    )


def _is_mean(events: EventRows, records: LoggedRows) -> bool:
    if records.loss_is_mean is not None:
        return records.loss_is_mean
    windows = events.window.values()[events.loss_logged & events.window.known()]
    return "epoch" in events.loss_name.lower() or (len(windows) > 0 and float(np.median(windows)) > 1.0)


def _runs(events: EventRows, core: Mask) -> tuple[list[Run], Mask, bool]:
    """Cut the rows where the step goes back to the start; void what a resume did again."""
    rows = np.flatnonzero(core)
    steps = events.step.values()[rows]
    if len(steps) >= FEWEST_VALUES and steps[-1] < steps[-2]:
        rows, steps = rows[:-1], steps[:-1]  # one row at the end, such as the best round of boosted trees, is no resume
    backs = np.flatnonzero(steps[1:] < steps[:-1]) + 1
    void = np.zeros(len(core), dtype=bool)
    if not len(backs):
        return [Run(0, len(core), [])], void, False
    if len(backs) > max(2, 0.05 * len(rows)) or len(backs) > MOST_RUNS:
        return [Run(0, len(core), [])], void, True
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
    return [Run(a, b, r) for a, b, r in zip(starts, ends, restarts, strict=True)], void, False


def _add_stated_resumes(records: LoggedRows, events: EventRows, core: Mask, runs: list[Run]) -> None:
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


def _account(records: LoggedRows, events: EventRows, core: Mask, void: Mask, runs: list[Run]) -> dict[str, int]:
    """Complete the account of the lines; each of the R rows goes to exactly one place."""
    account = records.account
    steps = 0
    for run in runs:
        steps += len(distinct(events.step.values(run.start, run.end)[(core & ~void)[run.rows]])[0])
    repeats = int((core & ~void).sum()) - steps
    account.ignore("repeats a step", repeats)
    if repeats:
        _say_differing(events, np.flatnonzero(core & ~void))
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


def _say_differing(events: EventRows, rows: Integers) -> None:
    """Say how many of the rows with a loss repeat the step of the row before with another loss."""
    steps, losses = events.step.take(rows), events.loss.take(rows)
    if np.isnan(losses).all():
        losses = events.mean.take(rows)
    differing = int(((steps[1:] == steps[:-1]) & (np.abs(losses[1:] - losses[:-1]) > 0)).sum())
    if differing:
        events.notes.append(
            assumed(
                f"{differing:,} rows name the step of the row before them and another loss; "
                "where every step has several, their mean is taken, else the first",
                f"{differing:,}개 행이 바로 앞 행과 같은 스텝에 다른 손실을 적었습니다. "
                "모든 스텝에 여럿이면 평균을, 아니면 첫 값을 씁니다",
            )
        )


def _other_rows(records: LoggedRows, events: EventRows, core: Mask, start: int, end: int) -> dict[str, Mask]:
    """What the rows in [start, end) without a training loss were used for; each is in exactly one mask."""
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


def _source(records: LoggedRows, events: EventRows, used: dict[str, int]) -> RunSource:
    account = records.account
    return RunSource(
        path=account.path, format=account.format, size_bytes=account.size_bytes, lines=account.lines, used=used,
        ignored=dict(account.ignored), failed=account.failed, failed_examples=tuple(account.failed_examples),
        notes=(*account.notes, *events.notes),
    )  # fmt: skip


def _series(records: LoggedRows) -> dict[str, int]:
    counts = {name: records.count(name) for name in records.columns if not name.startswith("@")}
    return {name: count for name, count in counts.items() if count > 1 or (count and role(name))}

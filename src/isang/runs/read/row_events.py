"""Records to events: which column is the step, the loss, the clock, one value per row of the file.

R rows of the file, in file order, throughout.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isang.languages import Both
from isang.runs.read import series_names
from isang.runs.read.choice import Asked, Choice, choose, most_usual
from isang.runs.read.columns import Column
from isang.runs.read.rows import LoggedRows, assumed
from isang.runs.read.steps import coalesced, steps_of
from isang.runs.read.table import Integers
from isang.runs.read.times import times

Mask = NDArray[np.bool_]


@dataclass
class EventRows:
    """R rows; NaN where a row has no value."""

    step: Column
    own_step: Mask
    """The row names its step itself; others take the step of the row before."""
    epoch: Column
    """The log's own numbers."""
    loss: Column
    """What the run is judged by: the training loss, or a metric (`choice.judged_metric`)."""
    loss_logged: Mask
    """A loss was logged, be it NaN."""
    mean: Column
    validation: Column
    rate: Column
    norm: Column
    seconds: Column
    data: Column
    """Seconds of waiting for data."""
    evaluation: Column
    """Seconds of an evaluation."""
    time: Column
    window: Column
    others: dict[str, Column]
    logged_nan: dict[str, Integers]
    """Rows whose loss (`loss`), validation loss (`validation`) or gradient norm (`norm`) was logged as NaN."""
    loss_name: str
    choice: Choice
    first_epoch: int
    counts_epochs: bool
    """Whether the log has no steps: then one step is one epoch."""
    notes: list[Both] = field(default_factory=list)


def events_of(records: LoggedRows, asked: Asked) -> EventRows:
    """Assign roles to the columns by their names. Raises InputError if `asked` names no series."""
    choice = choose(records, asked)
    by_role, notes = choice.by_role, choice.notes
    loss_name = choice.judged_metric.name if choice.judged_metric else choice.loss
    mean = coalesced(records, by_role.get(series_names.MEAN, []))
    logged = records.logged(loss_name) if loss_name else mean.known()
    validation, nan_rows = _validation(records, choice, logged)
    epochs = coalesced(records, by_role.get(series_names.EPOCH, []))
    validation = _said_once(validation, logged, records.column(loss_name), epochs)
    steps = steps_of(records, by_role, logged, validation, notes)
    loss_logged = records.logged(loss_name)
    if not choice.judged_metric:
        _leave_out_start(records.column(loss_name), loss_logged, steps.step, notes)
    norm_name = most_usual(records, by_role.get(series_names.NORM, []))
    hidden = _hidden(records, choice, loss_name)
    return EventRows(
        step=steps.step, own_step=steps.own, epoch=steps.epoch, loss=records.column(loss_name), loss_logged=loss_logged,
        mean=mean, validation=validation, rate=_rate(records, by_role.get(series_names.RATE, [])),
        norm=records.column(norm_name), seconds=_usual_column(records, by_role, series_names.SECONDS),
        data=_usual_column(records, by_role, series_names.DATA),
        evaluation=_usual_column(records, by_role, series_names.EVALUATION),
        time=times(records, by_role), window=_usual_column(records, by_role, series_names.WINDOW),
        others={n: column for n, column in records.columns.items() if n not in hidden and not n.startswith("@")},
        logged_nan={
            "loss": records.nan_rows(loss_name), "validation": nan_rows, "norm": records.nan_rows(norm_name),
        },
        loss_name=loss_name, choice=choice, first_epoch=steps.first_epoch, counts_epochs=steps.counts_epochs,
        notes=notes,
    )  # fmt: skip


def _hidden(records: LoggedRows, choice: Choice, loss_name: str) -> set[str]:
    """The series already in columns with canonical names; losses and metrics also keep the log's name."""
    shown = (series_names.LOSS, series_names.VALIDATION, series_names.METRIC)
    hidden = {name for role, names in choice.by_role.items() if role not in shown for name in names}
    return hidden | {loss_name, choice.validation} - ({choice.metric.name} if choice.metric else set())


def _leave_out_start(loss: Column, logged: Mask, step: Column, notes: list[Both]) -> None:
    """Remove a first loss at step 0 from `logged` if it is not a loss of the training.

    A tool that prints sums over many batches prints one over a single batch there: a fraction of the next one, after
    which they decrease.
    """
    rows = np.flatnonzero(logged)
    if len(rows) > 1 and step.take(rows[:1])[0] == 0:
        first, second, last = loss.take(rows[[0, 1, -1]])
        if 0 <= first < 0.1 * second and not last > second / 2:
            logged[rows[0]] = False
            notes.append(
                assumed(
                    "the first loss, at step 0, is a fraction of the next one: it is one from before the training",
                    "스텝 0의 첫 손실은 다음 값의 일부에 지나지 않아 학습 전의 값으로 보고 제외했습니다",
                )
            )


def _usual_column(records: LoggedRows, by_role: dict[str, list[str]], role: str) -> Column:
    return records.column(most_usual(records, by_role.get(role, [])))


def _rate(records: LoggedRows, candidates: list[str]) -> Column:
    """The learning rate; lines that call it by another usual name fill its gaps."""
    chosen = most_usual(records, candidates)
    usual = [name for name in candidates if name != chosen and series_names.priority(name)[0] == 0]
    return coalesced(records, [chosen, *usual] if chosen else [])


def _validation(records: LoggedRows, choice: Choice, logged: Mask) -> tuple[Column, Integers]:
    """The validation loss; if only a perplexity is logged, its logarithm, which is that loss.

    A perplexity in the same rows as the training loss, without `validation` in its name, is that of the training.
    """
    names = choice.by_role.get(series_names.PERPLEXITY, [])
    names = [name for name in names if series_names.is_held_out(name)] or names
    perplexity = "" if choice.validation else most_usual(records, names)
    if perplexity and not series_names.is_held_out(perplexity):
        known = records.column(perplexity).known()
        if 2 * int((known & logged).sum()) > int(known.sum()):
            perplexity = ""
    if not perplexity:
        return records.column(choice.validation), records.nan_rows(choice.validation)
    choice.notes.append(
        assumed(f"the validation loss is the logarithm of {perplexity!r}", f"검증 손실은 {perplexity!r}의 로그값입니다")
    )
    values = records.values(perplexity)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Column(np.log(np.where(values > 0, values, np.nan))), records.nan_rows(perplexity)


def _said_once(validation: Column, logged: Mask, loss: Column, epochs: Column) -> Column:
    """The validation loss where it is new; a progress bar shows the last one again beside each new training loss."""
    rows = np.flatnonzero(validation.known())
    if len(rows) < 20 or logged[rows].mean() < 0.9 or len(np.unique(loss.take(rows))) == 1:
        return validation
    if len(np.unique(epochs.take(rows))) > 0.9 * len(rows):
        return validation  # one row per epoch is not a progress bar
    if 2 * len(rows) < int(logged[rows[0] :].sum()):
        return validation  # most losses stand without it
    values = validation.values()
    shown = values[rows]
    new = np.flatnonzero(np.append(True, shown[1:] != shown[:-1]))
    if 3 * len(new) > len(rows):
        return validation
    once = np.full(len(values), np.nan)
    once[rows[new]] = values[rows[new]]
    return Column(once)

"""Runs made for the tests of pictures and pages, each with the fault that it holds."""

from dataclasses import dataclass

import numpy as np

from isang.runs.read.table import BATCH_LOSS, LEARNING_RATE, RunSource, RunTable


@dataclass(frozen=True)
class Planted:
    """A run and the truth about it."""

    table: RunTable
    low_point: int | None = None
    """The step after which the learning rate rises again."""


def table_of(name: str, loss: np.ndarray, *, epochs: int = 0, rates: np.ndarray | None = None) -> RunTable:
    """A run with one loss per step, in equally long epochs where `epochs` is given."""
    count = len(loss)
    columns = {BATCH_LOSS: loss.astype(np.float64)}
    if rates is not None:
        columns[LEARNING_RATE] = rates
    epoch = np.arange(count) * epochs // max(1, count) + 1.0 if epochs else np.full(count, np.nan)
    return RunTable(
        name=name, source=RunSource(f"{name}.log", "made by hand", 10 * count, count, {"step": count}),
        step=np.arange(1, count + 1), epoch=epoch, columns=columns, loss=BATCH_LOSS, loss_window=1.0,
        series={"loss": count},
    )  # fmt: skip


def cut_cosine(count: int = 6_000) -> Planted:
    """A falling loss under a cosine whose descent ends at half of the run."""
    random = np.random.default_rng(7)
    step = np.arange(1, count + 1)
    loss = (0.3 + 5 * step**-0.4) * np.exp(random.normal(0, 0.1, count))
    rates = 1e-6 + 0.5 * (1e-3 - 1e-6) * (1 + np.cos(np.pi * step / (count // 2)))
    return Planted(table_of("cut_cosine", loss, epochs=6, rates=rates), low_point=count // 2)


def flat(count: int = 6_000) -> Planted:
    """Noise about a level."""
    return Planted(table_of("flat", np.random.default_rng(8).normal(2, 0.1, count), epochs=4))


def misshapen() -> list[Planted]:
    """Runs that leave little or nothing to draw."""
    ones = np.ones(50)
    infinite = np.where(np.arange(50) % 7 == 3, np.inf, 1.5)
    return [
        Planted(table_of("one_step", np.array([2.5]))),
        Planted(table_of("two_steps", np.array([2.5, 2.0]), epochs=2)),
        Planted(table_of("no_number", ones * np.nan, epochs=5)),
        Planted(table_of("constant", ones, rates=ones * 1e-3)),
        Planted(table_of("zero", ones * 0.0, epochs=3, rates=ones * 0.0)),
        Planted(table_of("negative", -np.linspace(1, 9, 50), epochs=5)),
        Planted(table_of("infinite", infinite, epochs=5)),
        Planted(table_of("huge", ones * 1e300, epochs=1)),
        Planted(table_of("many_epochs", np.linspace(5, 1, 400), epochs=400)),
    ]

"""The learning rate range test: which rates a model tolerates, tried on a new model (Smith 2017, section 3.3)."""

from collections.abc import Iterator
from dataclasses import dataclass

from isang.config import ModelConfig, TrainingConfig
from isang.errors import InputError
from isang.model.batches import Rows, epoch_batches
from isang.progress import Progress as ProgressBar
from isang.training.data import Data
from isang.training.plan import sessions_per_step
from isang.training.processes.processes import Processes
from isang.training.step import NotFinite, new_learner, train_step

LOWEST, HIGHEST = 1e-6, 1.0
STEPS = 120
SMOOTHING = 0.9
"""Weight of the previous mean in the smoothed loss."""
DIVERGED = 3.0
"""The test ends when the smoothed loss exceeds its lowest value by this factor."""
SAFETY = 10.0
"""The suggestion is the rate at which the smoothed loss was lowest, divided by this: beyond it the loss rises."""


@dataclass(frozen=True)
class RateTest:
    """The result of the test, step by step, up to where the loss diverged."""

    rates: list[float]
    losses: list[float]
    """Nats per masked event, before the step with that rate."""
    smoothed: list[float]
    diverged: bool
    """Whether the loss diverged before the highest rate was reached."""

    @property
    def suggestion(self) -> float:
        """The suggested peak rate for training."""
        return self.rates[self.smoothed.index(min(self.smoothed))] / SAFETY


def find_rate(data: Data, model_config: ModelConfig, config: TrainingConfig, processes: Processes) -> RateTest:
    """Train a new model while the rate grows from LOWEST to HIGHEST; nothing is written, no other run is affected."""
    learner = new_learner(model_config, data.vocabulary_size, config, processes)
    batches = _endless(data, config)
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    with ProgressBar("trying rates", total=STEPS, unit="steps", silent=not processes.first) as bar:
        for number in range(STEPS):
            rate = LOWEST * (HIGHEST / LOWEST) ** (number / (STEPS - 1))
            try:
                step = train_step(learner, data.training.take(next(batches)), rate, number)
            except NotFinite:
                return _result(rates, losses, smoothed, diverged=True)
            mean = SMOOTHING * mean + (1 - SMOOTHING) * step.loss_sum / step.events
            rates.append(rate)
            losses.append(step.loss_sum / step.events)
            smoothed.append(mean / (1 - SMOOTHING ** (number + 1)))  # the mean began at 0
            bar.advance(1)
            if smoothed[-1] > DIVERGED * min(smoothed):
                return _result(rates, losses, smoothed, diverged=True)
    return _result(rates, losses, smoothed, diverged=False)


def _result(rates: list[float], losses: list[float], smoothed: list[float], *, diverged: bool) -> RateTest:
    if not rates:
        raise InputError("the first loss of the untrained model is not finite, so no learning rate can be suggested")
    return RateTest(rates, losses, smoothed, diverged)


def _endless(data: Data, config: TrainingConfig) -> Iterator[Rows]:
    lengths, epoch = data.training.lengths, 0
    batch_size = sessions_per_step(config, len(lengths), int(lengths.sum()))
    while True:
        yield from epoch_batches(lengths, batch_size, config.seed, epoch)
        epoch += 1

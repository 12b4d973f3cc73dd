"""What a run is going to do, made before its first step, and what that will cost, measured on a copy of the model."""

import math
import resource
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from isang.config import TrainingConfig
from isang.model.batches import Rows, batches_per_epoch
from isang.training.checkpoint import TrainingProgress
from isang.training.data import Data
from isang.training.schedule import Schedule
from isang.training.step import Learner, train_step

MIN_PATIENCE_STEPS = 100
"""With tiny epochs, patience is at least this many steps."""
VALIDATION_SHARE = 0.05
"""Within an epoch, validations stand so far apart that they take about this share of the time."""
FORWARD_SHARE = 1 / 3
"""Of a training step's work, what its forward pass takes: the backward pass costs twice as much."""
MIN_VALIDATION_STEPS = 100
WARM_STEPS = 3
"""Steps that are timed, after one that is not."""
MOST_EPOCHS = 10
"""Passes over the training sessions where the user names no number."""
TOKENS_THAT_PAY = 500_000
"""Tokens to learn from where the user names no number of epochs. Where one pass has more, it is as many times more as
the third root says: ten times the logs take about twice the time. On the recorded shop, HDFS and BGL a tenth to a third
of the tokens of ten epochs brought the same F1 within .01, see docs/decisions."""
TOKENS_PER_BATCH, LEAST_BATCH, MOST_BATCH = 700, 8, 64
"""Sessions per step where the user names no number."""

ALL_STEPS_DONE, OUT_OF_PATIENCE, OUT_OF_TIME = "all_steps_done", "patience", "max_minutes"


@dataclass(frozen=True)
class Plan:
    """What a run is going to do."""

    batch_size: int
    """Sessions per step, over all processes."""
    epochs: int
    batches_per_epoch: int
    """A pass over sessions that are more than pays is a pass over a random part of them."""
    schedule: Callable[[float], float]
    """The learning rate of a 0-based step."""
    warmup_steps: int
    validation_steps: int
    """Steps between validations within an epoch; each epoch ends with one."""
    patience_steps: int | None
    """Stop after this many steps without a better validation loss; None never stops early."""
    max_seconds: float | None

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return self.epochs * self.batches_per_epoch

    def learning_rate(self, state: TrainingProgress) -> float:
        """The rate of the step after `state`.

        The schedule runs its full course in the steps or in the time that the run has, whichever ends first.
        """
        if self.max_seconds is None:
            return self.schedule(state.step)
        return self.schedule(max(state.step, min(1.0, state.seconds / self.max_seconds) * (self.steps - 1)))

    def validates_after(self, batch: int) -> bool:
        """Whether a validation follows so many batches of an epoch."""
        near_the_end = self.batches_per_epoch - batch < self.validation_steps / 2
        return batch == self.batches_per_epoch or (batch % self.validation_steps == 0 and not near_the_end)

    def reason_to_stop(self, state: TrainingProgress) -> str | None:
        """Why no further step is to be done; None as long as one is."""
        if state.step >= self.steps:
            return ALL_STEPS_DONE
        if self.max_seconds is not None and state.seconds > self.max_seconds:
            return OUT_OF_TIME
        if self.patience_steps is not None and state.steps_since_better >= self.patience_steps:
            return OUT_OF_PATIENCE
        return None


def sessions_per_step(config: TrainingConfig, sessions: int, tokens: int) -> int:
    """How many of that many training sessions, with so many tokens in all, a step takes."""
    if config.batch_size is not None:
        return config.batch_size
    return min(MOST_BATCH, max(LEAST_BATCH, round(TOKENS_PER_BATCH * sessions / max(1, tokens))))


def make_plan(
    sessions: int,
    validated: int,
    config: TrainingConfig,
    schedule: Callable[[float], float] | None = None,
    *,
    tokens: int = 0,
) -> Plan:
    """The plan for that many training sessions, with so many `tokens` in all, and sessions validated on.

    `schedule` replaces the usual one.
    """
    batch_size = sessions_per_step(config, sessions, tokens)
    per_epoch = batches_per_epoch(sessions, batch_size)
    epochs = max(config.epochs or MOST_EPOCHS, math.ceil(config.min_steps / per_epoch))
    if config.epochs is None and tokens:
        pays = TOKENS_THAT_PAY * max(1.0, tokens / TOKENS_THAT_PAY) ** (1 / 3)
        affordable = max(1, math.ceil(pays * per_epoch / tokens))
        epochs, per_epoch = min(epochs, max(1, affordable // per_epoch)), min(per_epoch, affordable)
    steps = epochs * per_epoch
    warmup_steps = max(1, round(config.warmup_fraction * steps))
    final_rate = config.final_rate_fraction * config.learning_rate
    cheap_enough = math.ceil(FORWARD_SHARE * validated / (VALIDATION_SHARE * batch_size))
    return Plan(
        batch_size=batch_size,
        epochs=epochs,
        batches_per_epoch=per_epoch,
        schedule=schedule or Schedule(steps, warmup_steps, config.learning_rate, final_rate),
        warmup_steps=warmup_steps,
        validation_steps=config.validation_steps or max(MIN_VALIDATION_STEPS, cheap_enough),
        patience_steps=max(config.patience * per_epoch, MIN_PATIENCE_STEPS) if config.patience else None,
        max_seconds=None if config.max_minutes is None else 60 * config.max_minutes,
    )


class Cost(NamedTuple):
    """What a run is estimated to need."""

    tokens: int
    """To learn from, in all epochs."""
    seconds: float
    memory_bytes: int
    """The most that this process (on a GPU: its tensors) has held."""


def estimate(learner: Learner, data: Data, plan: Plan, batches: Sequence[Rows]) -> Cost:
    """Measured on the first of these batches with a copy of the model; nothing of the run itself changes."""
    lengths, rehearsal = data.training.lengths, learner.rehearsal()
    seconds = tokens = 0.0
    for number in range(WARM_STEPS + 1):
        step = train_step(rehearsal, data.training.take(batches[number % len(batches)]), 0.0, number)
        if number > 0:
            seconds, tokens = seconds + step.seconds, tokens + step.tokens
    validations = sum(plan.validates_after(batch) for batch in range(1, plan.batches_per_epoch + 1))
    learned = plan.batches_per_epoch / len(batches) * lengths.sum()
    passes = learned + FORWARD_SHARE * validations * data.validated.lengths.sum()
    return Cost(
        tokens=plan.epochs * int(learned),
        seconds=plan.epochs * float(passes) * seconds / tokens,
        memory_bytes=memory_bytes(learner.processes.device),
    )


def memory_bytes(device: torch.device) -> int:
    """The most memory held so far: tensors on a GPU, the whole process on the CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

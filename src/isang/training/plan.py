"""The plan of a run, made before its first step, and its cost, measured on a copy of the model."""

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
"""Minimum patience in steps, for tiny epochs."""
VALIDATION_SHARE = 0.05
"""Share of the time that validations within an epoch should take, about; it sets the steps between them."""
FORWARD_SHARE = 1 / 3
"""The forward pass's share of a training step's work: the backward pass costs twice as much."""
MIN_VALIDATION_STEPS = 100
WARM_STEPS = 3
"""Number of timed steps, after one untimed step."""
MOST_EPOCHS = 10
"""Passes over the training sessions if the user does not set a number."""
TOKENS_THAT_PAY = 500_000
"""Tokens to learn from if the user does not set the number of epochs. If one pass has more, the number grows with the
cube root of the ratio: ten times the logs take about twice the time. On the recorded shop, HDFS and BGL a tenth to a
third of the tokens of ten epochs reached the same F1 within .01, see docs/decisions."""
TOKENS_PER_BATCH, LEAST_BATCH, MOST_BATCH = 700, 8, 64
"""Sessions per step if the user does not set it: about TOKENS_PER_BATCH tokens, from LEAST_BATCH to MOST_BATCH
sessions."""

ALL_STEPS_DONE, OUT_OF_PATIENCE, OUT_OF_TIME = "all_steps_done", "patience", "max_minutes"


@dataclass(frozen=True)
class Plan:
    """The plan of a run."""

    batch_size: int
    """Sessions per step, over all processes."""
    epochs: int
    batches_per_epoch: int
    """Where a full pass has more tokens than pays, an epoch is a pass over a random part of the sessions."""
    schedule: Callable[[float], float]
    """The learning rate of a 0-based step."""
    warmup_steps: int
    validation_steps: int
    """Steps between validations within an epoch; each epoch ends with one."""
    patience_steps: int | None
    """Stop after this many steps without a better validation loss; None: never stop early."""
    max_seconds: float | None

    @property
    def steps(self) -> int:
        """Total number of optimizer steps."""
        return self.epochs * self.batches_per_epoch

    def learning_rate(self, state: TrainingProgress) -> float:
        """The rate of the step after `state`.

        The schedule is spread over the steps or the time of the run, whichever ends first.
        """
        if self.max_seconds is None:
            return self.schedule(state.step)
        return self.schedule(max(state.step, min(1.0, state.seconds / self.max_seconds) * (self.steps - 1)))

    def validates_after(self, batch: int) -> bool:
        """Whether a validation follows after `batch` batches of an epoch."""
        near_the_end = self.batches_per_epoch - batch < self.validation_steps / 2
        return batch == self.batches_per_epoch or (batch % self.validation_steps == 0 and not near_the_end)

    def reason_to_stop(self, state: TrainingProgress) -> str | None:
        """Why the run should stop now; None if it should not."""
        if state.step >= self.steps:
            return ALL_STEPS_DONE
        if self.max_seconds is not None and state.seconds > self.max_seconds:
            return OUT_OF_TIME
        if self.patience_steps is not None and state.steps_since_better >= self.patience_steps:
            return OUT_OF_PATIENCE
        return None


def sessions_per_step(config: TrainingConfig, sessions: int, tokens: int) -> int:
    """The number of sessions per step, for `sessions` training sessions with `tokens` tokens in total."""
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
    """The plan for a number of training sessions with `tokens` tokens in total and a number of validation sessions.

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
    """The estimated cost of a run."""

    tokens: int
    """Tokens to learn from, over all epochs."""
    seconds: float
    memory_bytes: int
    """Peak memory of this process (on a GPU: of its tensors)."""


def estimate(learner: Learner, data: Data, plan: Plan, batches: Sequence[Rows]) -> Cost:
    """Measure the cost on the first of these batches with a copy of the model; the run itself is not changed."""
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
    """Peak memory so far: of tensors on a GPU, of the whole process on the CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

"""One optimizer step over one global batch, the same for one process and for many."""

import copy
import math
import time
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from isang.config import ModelConfig, TrainingConfig
from isang.model.batches import Rows, Sessions
from isang.model.encoder import Encoder
from isang.model.masking import Hidden, hide
from isang.training.adamw import AdamW
from isang.training.journal.parameter_groups import Parts, part_norms, part_ratios
from isang.training.objective import by_length, hidden_losses, part_of
from isang.training.processes.micro_batches import Budget, accumulate, split
from isang.training.processes.processes import Processes
from isang.training.step_threads import HALVES


class Step(NamedTuple):
    """What one optimizer step did, over all processes."""

    loss_sum: float  # nats
    events: int  # masked ones
    learning_rate: float
    gradient_norm: float  # before clipping
    seconds: float
    tokens: int = 0
    parts: Parts | None = None  # None unless requested


class NotFinite(Exception):
    """The loss or the gradient of a step is NaN or infinite, on all processes; the weights are unchanged."""

    def __init__(self, hidden: Hidden, loss: float, gradient_norm: float, learning_rate: float) -> None:
        super().__init__(loss, gradient_norm)
        self.hidden, self.loss, self.gradient_norm, self.learning_rate = hidden, loss, gradient_norm, learning_rate


@dataclass
class Learner:
    """A model in training: everything that a step needs and changes."""

    model: Encoder
    optimizer: AdamW
    config: TrainingConfig
    processes: Processes
    budget: Budget
    threads: Executor | None = None
    """Computes the halves of a batch in parallel; None: one after the other."""

    def rehearsal(self) -> "Learner":
        """A copy for trial steps; this one stays unchanged, except that both share the memory budget."""
        model = copy.deepcopy(self.model)
        return replace(self, model=model, optimizer=new_optimizer(model, self.config))


def new_learner(
    model_config: ModelConfig, vocabulary_size: int, config: TrainingConfig, processes: Processes
) -> Learner:
    """A model with its initial weights, which are a function of the seed."""
    torch.manual_seed(config.seed)
    model = Encoder(model_config, vocabulary_size).to(processes.device)
    return Learner(model, new_optimizer(model, config), config, processes, Budget(config.tokens_per_pass))


def new_optimizer(model: Encoder, config: TrainingConfig) -> AdamW:
    """AdamW over all weights."""
    return AdamW(model.parameters(), config.learning_rate, config.weight_decay)


def train_step(learner: Learner, batch: Sessions, learning_rate: float, number: int, *, watch: bool = False) -> Step:
    """Optimizer step `number` (0-based) over the global batch; each process learns from its share of the sessions.

    The hidden events depend only on the seed and the step, and the dropout also on the process: a resumed run repeats
    both. `watch` requests the norms per part of the model. Raises NotFinite before any weight changes.
    """
    started = time.monotonic()
    model, config, processes = learner.model, learner.config, learner.processes
    generator = np.random.default_rng([config.seed, 1, number])
    hidden = hide(batch, config.mask_fraction, model.vocabulary_size, generator)
    torch.manual_seed(_dropout_seed(config.seed, number, processes.rank))
    loss_sum = _backward(learner, hidden, number)
    processes.sum_gradients(model.parameters())
    norms = part_norms(model) if watch else {}
    norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm))
    if not (math.isfinite(loss_sum) and math.isfinite(norm)):
        raise NotFinite(hidden, loss_sum / len(hidden.targets_N), norm, learning_rate)
    learner.optimizer.learning_rate = learning_rate
    before = [weights.detach().clone() for weights in model.parameters()] if watch else []
    learner.optimizer.step()
    parts = Parts(norms, part_ratios(model, before)) if watch else None
    seconds = time.monotonic() - started
    return Step(loss_sum, len(hidden.targets_N), learning_rate, norm, seconds, len(batch.flat), parts)


def _backward(learner: Learner, hidden: Hidden, number: int) -> float:
    """Compute this process's share of the gradient of the global batch's mean loss; return the loss sum over all
    processes.

    Every process knows the global number of hidden events and divides by it before its backward pass. On the CPU each
    half of a pass has its own random numbers, and the gradients are always added in the same order.
    """
    model, processes, events = learner.model, learner.processes, len(hidden.targets_N)
    model.train()
    mine = part_of(hidden, by_length(hidden)[processes.rank :: processes.count])
    weights = list(model.parameters())
    generators: list[torch.Generator | None] = [None]
    if processes.device.type == "cpu":
        seeds = (_dropout_seed(learner.config.seed, number, processes.rank, half) for half in range(HALVES))
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def gradients(rows: Rows, generator: torch.Generator | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        part = mine if len(rows) == len(mine.sessions) else part_of(mine, rows)
        loss_sum = hidden_losses(model, part, generator).sum()
        return loss_sum.detach(), torch.autograd.grad(loss_sum / events, weights)

    def one_pass(rows: Rows) -> Tensor:
        halves = [half for half in split(mine.sessions.lengths, rows, len(generators)) if len(half)]
        side_by_side = map if learner.threads is None else learner.threads.map
        found = list(side_by_side(gradients, halves, generators))
        for _, of_half in found:
            for each, gradient in zip(weights, of_half, strict=True):
                each.grad = gradient if each.grad is None else each.grad.add_(gradient)
        return torch.stack([loss_sum for loss_sum, _ in found]).sum()

    loss_sum = accumulate(mine.sessions.lengths, learner.budget, one_pass, learner.optimizer.zero_grad)
    return processes.sum(loss_sum)[0]


def _dropout_seed(seed: int, number: int, rank: int, half: int = 0) -> int:
    return int(np.random.SeedSequence([seed, 3, number, rank, half]).generate_state(1, np.uint64)[0])

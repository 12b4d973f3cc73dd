"""What training minimises: the cross-entropy of the hidden events."""

from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from isang.config import TrainingConfig
from isang.model.batches import Rows, Sessions, length_batches
from isang.model.encoder import Encoder
from isang.model.masking import Hidden, hide
from isang.training.data import TokenSource
from isang.training.processes.processes import Processes

VALIDATION_TOKENS = 16_384
"""Tokens per batch when no gradient is needed."""
FREQUENCY_SESSIONS = 5_000
"""Number of sessions from which the frequency of each right answer is estimated."""


class Validation(NamedTuple):
    """The loss on held-out sessions, S of which have hidden events."""

    losses_S: NDArray[np.float64]  # nats, summed over the hidden events of each session
    events_S: NDArray[np.float64]  # hidden events

    @property
    def loss_sum(self) -> float:
        """Nats."""
        return float(self.losses_S.sum())

    @property
    def events(self) -> int:
        """Number of hidden events."""
        return int(self.events_S.sum())

    @property
    def loss(self) -> float:
        """Nats per hidden event."""
        return self.loss_sum / self.events

    @property
    def session_losses(self) -> NDArray[np.float64]:
        """Nats per hidden event of each session, shape S."""
        return self.losses_S / self.events_S

    def change_error(self, earlier: "Validation") -> float:
        """The standard error of this loss minus the `earlier` one, in nats per hidden event.

        Both cover the same sessions with the same events hidden, so it follows from the differences per session, which
        vary much less than the losses. Sessions are assumed to be independent.
        """
        differences_S = self.losses_S - earlier.losses_S
        return float(differences_S.std() * len(differences_S) ** 0.5 / self.events)


def in_bfloat16(device: torch.device) -> bool:
    """Whether training on `device` uses bfloat16. GPUs older than Ampere, such as the V100, would only emulate it."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def hidden_losses(model: Encoder, hidden: Hidden, generator: torch.Generator | None = None) -> Tensor:
    """The cross-entropy at each hidden position in nats, shape N, computed in bfloat16 where `in_bfloat16` says so.

    The `generator` draws the dropout, on the CPU.
    """
    device = model.head_bias.device
    asked_N = torch.from_numpy(np.flatnonzero(hidden.chosen_T)).to(device)
    targets_N = torch.from_numpy(hidden.targets_N).long().to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=in_bfloat16(device)):
        tokens_T = torch.from_numpy(hidden.sessions.flat).to(device)
        states_ND = model(tokens_T, hidden.sessions.lengths, asked_N, generator)
        logits_NV = model.logits(states_ND)
    losses_N: Tensor = functional.cross_entropy(logits_NV.float(), targets_N, reduction="none")
    return losses_N


def by_length(hidden: Hidden) -> Rows:
    """The order of the sessions that is fastest for the encoder. Hiding may have changed their lengths."""
    return np.argsort(hidden.sessions.lengths, kind="stable")


def part_of(hidden: Hidden, rows: Rows) -> Hidden:
    """The part of `hidden` for the sessions `rows`, in that order."""
    places, offsets = hidden.sessions.places(rows)
    answers_T = np.zeros(len(hidden.chosen_T), dtype=hidden.targets_N.dtype)
    answers_T[hidden.chosen_T] = hidden.targets_N
    chosen_T = hidden.chosen_T[places]
    return Hidden(Sessions(hidden.sessions.flat[places], offsets), chosen_T, answers_T[places][chosen_T])


def nats_by_frequency(sessions: TokenSource, vocabulary_size: int, config: TrainingConfig) -> float:
    """The loss of a model that knows only how often each answer is right, in nats per hidden event.

    A run that stays above it has learned nothing from the context. Estimated on a sample of the sessions.
    """
    some = np.unique(np.linspace(0, len(sessions) - 1, FREQUENCY_SESSIONS).astype(np.int64))
    generator = np.random.default_rng([config.seed, 4])
    targets_N = hide(sessions.take(some), config.mask_fraction, vocabulary_size, generator).targets_N
    shares = np.unique(targets_N, return_counts=True)[1] / len(targets_N)
    return float(-(shares * np.log(shares)).sum())


def validate(
    model: Encoder,
    sessions: TokenSource,
    config: TrainingConfig,
    processes: Processes,
    threads: Executor | None = None,
) -> Validation:
    """The loss on all of `sessions`, with the same events hidden each time.

    The batches are divided among the processes, and among the `threads` of each.
    """
    model.eval()

    @torch.inference_mode()
    def of_batch(number: int, batch: Rows) -> tuple[NDArray[np.float64], Rows]:
        generator = np.random.default_rng([config.seed, 2, number])
        hidden = hide(sessions.take(batch), config.mask_fraction, model.vocabulary_size, generator)
        order = by_length(hidden)
        hidden = part_of(hidden, order)
        row_N = np.repeat(batch[order], hidden.sessions.lengths)[hidden.chosen_T]
        return hidden_losses(model, hidden).double().cpu().numpy(), row_N

    batches = list(enumerate(length_batches(sessions.lengths, VALIDATION_TOKENS)))[processes.rank :: processes.count]
    side_by_side = map if threads is None else threads.map
    losses_S, events_S = np.zeros(len(sessions)), np.zeros(len(sessions))
    for losses_N, row_N in side_by_side(of_batch, *zip(*batches, strict=True)) if batches else ():
        np.add.at(losses_S, row_N, losses_N)
        np.add.at(events_S, row_N, 1)
    losses_S, events_S = processes.sum_arrays(losses_S, events_S)
    asked = events_S > 0
    return Validation(losses_S[asked], events_S[asked])

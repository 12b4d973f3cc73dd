"""The training loop, read from top to bottom."""

import dataclasses
import hashlib
import math
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import isang
from isang.config import ModelConfig, TrainingConfig
from isang.errors import IsangError
from isang.files import saying_where
from isang.model.batches import Rows, Sessions, batches_per_epoch, cut, epoch_batches
from isang.model.encoder import Encoder
from isang.model.vocabulary import BEGIN, END
from isang.progress import Progress as ProgressBar
from isang.progress import say
from isang.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from isang.training.journal import Journal, Step
from isang.training.objective import masked_loss, validation_loss
from isang.training.schedule import Schedule

MIN_PATIENCE_STEPS = 100
"""With tiny epochs, patience is at least this many steps."""


@dataclass(frozen=True)
class Data:
    """What a model is trained on."""

    training: Sessions
    validation: Sessions
    vocabulary_size: int


@dataclass(frozen=True)
class Plan:
    """What a run is going to do."""

    epochs: int
    batches_per_epoch: int
    schedule: Schedule
    patience_steps: int | None
    """Stop after this many steps without a better validation loss; None never stops early."""

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return self.epochs * self.batches_per_epoch


def make_plan(sessions: int, config: TrainingConfig) -> Plan:
    """The plan for that many training sessions."""
    per_epoch = batches_per_epoch(sessions, config.batch_size)
    epochs = max(config.epochs, math.ceil(config.min_steps / per_epoch))
    steps = epochs * per_epoch
    warmup_steps = max(1, round(config.warmup_fraction * steps))
    return Plan(
        epochs=epochs,
        batches_per_epoch=per_epoch,
        schedule=Schedule(steps, warmup_steps, config.learning_rate, config.final_rate_fraction * config.learning_rate),
        patience_steps=max(config.patience * per_epoch, MIN_PATIENCE_STEPS) if config.patience else None,
    )


def train(
    data: Data, model_config: ModelConfig, config: TrainingConfig, folder: Path, *, resume: bool = False
) -> tuple[Encoder, Progress]:
    """Train an encoder and return it with the weights that were best on the validation sessions.

    Sessions longer than the model's positions are learned from in consecutive pieces.
    Writes the journal and the checkpoints into the run's `folder`; `resume` continues from the newest checkpoint there.
    """
    torch.manual_seed(config.seed)
    data = Data(
        _learnable(data.training, model_config.positions),
        _learnable(data.validation, model_config.positions),
        data.vocabulary_size,
    )
    model = Encoder(model_config, data.vocabulary_size)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    plan = make_plan(len(data.training), config)
    identity = _identity(data, model_config, config)
    restored = load_checkpoint(folder / "checkpoints", model, optimizer, identity) if resume else None
    state, best = restored or (Progress(), _weights(model))
    attempt_started, earlier_seconds = time.monotonic(), state.seconds

    def save() -> float:
        save_checkpoint(folder / "checkpoints", state, model, optimizer, best, identity)
        return time.monotonic()

    with (
        saying_where(folder),
        closing(Journal(folder, resume=restored is not None)) as journal,
        ProgressBar("training", total=plan.steps, unit="steps") as bar,
    ):
        _open_journal(journal, plan, data, model, config, state)
        bar.advance(state.step)
        saved = time.monotonic()
        reason = _reason_to_stop(plan, config, state)
        while reason is None:
            batches = epoch_batches(data.training.lengths, config.batch_size, config.seed, state.epoch)
            for rows in batches[state.batch :]:
                step = train_step(model, optimizer, data, rows, plan.schedule(state.step), config, state.step)
                state.count(step.loss_sum, step.events, earlier_seconds + time.monotonic() - attempt_started)
                journal.step(step, state, plan.steps, plan.epochs)
                bar.advance(1, note=f"loss {state.running_mean:.4f}")
                if time.monotonic() - saved > 60 * config.checkpoint_minutes:
                    saved = save()
                reason = _reason_to_stop(plan, config, state)
                if reason == OUT_OF_TIME:
                    break
            loss_sum, events = validation_loss(model, data.validation, config)
            journal.validation(loss_sum, events, state, plan.steps, plan.epochs)
            if state.judge(loss_sum / events):
                best = _weights(model)
            reason = _reason_to_stop(plan, config, state)
            if reason != OUT_OF_TIME:
                journal.epoch(state, plan.epochs, loss_sum / events, plan.schedule(state.step - 1))
                state.begin_epoch()
            saved = save()
        journal.done(state, plan.steps, reason)
    model.load_state_dict(best)
    return model.eval(), state


def train_step(
    model: Encoder,
    optimizer: torch.optim.Optimizer,
    data: Data,
    rows: Rows,
    learning_rate: float,
    config: TrainingConfig,
    number: int,
) -> Step:
    """Optimizer step `number` (0-based) over the training sessions `rows`."""
    started = time.monotonic()
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    model.train()
    optimizer.zero_grad(set_to_none=True)
    generator = np.random.default_rng([config.seed, 1, number])  # of the step alone, so that a resumed run repeats it
    loss_sum, events = masked_loss(model, data.training.take(rows), config.mask_fraction, generator)
    (loss_sum / events).backward()  # type: ignore[no-untyped-call]
    norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm))
    loss = float(loss_sum.detach())
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise IsangError(
            f"training stopped at step {number + 1}: the loss is {loss} and the gradient norm {norm}; the last "
            f"checkpoint is kept; try a lower --learning-rate (it was {config.learning_rate:g})"
        )
    optimizer.step()
    return Step(loss, events, learning_rate, norm, time.monotonic() - started)


def _learnable(sessions: Sessions, positions: int) -> Sessions:
    """The sessions in pieces that fit the model, without pieces that hold nothing but an END."""
    pieces, _ = cut(sessions, positions)
    marks = np.isin(pieces.flat, (BEGIN, END))
    events = np.add.reduceat(~marks, pieces.offsets[:-1], dtype=np.int64)
    return pieces if events.all() else pieces.take(np.nonzero(events)[0])


ALL_STEPS_DONE, OUT_OF_PATIENCE, OUT_OF_TIME = "all_steps_done", "patience", "max_minutes"


def _reason_to_stop(plan: Plan, config: TrainingConfig, state: Progress) -> str | None:
    if state.step >= plan.steps:
        return ALL_STEPS_DONE
    if config.max_minutes is not None and state.seconds > 60 * config.max_minutes:
        return OUT_OF_TIME
    if plan.patience_steps is not None and state.steps_since_best >= plan.patience_steps:
        return OUT_OF_PATIENCE
    return None


def _open_journal(
    journal: Journal, plan: Plan, data: Data, model: Encoder, config: TrainingConfig, state: Progress
) -> None:
    parameters = sum(part.numel() for part in model.parameters())
    say(
        f"training {parameters:,} parameters on {len(data.training):,} sessions, validating on "
        f"{len(data.validation):,}: up to {plan.epochs:,} epochs of {plan.batches_per_epoch:,} steps"
        + (f", from step {state.step:,} on" if state.step else "")
    )
    if state.step:
        journal.resumed(state, plan.steps)
        return
    journal.plan(
        epochs=plan.epochs, steps=plan.steps, batches_per_epoch=plan.batches_per_epoch, batch_size=config.batch_size,
        batch_size_per_device=config.batch_size, devices=1, vocabulary_size=data.vocabulary_size,
        sessions=len(data.training), validation_sessions=len(data.validation), learning_rate=config.learning_rate,
        final_learning_rate=plan.schedule.final, schedule="cosine", warmup_steps=plan.schedule.warmup_steps,
        patience_steps=plan.patience_steps, parameters=parameters,
        layers=model.config.layers, width=model.config.width, heads=model.config.heads, seed=config.seed,
    )  # fmt: skip
    journal.environment(isang=isang.__version__, torch=torch.__version__, threads=torch.get_num_threads())


def _weights(model: Encoder) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _identity(data: Data, model: ModelConfig, config: TrainingConfig) -> str:
    """A name for the data and settings that decide every step of the run; how long it may take is not among them."""
    deciding = dataclasses.replace(config, max_minutes=None, checkpoint_minutes=1.0, patience=0)
    digest = hashlib.sha256(f"{data.vocabulary_size} {model} {deciding}".encode())
    for sessions in (data.training, data.validation):
        digest.update(sessions.offsets.tobytes())
        digest.update(sessions.flat.tobytes())
    return digest.hexdigest()

"""The training loop, read from top to bottom."""

import dataclasses
import functools
import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from torch import Tensor

from isang.config import ModelConfig, TrainingConfig, deciding
from isang.files import saying_where
from isang.model.batches import Rows, epoch_batches
from isang.model.encoder import Encoder
from isang.progress import Progress
from isang.training.checkpoint import TrainingProgress, load_checkpoint, save_checkpoint
from isang.training.data import Data
from isang.training.journal.journal import Listener, RunJournal
from isang.training.journal.startup_report import announce
from isang.training.objective import Validation, validate
from isang.training.plan import OUT_OF_TIME, make_plan, memory_bytes
from isang.training.processes import faults
from isang.training.processes.processes import Processes
from isang.training.step import Learner, NotFinite, Step, new_learner, train_step
from isang.training.step_threads import step_threads

INTERVAL_STEPS = 50
"""Speed, memory and the change of each part of the model are recorded every this many steps and after each epoch."""

ALONE = Processes()


def train(
    data: Data,
    model_config: ModelConfig,
    config: TrainingConfig,
    folder: Path,
    *,
    resume: bool = False,
    processes: Processes = ALONE,
    schedule: Callable[[float], float] | None = None,
    listener: Listener | None = None,
) -> tuple[Encoder, TrainingProgress]:
    """Train an encoder and return it, on the CPU, with the weights that did best on the validation sessions.

    Writes the journal and the checkpoints to the run's `folder`; `resume` continues from the newest checkpoint there.
    All `processes` make the same call. `schedule` replaces the usual learning rate; `listener` receives each record.
    """
    tokens = int(data.training.lengths.sum())
    plan = make_plan(len(data.training), len(data.validated), config, schedule, tokens=tokens)
    batches = _batches(data, plan.batch_size, config.seed)
    learner = new_learner(model_config, data.vocabulary_size, config, processes)
    identity = _identity(data, model_config, config)
    run = _TrainingRun(data, learner, folder, identity, TrainingProgress(), _weights(learner.model))
    resumed = resume and run.take_up()
    state, where = run.state, folder if processes.first else None
    with (
        step_threads(learner.model, tokens / plan.batches_per_epoch) as learner.threads,
        saying_where(folder),
        faults.stop_requests() as request,
        closing(RunJournal(where, steps=plan.steps, epochs=plan.epochs, resume=resumed, listener=listener)) as journal,
        Progress("training", total=plan.steps, unit="steps", silent=not processes.first) as bar,
    ):
        announce(journal, plan, data, learner, state, batches(state.epoch))
        bar.advance(state.step)
        began, run.saved_seconds = time.monotonic() - state.seconds, state.seconds
        while (reason := plan.reason_to_stop(state)) is None:
            last_of_epoch = state.batch + 1 == plan.batches_per_epoch
            watch = last_of_epoch or (state.step + 1) % INTERVAL_STEPS == 0
            rows = batches(state.epoch)[state.batch]
            step = run.step(rows, plan.learning_rate(state), journal, watch=watch)
            seconds, signal_number = processes.highest(time.monotonic() - began, request.signal_number)
            state.count(step.loss_sum, step.events, seconds)
            journal.step(step, state)
            bar.advance(1, note=f"loss {state.running_mean:.4f}")
            if watch:
                journal.interval(step, state, memory_bytes(processes.device))

            out_of_time = plan.reason_to_stop(state) == OUT_OF_TIME
            if out_of_time or plan.validates_after(state.batch):
                validation_loss = run.validate(journal)
            if last_of_epoch:
                journal.epoch(state, validation_loss, step.learning_rate)
                state.begin_epoch()

            if last_of_epoch or out_of_time or signal_number or run.checkpoint_is_due():
                run.save()
            if signal_number:
                raise faults.interrupted(int(signal_number), state, plan.steps)
        journal.done(state, reason)
    learner.model.load_state_dict(run.best)
    return learner.model.cpu().eval(), state


def _batches(data: Data, batch_size: int, seed: int) -> Callable[[int], Sequence[Rows]]:
    """The batches of each epoch; those of the epoch last asked for are cached."""

    @functools.lru_cache(maxsize=1)
    def batches(epoch: int) -> Sequence[Rows]:
        return epoch_batches(data.training.lengths, batch_size, seed, epoch)

    return batches


@dataclasses.dataclass
class _TrainingRun:
    """A run between two steps: what the next step needs and a checkpoint stores."""

    data: Data
    learner: Learner
    folder: Path
    identity: str
    state: TrainingProgress
    best: dict[str, Tensor]
    """The weights with the lowest validation loss so far."""
    last_validation: Validation | None = None
    """None before the first one of this attempt."""
    saved_seconds: float = 0.0
    """Seconds of training at the last checkpoint."""

    def take_up(self) -> bool:
        """Load the newest checkpoint; return whether there was one."""
        model, optimizer = self.learner.model, self.learner.optimizer
        restored = load_checkpoint(self.folder / "checkpoints", model, optimizer, self.identity)
        if restored is not None:
            self.state, self.best = restored
        return restored is not None

    def checkpoint_is_due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self.state.seconds - self.saved_seconds > 60 * self.learner.config.checkpoint_minutes

    def save(self) -> None:
        """Write a checkpoint."""
        learner = self.learner
        self.saved_seconds = self.state.seconds
        if learner.processes.first:
            folder = self.folder / "checkpoints"
            save_checkpoint(folder, self.state, learner.model, learner.optimizer, self.best, self.identity)

    def step(self, rows: Rows, learning_rate: float, journal: RunJournal, *, watch: bool) -> Step:
        """Do the step after `state`, on the sessions `rows`.

        If its loss or gradient is not finite, the batch is saved and the run ends.
        """
        state, processes = self.state, self.learner.processes
        batch = self.data.training.take(rows)
        try:
            return train_step(self.learner, batch, learning_rate, state.step, watch=watch)
        except NotFinite as error:
            journal.failed(error, state)
            folder = self.folder if processes.first else None
            raise faults.not_finite(error, batch, rows, self.data.templates, state.step + 1, folder) from error

    def validate(self, journal: RunJournal) -> float:
        """Compute and record the validation loss after `state`; keep the weights if it is the lowest so far."""
        learner = self.learner
        validation = validate(learner.model, self.data.validated, learner.config, learner.processes, learner.threads)
        journal.validation(validation, self.state, self.last_validation)
        self.last_validation = validation
        if self.state.judge(validation.loss):
            self.best = _weights(learner.model)
        return validation.loss


def _weights(model: Encoder) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _identity(data: Data, model: ModelConfig, config: TrainingConfig) -> str:
    """A hash of the data and of the settings that decide what the run computes."""
    return hashlib.sha256(f"{data.digest()} {model} {deciding(config)}".encode()).hexdigest()

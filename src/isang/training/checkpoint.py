"""Checkpoints: written completely or not at all, without pickle."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from isang.errors import InputError
from isang.files import folder_being_written, remove_folder, to_json, write_text
from isang.json_files import maybe, number, one_of, read_json, record, text
from isang.training.adamw import AdamW

SCHEMA = 2
KEPT = 2
"""Number of checkpoints kept; older ones are removed."""
MARGIN = 1e-4
"""Relative improvement of the validation loss below which patience is not reset: otherwise a stalled run never ends."""


@dataclass
class TrainingProgress:
    """The progress of a training run."""

    step: int = 0
    """Total steps done."""
    epoch: int = 0
    """0-based epoch of the next step."""
    batch: int = 0
    """Batches done in that epoch."""
    epoch_loss_sum: float = 0.0
    epoch_events: int = 0
    best_validation_loss: float = float("inf")
    best_epoch: int = 0
    """1-based; 0 before the first validation."""
    best_step: int = 0
    patience_loss: float = float("inf")
    """The validation loss at which patience was last reset."""
    steps_since_better: int = 0
    seconds: float = 0.0
    """Training time, summed over all attempts."""
    epoch_started_seconds: float = 0.0

    @property
    def running_mean(self) -> float:
        """Mean loss since the start of the epoch, in nats per masked event."""
        return self.epoch_loss_sum / self.epoch_events

    def count(self, loss_sum: float, events: int, seconds: float) -> None:
        """Record one finished step; `seconds` is the total training time so far."""
        self.step, self.batch = self.step + 1, self.batch + 1
        self.epoch_loss_sum += loss_sum
        self.epoch_events += events
        self.steps_since_better += 1
        self.seconds = seconds

    def judge(self, validation_loss: float) -> bool:
        """Whether this validation loss is the best so far. Patience is reset only if it improves by MARGIN."""
        if validation_loss < self.patience_loss * (1 - MARGIN):
            self.patience_loss, self.steps_since_better = validation_loss, 0
        if validation_loss >= self.best_validation_loss:
            return False
        self.best_validation_loss, self.best_epoch, self.best_step = validation_loss, self.epoch + 1, self.step
        return True

    def begin_epoch(self) -> None:
        """The next step belongs to a new epoch."""
        self.epoch, self.batch = self.epoch + 1, 0
        self.epoch_loss_sum, self.epoch_events, self.epoch_started_seconds = 0.0, 0, self.seconds


_COUNT, _AMOUNT = number(0, 2**53, whole=True), number(0)
_STATE = record(
    {
        "schema": one_of(SCHEMA),
        "identity": text,
        **{name: _AMOUNT for name, kind in TrainingProgress.__annotations__.items() if kind is float},
        **{name: _COUNT for name, kind in TrainingProgress.__annotations__.items() if kind is int},
        "best_validation_loss": maybe(number()),
        "patience_loss": maybe(number()),
    },
    closed=True,
)
"""The schema of state.json."""


def save_checkpoint(
    folder: Path,
    progress: TrainingProgress,
    model: nn.Module,
    optimizer: AdamW,
    best: Mapping[str, Tensor],
    identity: str,
) -> None:
    """Write `folder`/step_NNN with everything needed to resume exactly, and remove all but the newest checkpoints.

    `best` are the best weights so far; every checkpoint holds them, so they are never lost. Masks and dropout are
    functions of the step and need no state. Partial checkpoints of killed runs are removed too.
    `identity` names the data and settings of the run; a checkpoint is only resumed with the same ones.
    """
    target = folder / f"step_{progress.step:09d}"
    with folder_being_written(target, overwrite=True) as building:
        save_file(_contiguous(model.state_dict()), building / "model.safetensors")
        save_file(_contiguous(best), building / "best.safetensors")
        save_file(_contiguous(optimizer.state()), building / "optimizer.safetensors")
        state: dict[str, Any] = {"schema": SCHEMA, "identity": identity, **vars(progress)}
        state |= {
            name: None for name in ("best_validation_loss", "patience_loss") if state[name] == float("inf")
        }  # JSON has no infinity
        write_text(building / "state.json", to_json(state))
    for old in (*_checkpoints(folder)[:-KEPT], *folder.glob("step_*.partial")):
        remove_folder(old)


def load_checkpoint(
    folder: Path, model: nn.Module, optimizer: AdamW, identity: str
) -> tuple[TrainingProgress, dict[str, Tensor]] | None:
    """Restore the newest checkpoint in `folder` into `model` and `optimizer`.

    Returns the progress and the best weights so far, or None if there is no checkpoint.
    """
    checkpoints = _checkpoints(folder)
    if not checkpoints:
        return None
    newest = checkpoints[-1]
    try:
        state: dict[str, Any] = read_json(newest / "state.json", _STATE, f"remove {newest} to use the one before")
        del state["schema"]
        if state.pop("identity") != identity:
            raise InputError(
                f"{newest} belongs to other data or settings; repeat the command that started the run, with --resume, "
                f"or start over without it"
            )
        model.load_state_dict(load_file(newest / "model.safetensors"))
        tensors = load_file(newest / "optimizer.safetensors")
        optimizer.restore(tensors)
        best = load_file(newest / "best.safetensors")
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"the checkpoint {newest} cannot be read ({error}); remove it to use the one before"
        ) from error
    for name in ("best_validation_loss", "patience_loss"):
        state[name] = float("inf") if state[name] is None else state[name]
    return TrainingProgress(**state), best


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step_*") if path.name.removeprefix("step_").isdigit())


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}

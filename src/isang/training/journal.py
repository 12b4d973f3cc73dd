"""What a training run writes down: a log for people, which `isang report` reads, and the same figures as JSON lines."""

import json
import os
import platform
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import isang
from isang.training.checkpoint import Progress

FORMAT = 1
"""Version of the text log."""

Value = str | int | float | None


class Step(NamedTuple):
    """What one optimizer step did."""

    loss_sum: float  # nats
    events: int  # masked ones
    learning_rate: float
    gradient_norm: float  # before clipping
    seconds: float


class Journal:
    """`RUN/logs/training_YYYYMMDD_HHMMSS.log` and `RUN/metrics.jsonl`, each line flushed as it is written.

    A resumed run goes on in the same two files. Sums and counts are written beside each mean.
    """

    def __init__(self, run: Path, *, resume: bool) -> None:
        logs = run / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        earlier = sorted(logs.glob("training_*.log"))
        resume = resume and bool(earlier)
        self.path = earlier[-1] if resume else logs / f"training_{datetime.now():%Y%m%d_%H%M%S}.log"
        self._text: TextIO = self.path.open("a", encoding="utf-8")
        self._metrics: TextIO = (run / "metrics.jsonl").open("a", encoding="utf-8")
        if not resume:
            self._line(f"isang {isang.__version__} training log {FORMAT}")

    def close(self) -> None:
        """Close both files."""
        self._text.close()
        self._metrics.close()

    def plan(self, **values: Value) -> None:
        """What is going to be done, before the first step."""
        self._record("plan", values)

    def environment(self, **values: Value) -> None:
        """Versions and the machine's size."""
        self._record("environment", {"python": platform.python_version(), "cores": os.cpu_count(), **values})

    def resumed(self, state: Progress, steps: int) -> None:
        """The run goes on after `state.step` of `steps` steps."""
        self._record("resumed", {"step": state.step}, of={"step": steps})

    def step(self, step: Step, state: Progress, steps: int, epochs: int) -> None:
        """One optimizer step; loss in nats per masked event."""
        values: dict[str, Value] = {
            "step": state.step, "epoch": state.epoch + 1, "loss": step.loss_sum / step.events,
            "loss_sum": step.loss_sum, "events": step.events, "running_mean": state.running_mean,
            "learning_rate": step.learning_rate, "gradient_norm": step.gradient_norm, "seconds": step.seconds,
        }  # fmt: skip
        self._record("", values, of={"step": steps, "epoch": epochs}, kind="step")

    def validation(self, loss_sum: float, events: int, state: Progress, steps: int, epochs: int) -> None:
        """The loss on the held-out sessions, in nats per masked event."""
        values: dict[str, Value] = {
            "step": state.step, "epoch": state.epoch + 1, "validation_loss": loss_sum / events,
            "loss_sum": loss_sum, "events": events,
        }  # fmt: skip
        self._record("validation", values, of={"step": steps, "epoch": epochs})

    def epoch(self, state: Progress, epochs: int, validation_loss: float, learning_rate: float) -> None:
        """The end of an epoch."""
        values: dict[str, Value] = {
            "epoch": state.epoch + 1, "mean_loss": state.running_mean, "validation_loss": validation_loss,
            "learning_rate": learning_rate, "seconds": state.seconds - state.epoch_started_seconds,
        }  # fmt: skip
        self._record("epoch_end", values, of={"epoch": epochs})

    def done(self, state: Progress, steps: int, reason: str) -> None:
        """The end of the run, and why it ended before its planned last step if it did."""
        if state.step < steps:
            self._record("stopped", {"step": state.step, "reason": reason}, of={"step": steps})
        values: dict[str, Value] = {
            "steps": state.step, "seconds": state.seconds, "best_epoch": state.best_epoch,
            "best_validation_loss": state.best_validation_loss,
        }  # fmt: skip
        self._record("done", values)

    def _record(
        self, word: str, values: dict[str, Value], *, of: dict[str, int] | None = None, kind: str | None = None
    ) -> None:
        of = of or {}
        shown = (f"{name}={_text(value)}" + (f"/{of[name]}" if name in of else "") for name, value in values.items())
        self._line(" ".join(part for part in (word, *shown) if part))
        record: dict[str, Any] = {"kind": kind or word, **values}
        self._metrics.write(json.dumps(record, allow_nan=False) + "\n")
        self._metrics.flush()

    def _line(self, text: str) -> None:
        now = datetime.now()
        self._text.write(f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d} INFO {text}\n")
        self._text.flush()


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace(" ", "_") if value is not None else "unknown"

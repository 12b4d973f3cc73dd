"""What a training run records: a readable log, which `isang report` reads, and the same figures as JSON lines."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np

import isang
from isang.files import to_json
from isang.formatting import printable_line
from isang.training.checkpoint import TrainingProgress
from isang.training.journal.suspicious_normal import NormalSessions
from isang.training.objective import Validation
from isang.training.step import NotFinite, Step

FORMAT = 1
"""Version of the text log."""
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
"""Quantiles of the loss per held-out session: a few unusual sessions show in the tail long before the mean."""

Value = str | int | float | None
Listener = Callable[[Mapping[str, float], int], None]
"""Receives the values of one record, and its step."""


class RunJournal:
    """`RUN/logs/training_YYYYMMDD_HHMMSS.log` and `RUN/metrics.jsonl`, each line flushed as it is written.

    A resumed run appends to the same two files. Sums and counts are written beside each mean. With `run` None nothing
    is written: only one of several processes keeps the journal. `listener` receives the values of each record with a
    step.
    """

    def __init__(
        self, run: Path | None, *, steps: int, epochs: int, resume: bool, listener: Listener | None = None
    ) -> None:
        self._of = {"step": steps, "epoch": epochs}  # totals, written beside the number of a step or epoch
        self._text: TextIO | None = None
        self._metrics: TextIO | None = None
        self._listener = listener
        self._seconds, self._tokens = 0.0, 0  # since the last interval was written
        if run is None:
            return
        logs = run / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        earlier = sorted(logs.glob("training_*.log"))
        resume = resume and bool(earlier)
        self.path = earlier[-1] if resume else logs / f"training_{datetime.now():%Y%m%d_%H%M%S}.log"
        self._text, self._metrics = _appending(self.path), _appending(run / "metrics.jsonl")
        if not resume:
            self._line(f"isang {isang.__version__} training log {FORMAT}")

    def close(self) -> None:
        """Close both files."""
        for file in (self._text, self._metrics):
            if file is not None:
                file.close()

    def plan(self, **values: Value) -> None:
        """Record the plan, before the first step."""
        self._record("plan", values)

    def normal_sessions(self, known: NormalSessions) -> None:
        """Record the facts about the sessions that training treats as normal."""
        self._line(f"normal_sessions {to_json(asdict(known), indent=None).rstrip()}")
        self._write({"kind": "normal_sessions", **asdict(known)})

    def environment(self, **values: Value) -> None:
        """Record versions and the machine's size."""
        self._record("environment", values)

    def resumed(self, state: TrainingProgress) -> None:
        """Record that the run resumes after `state.step` steps."""
        self._record("resumed", {"step": state.step})

    def step(self, step: Step, state: TrainingProgress) -> None:
        """Record one optimizer step; loss in nats per masked event."""
        self._seconds, self._tokens = self._seconds + step.seconds, self._tokens + step.tokens
        values: dict[str, Value] = {
            "step": state.step, "epoch": state.epoch + 1, "loss": step.loss_sum / step.events,
            "loss_sum": step.loss_sum, "events": step.events, "tokens": step.tokens, "running_mean": state.running_mean,
            "learning_rate": step.learning_rate, "gradient_norm": step.gradient_norm, "seconds": step.seconds,
        }  # fmt: skip
        self._record("", values, kind="step")

    def failed(self, error: NotFinite, state: TrainingProgress) -> None:
        """Record the step after `state`, whose loss or gradient is not finite."""
        values: dict[str, Value] = {
            "step": state.step + 1, "epoch": state.epoch + 1, "loss": error.loss,
            "learning_rate": error.learning_rate, "gradient_norm": error.gradient_norm,
        }  # fmt: skip
        self._record("", values, kind="step")

    def interval(self, step: Step, state: TrainingProgress, memory_bytes: int) -> None:
        """Record the speed since the last interval, memory, and how much this step changes each part of the model."""
        values: dict[str, Value] = {
            "step": state.step, "epoch": state.epoch + 1,
            "tokens_per_second": self._tokens / self._seconds if self._seconds else None,
            "padding_share": 0.0,  # batches are ragged: no token is padded
            "memory_mib": memory_bytes / 2**20,
        }  # fmt: skip
        if step.parts is not None:
            values |= {f"gradient_norm.{part}": norm for part, norm in step.parts.gradient_norm.items()}
            values |= {f"update_ratio.{part}": ratio for part, ratio in step.parts.update_ratio.items()}
        self._seconds, self._tokens = 0.0, 0
        self._record("at", values, kind="interval")

    def validation(self, validation: Validation, state: TrainingProgress, earlier: Validation | None = None) -> None:
        """Record the loss on the held-out sessions, in nats per masked event, and its spread over the sessions.

        With the `earlier` validation of this attempt, also the standard error of the change since then.
        """
        tails = np.quantile(validation.session_losses, list(QUANTILES.values()))
        values: dict[str, Value] = {
            "step": state.step, "epoch": state.epoch + 1, "validation_loss": validation.loss,
            "loss_sum": validation.loss_sum, "events": validation.events,
            **({} if earlier is None else {"change_error": validation.change_error(earlier)}),
            **{f"validation_session_loss_{name}": float(tail) for name, tail in zip(QUANTILES, tails, strict=True)},
        }  # fmt: skip
        self._record("validation", values)

    def epoch(self, state: TrainingProgress, validation_loss: float, learning_rate: float) -> None:
        """Record the end of an epoch."""
        values: dict[str, Value] = {
            "epoch": state.epoch + 1, "mean_loss": state.running_mean, "validation_loss": validation_loss,
            "learning_rate": learning_rate, "seconds": state.seconds - state.epoch_started_seconds,
        }  # fmt: skip
        self._record("epoch_end", values)

    def done(self, state: TrainingProgress, reason: str) -> None:
        """Record the end of the run, and the reason if it ended before its planned last step."""
        if state.step < self._of["step"]:
            self._record("stopped", {"step": state.step, "reason": reason})
        values: dict[str, Value] = {
            "steps": state.step, "seconds": state.seconds, "best_epoch": state.best_epoch, "best_step": state.best_step,
            "best_validation_loss": state.best_validation_loss,
        }  # fmt: skip
        self._record("done", values)

    def _record(self, word: str, values: dict[str, Value], *, kind: str | None = None) -> None:
        if self._metrics is None:
            return
        of = self._of
        shown = (f"{name}={_text(value)}" + (f"/{of[name]}" if name in of else "") for name, value in values.items())
        self._line(" ".join(part for part in (word, *shown) if part))
        self._write({"kind": kind or word, **{name: _plain(value) for name, value in values.items()}})
        if self._listener is not None and "step" in values:
            numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
            self._listener(numbers, int(numbers.pop("step")))

    def _write(self, record: Mapping[str, Any]) -> None:
        if self._metrics is not None:
            self._metrics.write(to_json(record, indent=None))
            self._metrics.flush()

    def _line(self, text: str) -> None:
        if self._text is not None:
            now = datetime.now()
            self._text.write(f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03d} INFO {printable_line(text)}\n")
            self._text.flush()


def _appending(path: Path) -> TextIO:
    """Open the file to append after its last complete line: a killed run may have left half a line."""
    if path.exists():
        with path.open("r+b") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
    return path.open("a", encoding="utf-8")


def _plain(value: Value) -> Value:
    """JSON has neither NaN nor infinity: they are written as words."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace(" ", "_") if value is not None else "unknown"

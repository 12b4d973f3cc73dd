"""What a finding is, and what the findings about one run share."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from isang.runs.read import table as t
from isang.runs.read.table import Floats, Integers, RunTable, usable
from isang.runs.statistics import run_statistics as s
from isang.runs.statistics.dead_stretch import DeadStretch, dead_stretch, repetition
from isang.runs.statistics.learning_rate.schedule_fit import recognise_schedule
from isang.runs.statistics.noise import Trend, trend
from isang.runs.text.korean_particles import with_particles

T = TypeVar("T")
Verdict = Literal["ok", "problem", "cannot_tell", "not_applicable"]
Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")
FEWEST_MEASURED = 3
"""Values of a metric that show how it stands."""


@dataclass(frozen=True)
class Finding:
    """One verdict. `evidence` holds plain JSON values: statistic, interval, threshold, the steps concerned."""

    id: str
    verdict: Verdict
    statement: Mapping[Language, str]
    evidence: Mapping[str, Any]
    remedy: Mapping[Language, str] | None = None
    """A hypothesis to test, where there is something to do."""


@dataclass
class RunContext:
    """What several findings need, computed once. `n` is the number of finite losses."""

    table: RunTable
    evaluation: Mapping[str, Any] | None = None
    _trends: dict[tuple[int, int], Trend | None] = field(default_factory=dict)
    _computed: dict[Callable[["RunContext"], Any], Any] = field(default_factory=dict)

    @cached_property
    def rows(self) -> NDArray[np.bool_]:
        """Which rows of the table have a loss that can be reckoned with; n of them."""
        return usable(self.table.column(self.table.loss))

    @cached_property
    def steps(self) -> Integers:
        """Their steps, shape n."""
        return self.table.step if self.rows.all() else self.table.step[self.rows]

    @cached_property
    def loss(self) -> Floats:
        """Their losses, shape n."""
        losses = self.table.column(self.table.loss)
        return losses if self.rows.all() else losses[self.rows]

    @property
    def smooth(self) -> Floats:
        """Their smoothed losses, shape n; a new array each time, as a long run's takes much memory."""
        return s.smooth(self.loss, s.window_of(len(self.loss)))

    @cached_property
    def schedule(self) -> dict[str, Any]:
        return recognise_schedule(self.table)

    @cached_property
    def epochs(self) -> list[dict[str, Any]]:
        return s.epochs(self.table)

    @cached_property
    def statistics(self) -> dict[str, Any]:
        return s.statistics(self.table)

    def trend(self, first: int = 0, last: int | None = None) -> Trend | None:
        """The trend of the losses from position `first` to before `last`."""
        key = (first, len(self.loss) if last is None else last)
        if key not in self._trends:
            self._trends[key] = trend(self.loss[slice(*key)])
        return self._trends[key]

    def cached(self, compute: Callable[["RunContext"], T]) -> T:
        """What `compute` makes of this run, computed once."""
        if compute not in self._computed:
            self._computed[compute] = compute(self)
        found: T = self._computed[compute]
        return found

    @property
    def stopped_early(self) -> bool:
        """The run ended before its plan on purpose."""
        return bool(self.table.facts.get("stopped_early") or self.table.facts.get("stop_reason"))

    @cached_property
    def dead(self) -> DeadStretch | None:
        """The stretch at the end over which the training loss is one and the same number, where it broke down."""
        if self.loss_is_held_out or self.loss_says_nothing or self.judged_name is not None:
            return None
        found = dead_stretch(self.loss)
        return None if found is not None and found.first and self.is_learned(int(self.steps[found.first])) else found

    @cached_property
    def period(self) -> int | None:
        """Losses after which the training loss repeats itself exactly, None where it does not."""
        if self.loss_is_held_out or self.loss_says_nothing or self.judged_name is not None:
            return None
        return repetition(self.loss)

    def is_learned(self, first_step: int) -> bool:
        """The metric, or else the validation loss, had got better by this step and got no worse from there on."""
        table = self.table
        measured = [(table.metric, table.metric_maximised)] if table.metric is not None else []
        for name, maximised in [*measured, (t.VALIDATION_LOSS, False)]:
            steps, values = table.points(name)
            if not np.isfinite(values).all():
                return False
            values = -values if maximised else values
            before, after = values[steps < first_step], values[steps >= first_step]
            if len(before) and len(after) >= FEWEST_MEASURED:
                return bool(np.median(after) < before[0] and np.median(after) <= np.median(before[-FEWEST_MEASURED:]))
        return False

    @property
    def loss_says_nothing(self) -> bool:
        """Whether the judged series is a policy objective or the loss of two opponents, which need not fall."""
        return self.table.objective != t.LOSS and self.table.loss != t.METRIC

    @property
    def judged_name(self) -> str | None:
        """The log's own name of the judged series if it is not a loss, else None."""
        table = self.table
        return (table.loss_name or table.loss) if table.maximised or table.loss == t.METRIC else None

    @cached_property
    def part_done(self) -> float | None:
        """Part of its plan that the run has done, at most 1; None where the log names no plan that it keeps to."""
        facts, steps = self.table.facts, self.statistics["steps"]
        epochs, size = facts.get("epochs"), self.statistics["batches_per_epoch"]
        planned = facts.get("planned_steps") or (epochs * size if epochs and size else None)
        if planned and steps:
            between = float(np.median(np.diff(self.steps))) if len(self.steps) > 1 else 1.0
            if planned - steps <= 1.5 * between:  # the next line of the log would have been beyond the end
                return 1.0 if steps <= 1.02 * planned else None
            return float(steps / planned)
        done = self.statistics["epochs"]
        return done / epochs if epochs and done and done <= epochs else None

    @property
    def loss_is_held_out(self) -> bool:
        """Whether there is no training loss and the validation loss is judged instead."""
        return self.table.loss == t.VALIDATION_LOSS


def both(en: str, ko: str) -> dict[Language, str]:
    """A sentence in both languages; particles after values are settled in the Korean one."""
    return {"en": en, "ko": with_particles(ko)}


def named(context: RunContext, statement: Mapping[Language, str]) -> dict[Language, str]:
    """Reword a sentence about the loss for the judged series, if that is not a loss."""
    name = context.judged_name
    if name is None:
        return dict(statement)
    en = statement["en"].replace("The loss", name).replace("the loss", name)
    return {"en": en, "ko": with_particles(statement["ko"].replace("손실", f"{name} 값"))}


def plain(value: Any) -> Any:
    """JSON values: numpy numbers as Python's, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.bool_ | bool):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.floating | float):
        return float(value) if math.isfinite(value) else None
    return value


def too_few(finding: str, context: RunContext, needed: int) -> Finding:
    """The verdict where the log holds too little for a judgement."""
    count = len(context.loss)
    return Finding(
        finding,
        "cannot_tell",
        both(
            f"The log holds {count:,} losses; at least {needed:,} are needed for this judgement.",
            f"로그에 손실 값이 {count:,}개 있습니다. 이 판단에는 최소 {needed:,}개가 필요합니다.",
        ),
        {"losses": count, "needed": needed},
    )

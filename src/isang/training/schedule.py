"""The learning rate as a function of progress, for runs limited by steps or by time."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up, then a half cosine that reaches `final` at the last planned step (Loshchilov and Hutter 2017)."""

    steps: int
    warmup_steps: int
    peak: float
    final: float

    def __call__(self, step: float) -> float:
        """The rate of 0-based `step`, which is fractional if time drives the schedule."""
        if step < self.warmup_steps:
            return self.peak * (step + 1) / self.warmup_steps
        decay_steps = max(1, self.steps - 1 - self.warmup_steps)
        progress = min(1.0, (step - self.warmup_steps) / decay_steps)
        return self.final + (self.peak - self.final) * 0.5 * (1 + math.cos(math.pi * progress))

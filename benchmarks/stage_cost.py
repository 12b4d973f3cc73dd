"""Where the processor time of a command goes: seconds of CPU and of the clock, stage by stage.

    python benchmarks/stage_cost.py demo --out out/cost
    python benchmarks/stage_cost.py run LOGS... --out out/cost
    python benchmarks/stage_cost.py detect MODEL LOGS...

Everything behind the name of this file is the command. Each row holds what is below it too. With other work on the
machine, compare shares: CPU seconds rise by a half and more where cores are shared.
"""

import functools
import importlib
import resource
import time
from collections.abc import Callable
from typing import Any

STAGES = (
    "isang.stages.whole:prepare", "isang.stages.whole:train", "isang.stages.whole:evaluate",
    "isang.stages.whole:detect", "isang.stages.whole:report", "isang.stages.results:Detected.write",
    "isang.training.loop:train", "isang.training.loop:_TrainingRun.step", "isang.training.loop:_TrainingRun.validate",
    "isang.detection.assembly:make_detector", "isang.detection.assembly:cross_fitted_scores",
    "isang.detection.assembly:plant_held_out", "isang.detection.assembly:held_out_scores",
    "isang.detection.evaluation.evaluate:_later", "isang.detection.evaluation.evaluate:_measured",
    "isang.detection.evaluation.evaluate:plant", "isang.detection.batch:judge_reworded",
    "isang.detection.batch:records", "isang.detection.batch:with_sessions", "isang.detection.batch:never_seen",
    "isang.logs.stored:prepare_folder", "isang.detection.batch:new_lines", "isang.detection.batch:noticed",
    "isang.detection.detectors.contract:surprise",
)  # fmt: skip
"""Functions by module and name, each where it is called from."""
LEAST_SECONDS = 0.1
"""Rows with less are left out."""

Cost = list[float]
"""Calls, CPU seconds, seconds of the clock."""


def main() -> None:
    """Run the command with its functions watched, and print the table."""
    import isang.threads

    isang.threads.settle()
    began, started = cpu_seconds(), time.monotonic()
    import isang.cli

    spent: dict[tuple[str, ...], Cost] = {}
    path: list[str] = []
    for name in STAGES:
        watch(name, spent, path)
    loaded = cpu_seconds() - began
    try:
        isang.cli.main()
    except SystemExit as end:
        if end.code:
            raise
    finally:
        print("\n| stage | calls | CPU s | s |\n| --- | --- | --- | --- |")
        print(f"| everything | 1 | {cpu_seconds() - began:.1f} | {time.monotonic() - started:.1f} |")
        print(f"| imports before work begins | 1 | {loaded:.1f} | |")
        for names, (calls, cpu, clock) in sorted(spent.items()):
            if cpu >= LEAST_SECONDS:
                print(f"| {'&emsp;' * (len(names) - 1)}{names[-1]} | {calls:.0f} | {cpu:.1f} | {clock:.1f} |")


def watch(name: str, spent: dict[tuple[str, ...], Cost], path: list[str]) -> None:
    """Count the time of a function, below those that called it."""
    module, _, inside = name.partition(":")
    *owners, last = inside.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    setattr(owner, last, _watched(getattr(owner, last), inside, spent, path))


def _watched(
    function: Callable[..., Any], name: str, spent: dict[tuple[str, ...], Cost], path: list[str]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*arguments: Any, **options: Any) -> Any:
        began, started = cpu_seconds(), time.monotonic()
        path.append(name)
        try:
            return function(*arguments, **options)
        finally:
            cost = spent.setdefault(tuple(path), [0.0, 0.0, 0.0])
            path.pop()
            for place, more in enumerate((1, cpu_seconds() - began, time.monotonic() - started)):
                cost[place] += more

    return timed


def cpu_seconds() -> float:
    """Of this process so far, in user and system mode."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()

"""Invented services on days that differ without anything being wrong: are they left alone, and are faults told?

    python benchmarks/normal_changes.py [--half development|held_back] [--system NAME...] [--show] [--encoder]
                                        [--work DIR]

Synthetic. A model learns from a fault-free log; then come stretches with a normal change each (double load, a quiet
night, a deployment, a new customer, a rotated file, a restart), one without any, and one for each fault, which is there
for a third of its stretch. A fault is told where one of the first five incidents has its words in the title or in
the reasons.
Prints Markdown. Both halves were written before the rules were looked at; the second is to be looked at once.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from strangers.changing import ChangingWorld
from strangers.told import show, told

from isang import stages
from isang.artifact import Model, load_model
from isang.config import Config, ModelConfig, TrainingConfig
from isang.detection.batch import JudgedLogs, judge_logs


def main() -> None:
    """Train and judge one service after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("development", "held_back"), default="development")
    parser.add_argument("--system", nargs="*", default=[])
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--encoder", action="store_true")
    parser.add_argument("--work", type=Path, default=Path("out/benchmark/normal_changes"))
    options = parser.parse_args()
    systems: Sequence[type[ChangingWorld]] = import_module(f"strangers.changing_{options.half}").SYSTEMS
    quiet: list[int] = []
    places: list[int | None] = []
    print("| service | normal stretch: incidents | fault: told at, of how many |\n| --- | --- | --- |")
    for system in systems:
        if options.system and system.__name__ not in options.system:
            continue
        work = options.work / system.__name__
        model = trained(system, work, encoder=options.encoder)
        normal, faults = [], []
        for number, change in enumerate(("", *system.changes), 1):
            judged = of_stretch(system, model, work, number, change)
            quiet.append(len(judged.incidents))
            normal.append(f"{change or 'none'} {quiet[-1]}")
            if options.show and judged.incidents:
                show(f"{system.__name__}, normal: {change or 'no change'}", judged.incidents)
        for number, (name, fault) in enumerate(system.faults.items(), 10):
            judged = of_stretch(system, model, work, number, name)
            places.append(told(judged.incidents, fault.telling))
            faults.append(f"{name} {places[-1] or 'not'} of {len(judged.incidents)}")
            if options.show:
                show(f"{system.__name__}, {name} ({fault.kind})", judged.incidents)
        print(f"| {system.__name__} | {', '.join(normal)} | {', '.join(faults)} |", flush=True)
    print(f"told: {sum(place is not None for place in places)} of {len(places)}")
    print(f"normal stretches without an incident: {quiet.count(0)} of {len(quiet)}, most {max(quiet)}")


def trained(system: type[ChangingWorld], work: Path, *, encoder: bool) -> Model:
    """The model of a service, kept in `work`."""
    if not (work / "run").exists():
        logs = system(0).write(work / "train", 0, system.training_seconds)
        config = Config(model=ModelConfig(encoder=encoder), training=TrainingConfig(train_fraction=1.0))
        with redirect_stderr(StringIO()):
            stages.prepare(list(logs), work / "data", config=config, overwrite=True)
            stages.train(work / "data", work / "run", config=config, with_report=False)
    return load_model(work / "run")


def of_stretch(system: type[ChangingWorld], model: Model, work: Path, number: int, now: str) -> JudgedLogs:
    """What isang says of a stretch: a normal change lasts as long as it, a fault for its middle third."""
    begin, end = (system.seconds // 3, 2 * system.seconds // 3) if now in system.faults else (0, system.seconds)
    logs = system(number).write(work / f"{number}-{now or 'none'}", number, system.seconds, now, begin, end)
    with redirect_stderr(StringIO()):
        return judge_logs(model, list(logs))


if __name__ == "__main__":
    main()

"""Invented services, each with a fault of a known kind: is it told, and is a fault-free stretch left alone?

    python benchmarks/strangers.py [--half development|held_back] [--system NAME...] [--show] [--encoder] [--work DIR]

Synthetic. A model learns from three fault-free hours; then come fault-free stretches of 20 minutes, and one for each
fault, which is there for six minutes. A fault is told where one of the first five incidents has its words in the title
or in the reasons. Prints Markdown. Both halves were written before the rules were; the second is to be looked at once.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import redirect_stderr
from importlib import import_module
from io import StringIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from strangers.told import show, told
from strangers.worlds import World

from isang import stages
from isang.artifact import Model, load_model
from isang.config import Config, ModelConfig, TrainingConfig
from isang.detection.batch import JudgedLogs, judge_logs

TRAINING_SECONDS, SECONDS = 10_800, 1_200
BEGIN, END = 480, 840
NORMAL_STRETCHES = 4


def main() -> None:
    """Train and judge one service after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("development", "held_back"), default="development")
    parser.add_argument("--system", nargs="*", default=[])
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--encoder", action="store_true")
    parser.add_argument("--work", type=Path, default=Path("out/benchmark/strangers"))
    options = parser.parse_args()
    systems: Sequence[type[World]] = import_module(f"strangers.{options.half}").SYSTEMS
    by_kind: dict[str, list[str]] = defaultdict(list)
    normal: list[int] = []
    for system in systems:
        if options.system and system.__name__ not in options.system:
            continue
        model = trained(system, options.work / system.__name__, encoder=options.encoder)
        for number in range(NORMAL_STRETCHES):
            judged = of_stretch(system, model, options.work, number, "")
            normal.append(len(judged.incidents))
            if options.show and judged.incidents:
                show(f"{system.__name__}, fault-free", judged.incidents)
        print(f"{system.__name__}: fault-free stretches have {normal[-NORMAL_STRETCHES:]} incidents", flush=True)
        for number, (name, fault) in enumerate(system.faults.items(), NORMAL_STRETCHES):
            judged = of_stretch(system, model, options.work, number, name)
            found = told(judged.incidents, fault.telling)
            by_kind[fault.kind].append(f"{system.__name__} {found or 'no'} of {len(judged.incidents)}")
            print(f"  {name} ({fault.kind}): told at {found} of {len(judged.incidents)}", flush=True)
            if options.show:
                show("", judged.incidents)
    print_table(by_kind, normal)


def trained(system: type[World], work: Path, *, encoder: bool) -> Model:
    """The model of a service, kept in `work`."""
    if not (work / "run").exists():
        work.mkdir(parents=True, exist_ok=True)
        (work / "train.log").write_text(system(0).log(0, TRAINING_SECONDS), encoding="utf-8")
        config = Config(model=ModelConfig(encoder=encoder), training=TrainingConfig(train_fraction=1.0))
        with redirect_stderr(StringIO()):
            stages.prepare([work / "train.log"], work / "data", config=config, overwrite=True)
            stages.train(work / "data", work / "run", config=config, with_report=False)
    return load_model(work / "run")


def of_stretch(system: type[World], model: Model, work: Path, number: int, fault: str) -> JudgedLogs:
    """What isang says of a stretch with a fault, or without."""
    log = work / system.__name__ / f"{number}-{fault or 'normal'}.log"
    log.write_text(system(number + 1).log(number + 1, SECONDS, fault, BEGIN, END), encoding="utf-8")
    with redirect_stderr(StringIO()):
        return judge_logs(model, [log])


def print_table(by_kind: dict[str, list[str]], normal: Sequence[int]) -> None:
    """How many faults of each kind were told, and how many fault-free stretches have no incident."""
    print("| kind of fault | told | each: place of incidents |\n| --- | --- | --- |")
    for kind, each in by_kind.items():
        print(f"| {kind} | {sum(' no ' not in one for one in each)} of {len(each)} | {'; '.join(each)} |")
    every = [one for each in by_kind.values() for one in each]
    print(f"told: {sum(' no ' not in one for one in every)} of {len(every)}")
    print(f"fault-free: {sum(not one for one in normal)} of {len(normal)} without an incident, most {max(normal)}")


if __name__ == "__main__":
    main()

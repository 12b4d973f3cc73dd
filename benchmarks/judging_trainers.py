"""Popular trainers, run sound and with one planted fault each: is what they print read right and judged right?

    python benchmarks/judging_trainers.py OUTPUTS [--python PYTHON] [--only TRAINER ...]

OUTPUTS holds one folder per run, `TRAINER - FAULT/console.txt` and what the trainer wrote to `files/`. With `--python`,
an interpreter that has the trainers (see `trainers/outputs.py`), runs that are missing are made first.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isang.errors import InputError
from isang.runs.finding import Finding
from isang.runs.findings import judge
from isang.runs.read.folders import read_runs
from isang.runs.read.table import LEARNING_RATE, VALIDATION_LOSS, RunTable, usable

HERE = Path(__file__).resolve().parent
SECONDS = 240
BROKEN = ("finite", "decreasing", "divergence", "convergence", "stability", "spikes")
NAMED_BY: dict[str, tuple[str, ...]] = {
    "none": (), "rate x 100": (*BROKEN, "overfitting"), "rate 0": ("decreasing",), "NaN": ("finite",),
    "shuffled labels": ("overfitting", "decreasing"), "overfit": ("overfitting",), "T_max short": ("schedule",),
}  # fmt: skip
"""Findings of which one at least must be a problem. A sound run has none but those of NO_FAULT."""
NO_FAULT = ("stopping_point", "throughput", "convergence")
"""Whether a sound run could have been shorter or longer is no question of faults."""


@dataclass(frozen=True)
class Trainer:
    """What a right reading of its output holds."""

    faults: tuple[str, ...]
    where: str
    """File or folder below the run's own."""
    losses: tuple[int, int]
    """The fewest and the most losses of a run that was not broken off."""
    validations: int
    rate: bool
    last_step: int


_USUAL = ("none", "rate x 100", "rate 0", "shuffled labels", "overfit")
_ALL = (*_USUAL, "NaN", "T_max short")
TRAINERS = {
    "xgboost": Trainer(_USUAL, "console.txt", (250, 250), 250, False, 249),
    "lightgbm": Trainer(_USUAL, "console.txt", (250, 250), 250, False, 250),
    "catboost": Trainer(
        ("none", "rate x 100", "shuffled labels", "overfit"), "console.txt", (250, 250), 250, False, 249
    ),
    "sklearn mlp": Trainer(("none", "rate x 100", "rate 0"), "console.txt", (120, 120), 0, False, 120),
    "sklearn sgd": Trainer(("none", "rate x 100", "rate 0"), "console.txt", (60, 60), 0, False, 60),
    "sklearn boosting": Trainer(("none", "rate x 100", "rate 0"), "console.txt", (300, 300), 0, False, 300),
    "keras console": Trainer(_ALL, "console.txt", (40, 40), 40, True, 40),
    "keras csv": Trainer(_ALL, "files", (40, 40), 40, True, 39),
    "lightning": Trainer(_ALL, "files", (40, 240), 40, True, 0),
    "transformers": Trainer(_ALL, "console.txt", (80, 80), 14, True, 400),
    "trl sft": Trainer(_ALL, "console.txt", (60, 60), 10, True, 300),
    "fastai": Trainer((*_USUAL, "NaN"), "console.txt", (40, 40), 40, False, 39),
    "stable-baselines": Trainer(("none", "rate x 100", "rate 0"), "console.txt", (59, 59), 0, True, 15_104),
    "spacy": Trainer(("none", "rate x 100", "rate 0", "shuffled labels"), "console.txt", (20, 21), 0, False, 400),
    "keras bar": Trainer(("none", "overfit", "NaN"), "console.txt", (40, 40), 40, True, 40),
    "keras history": Trainer(("none", "overfit", "rate 0"), "files", (40, 40), 40, True, 0),
    "lightning bar": Trainer(("none", "overfit"), "console.txt", (40, 1000), 40, False, 0),
    "lightning tensorboard": Trainer(("none", "T_max short"), "files", (40, 240), 40, True, 0),
    "skorch": Trainer((*_USUAL, "NaN"), "console.txt", (40, 40), 40, False, 40),
    "ignite": Trainer(("none", "overfit"), "console.txt", (40, 1000), 40, False, 0),
    "tabnet": Trainer(("none", "rate x 100", "overfit"), "console.txt", (40, 40), 40, False, 39),
    "pytorch example": Trainer(("none", "overfit", "rate 0"), "console.txt", (40, 240), 40, False, 0),
    "pytorch tutorial": Trainer(("none", "overfit", "NaN"), "console.txt", (40, 40), 40, False, 40),
    "timm summary": Trainer(("none", "overfit", "T_max short"), "files", (40, 40), 40, True, 39),
    "tensorboard": Trainer(("none", "overfit", "rate 0"), "files", (40, 40), 40, False, 39),
    "wandb offline": Trainer(("none", "overfit", "T_max short"), "files", (40, 40), 40, True, 39),
    "flax loop": Trainer(("none", "overfit", "NaN"), "console.txt", (40, 40), 40, False, 40),
    "tinygrad bar": Trainer(("none", "rate 0"), "console.txt", (7, 70), 0, False, 0),
    "json lines": Trainer(("none", "overfit"), "files", (40, 40), 40, False, 40),
    "transformers state": Trainer(("none", "overfit", "T_max short"), "files", (80, 80), 14, True, 400),
    "trl dpo": Trainer(("none", "rate x 100", "rate 0"), "console.txt", (60, 60), 0, True, 120),
    "trl grpo": Trainer(("none", "rate 0"), "console.txt", (60, 60), 0, True, 60),
    "nanogpt": Trainer(("none", "overfit", "NaN"), "console.txt", (81, 81), 17, False, 400),
    "spacy ner": Trainer(("none", "rate 0"), "console.txt", (20, 21), 0, False, 400),
    "fasttext": Trainer(("none",), "console.txt", (3, 10_000), 0, True, 0),
    "sklearn hist boosting": Trainer(("none", "overfit", "rate 0"), "console.txt", (200, 200), 200, False, 200),
    "sklearn regressor": Trainer(("none", "rate 0"), "console.txt", (100, 100), 0, False, 100),
    "sklearn rbm": Trainer(("none",), "console.txt", (40, 40), 0, False, 40),
    "sklearn k-means": Trainer(("none",), "console.txt", (3, 60), 0, False, 0),
    "sklearn t-sne": Trainer(("none",), "console.txt", (10, 20), 0, False, 1000),
    "xgboost sklearn": Trainer(("none", "overfit", "rate 0"), "console.txt", (51, 51), 51, False, 249),
    "xgboost results": Trainer(("none", "overfit", "rate 0"), "files", (250, 250), 250, False, 0),
    "lightgbm sklearn": Trainer(("none", "overfit", "rate 0"), "console.txt", (50, 50), 50, False, 250),
    "catboost folder": Trainer(("none", "overfit"), "files", (250, 250), 250, False, 249),
    "ngboost": Trainer(("none", "rate 0"), "console.txt", (60, 60), 60, False, 118),
    "implicit": Trainer(("none",), "console.txt", (5, 40), 0, False, 40),
    "river": Trainer(("none", "rate 0"), "console.txt", (60, 60), 0, False, 1500),
    "stable-baselines dqn": Trainer(("none", "rate 0"), "console.txt", (5, 2000), 0, True, 0),
    "stable-baselines a2c csv": Trainer(("none", "rate 0"), "files", (39, 41), 0, True, 0),
    "stable-baselines tensorboard": Trainer(("none", "rate 0"), "files", (59, 59), 0, True, 15_104),
    "stable-baselines sac": Trainer(("none", "rate 0"), "console.txt", (39, 40), 0, True, 0),
}


def read_wrong(trainer: Trainer, run: RunTable, fault: str, console: str) -> list[str]:
    """What of a right reading the table lacks; a run that ends in NaN may lack losses."""
    wrong = []
    losses = int((~np.isnan(run.column(run.loss))).sum()) + len(run.logged_nan.get(run.loss, ()))
    validation = run.column(VALIDATION_LOSS)
    validations = int(usable(validation).sum()) + len(run.logged_nan.get(VALIDATION_LOSS, ()))
    broke_off = fault == "NaN" or "Training has stopped" in console
    if not trainer.losses[0] <= losses <= trainer.losses[1] and not broke_off:
        wrong.append(f"{losses} losses")
    if validations != trainer.validations and fault not in ("NaN", "rate x 100"):
        wrong.append(f"{validations} validations")
    if bool(np.isfinite(run.column(LEARNING_RATE)).any()) != trainer.rate:
        wrong.append("the rate")
    if trainer.last_step and int(run.step[-1]) != trainer.last_step and not broke_off:
        wrong.append(f"last step {int(run.step[-1])}")
    return wrong


def judged_wrong(fault: str, findings: list[Finding]) -> list[str]:
    """What is wrong with the problems that are named; empty where they are right."""
    problems = [finding.id for finding in findings if finding.verdict == "problem"]
    if fault == "none":
        return [name for name in problems if name not in NO_FAULT]
    return [] if set(problems) & set(NAMED_BY[fault]) else [f"only {', '.join(problems) or 'no problem'}"]


def make(python: str, folder: Path, name: str, fault: str) -> None:
    """Run one trainer, if its output is not there yet."""
    if (folder / "console.txt").exists():
        return
    (folder / "files").mkdir(parents=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [python, str(HERE / "trainers" / "outputs.py"), name, fault, str(folder / "files")]
    with (folder / "console.txt").open("wb") as console:
        subprocess.run(
            command, stdout=console, stderr=subprocess.STDOUT, timeout=SECONDS, env=environment, cwd=folder, check=False
        )


def main() -> None:
    """Print one line per run, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outputs", type=Path)
    parser.add_argument("--python")
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    read = judged = count = 0
    for name, trainer in TRAINERS.items():
        for fault in trainer.faults if not given.only or name in given.only else ():
            folder = given.outputs / f"{name} - {fault}"
            if given.python:
                make(given.python, folder, name, fault)
            if not (folder / "console.txt").exists():
                continue
            count += 1
            try:
                run = read_runs(folder / trainer.where)[0]
            except InputError as error:
                print(f"{name:18s} {fault:16s} not read: {error}")
                continue
            console = (folder / "console.txt").read_text(encoding="utf-8", errors="replace")
            lacking, wrong = read_wrong(trainer, run, fault, console), judged_wrong(fault, judge(run))
            read, judged = read + (not lacking), judged + (not wrong)
            said = f"read: {', '.join(lacking) or 'right':32s} judged: {', '.join(wrong) or 'right'}"
            print(f"{name:18s} {fault:16s} {said}")
    print(f"\n{count} runs: {read} read right, {judged} judged right")


if __name__ == "__main__":
    sys.exit(main())

"""Trains a small model with one popular trainer, sound or with one planted fault, and prints what the trainer prints.

    python benchmarks/trainers/outputs.py TRAINER FAULT FOLDER

It needs the trainer itself, so it runs in an environment of its own; `benchmarks/judging_trainers.py` calls it. What a
trainer writes to files goes to FOLDER. Faults: see `common.FAULTS`.
"""

import sys
from pathlib import Path

import classical
import deep
import language
import policies

TRAINERS = {**deep.TRAINERS, **language.TRAINERS, **classical.TRAINERS, **policies.TRAINERS}

if __name__ == "__main__":
    TRAINERS[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))

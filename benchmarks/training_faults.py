"""Parts of benchmarks/training.py: what the report says of trainings with a planted fault, and kills without mercy."""

import argparse
import dataclasses
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import polars as pl
from numpy.typing import NDArray

import isang
from isang.config import LogsConfig, ModelConfig, TrainingConfig
from isang.logs.prepare import prepare
from isang.logs.store import Dataset, write_dataset
from isang.model.batches import Rows, learn_sessions
from isang.model.encoder import Encoder
from isang.training.data import Data, to_data
from isang.training.journal.suspicious_normal import look_for_failures
from isang.training.loop import train
from isang.training.plan import make_plan
from isang.training.split import split_by_time

MODEL = ModelConfig(layers=2, width=64, heads=2)
TRAINING = TrainingConfig(epochs=8, min_steps=0, patience=0)
KILLS = 20

Schedule = Callable[[int], float]


def faults(options: argparse.Namespace) -> None:
    """The same training on HDFS blocks, as it should be and with one fault each: what does the report say?"""
    normal, unlabelled, contaminated = (hdfs(options.data, labels) for labels in ("all", "anomalies", "none"))
    plan = make_plan(len(normal.training), len(normal.validation), TRAINING)
    hot = dataclasses.replace(TRAINING, learning_rate=100 * TRAINING.learning_rate)
    planted: dict[str, Callable[[Path], object]] = {
        "none": lambda run: train(normal, MODEL, TRAINING, run),
        "none, but no session is labelled normal": lambda run: train(unlabelled, MODEL, TRAINING, run),
        "learning rate x 100": lambda run: train(normal, MODEL, hot, run),
        "T_max at 60 % of the run": lambda run: train(
            normal, MODEL, TRAINING, run, schedule=turning_back(round(0.6 * plan.steps), plan.warmup_steps)
        ),
        "sorted by length, not shuffled": lambda run: unshuffled(normal, run),
        "second layer frozen": lambda run: frozen(normal, run),
        "anomalies among the normal sessions": lambda run: train(contaminated, MODEL, TRAINING, run),
    }
    print("| planted | problems | cannot tell |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name, training in planted.items():
            run = (options.keep or Path(folder)) / name.replace(" ", "_").replace("%", "percent")
            training(run)
            (report,) = isang.report([run])
            said = {
                verdict: [finding.id for finding in report.findings if finding.verdict == verdict]
                for verdict in ("problem", "cannot_tell")
            }
            print(
                f"| {name} | {', '.join(said['problem']) or '–'} | {', '.join(said['cannot_tell']) or '–'} |",
                flush=True,
            )


def kills(options: argparse.Namespace) -> None:
    """`isang train`, killed with SIGKILL at 20 random moments and resumed, beside an unbroken run."""
    moments = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_dataset(hdfs_dataset(options.data), folder / "data")
        settings = {"layers": 2, "width": 64, "heads": 2}
        (folder / "settings.toml").write_text(
            "[model]\n"
            + "\n".join(f"{key} = {value}" for key, value in settings.items())
            + "\n[training]\nepochs = 8\n"
            "min_steps = 0\npatience = 0\ncheckpoint_minutes = 0.005\n"
        )
        command = [
            sys.executable,
            "-m",
            "isang",
            "train",
            folder / "data",
            "--config",
            folder / "settings.toml",
            "--out",
        ]
        subprocess.run([*command, folder / "whole"], check=True, capture_output=True)
        killed = 0
        for _ in range(KILLS):
            process = subprocess.Popen([*command, folder / "killed", "--resume"], stderr=subprocess.DEVNULL)
            wait_for_growth(folder / "killed.partial" / "metrics.jsonl", process)
            time.sleep(moments.uniform(0, 1.5))
            process.kill()
            killed += process.wait() < 0
        subprocess.run([*command, folder / "killed", "--resume"], check=True, capture_output=True)
        whole, resumed = losses(folder / "whole"), losses(folder / "killed")
    again = len(resumed) - len(set(resumed))
    same = "the same bits" if sorted(set(resumed)) == whole else "NOT the same"
    print(f"{killed} kills, {len(whole)} steps, {again} of them done again: losses of the resumed run are {same}")


def hdfs_dataset(data: Path) -> Dataset:
    """The public HDFS sample as sessions with labels."""
    logs = data / "hdfs"
    return prepare([str(logs / "HDFS_2pct.log.zst")], LogsConfig(), labels=logs / "anomaly_label.csv").dataset


def hdfs(data: Path, labels: str) -> Data:
    """Its training period with `all` labels, with those of the anomalies alone, or with `none`: then the anomalies are
    among what is learned."""
    dataset = hdfs_dataset(data)
    anomalous = pl.col("label") if labels == "anomalies" else pl.lit(False)
    if labels != "all":
        kept = dataset.sessions.with_columns(label=pl.when(anomalous).then(True))
        dataset = dataclasses.replace(dataset, sessions=kept)
    split = split_by_time(dataset, TRAINING)
    rows = np.concatenate([split.train, split.validation])
    vocabulary, known = learn_sessions(dataset, rows, len(split.train))
    unlabelled = dataset.sessions["label"].gather(rows).is_null().to_numpy()
    normal_sessions = look_for_failures(known, vocabulary, unlabelled, dataset.sessions["session_id"].gather(rows))
    return to_data(*known.halves(len(split.train)), vocabulary, MODEL.positions, normal_sessions)


def turning_back(turn: int, warmup_steps: int) -> Schedule:
    """A cosine whose period was set too short: after `turn` steps the rate rises again."""
    peak, final = TRAINING.learning_rate, TRAINING.final_rate_fraction * TRAINING.learning_rate

    def rate(step: int) -> float:
        if step < warmup_steps:
            return peak * (step + 1) / warmup_steps
        phase = math.pi * (step - warmup_steps) / (turn - warmup_steps)
        return final + (peak - final) * 0.5 * (1 + math.cos(phase))

    return rate


def unshuffled(data: Data, run: Path) -> None:
    """The sessions in the order of their lengths, in every epoch."""

    def in_order(lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int) -> list[Rows]:
        order = np.argsort(lengths, kind="stable")
        return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]

    with patch("isang.training.loop.epoch_batches", in_order):
        train(data, MODEL, TRAINING, run)


def frozen(data: Data, run: Path) -> None:
    """The second layer stays as it was drawn."""

    def with_a_frozen_layer(config: ModelConfig, vocabulary_size: int) -> Encoder:
        encoder = Encoder(config, vocabulary_size)
        encoder.layers[1].requires_grad_(False)
        return encoder

    with patch("isang.training.step.Encoder", with_a_frozen_layer):
        train(data, MODEL, TRAINING, run)


def losses(run: Path) -> list[tuple[int, float]]:
    """Step and loss of every step in the order of the metrics file."""
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(record["step"], record["loss"]) for record in records if record["kind"] == "step"]


def wait_for_growth(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the file grows or the process ends."""
    before = path.stat().st_size if path.exists() else 0
    while process.poll() is None and (path.stat().st_size if path.exists() else 0) == before:
        time.sleep(0.005)

"""Speed of scoring, the delay of following, and that threads and batches decide nothing.

Run: `.venv/bin/python benchmarks/scoring.py RUN [--threads 2] [--onnx FILE]`, where FILE is what
`isang export RUN --out FILE` wrote and RUN what
`isang run ../shared/data/hdfs/HDFS_2pct.log.zst --labels ../shared/data/hdfs/anomaly_label.csv --out RUN` wrote.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from isang.artifact import Model, load_model
from isang.detection.detectors.timed_sessions import untimed
from isang.detection.threshold.decisions import judge_sessions
from isang.logs.store import read_dataset
from isang.model.batches import Sessions, from_sequences, to_sessions
from isang.model.onnx.export import read_onnx
from isang.model.onnx.scoring import OnnxEncoder

SESSIONS = 575_000
DIFFERENT = 6_000
COMPARED = 300
TIMES = 9


def drawn(sample: Sessions, number: int, seed: int) -> Sessions:
    """A number of the sample's sessions, drawn with their frequencies."""
    return sample.take(np.random.default_rng(seed).integers(len(sample), size=number))


def all_different(sample: Sessions, number: int, seed: int) -> Sessions:
    """Different sequences: sessions of the sample, each with two of its events exchanged at random."""
    generator = np.random.default_rng(seed)
    made: dict[bytes, np.ndarray] = {}
    while len(made) < number:
        tokens = sample[int(generator.integers(len(sample)))].copy()
        one, other = generator.integers(1, len(tokens) - 1, 2)
        tokens[[one, other]] = tokens[[other, one]]
        made.setdefault(tokens.tobytes(), tokens)
    return from_sequences(list(made.values()))


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def decisions(model: Model, sessions: Sessions, threads: int, batch: int) -> list[bool]:
    """The decisions with this many threads and this many sessions at a time."""
    torch.set_num_threads(threads)
    starts = range(0, len(sessions), batch)
    parts = [sessions.take(np.arange(start, min(start + batch, len(sessions)))) for start in starts]
    return [
        decision.anomalous
        for part in parts
        for decision in judge_sessions(model, untimed(part, model.vocabulary.size))[2]
    ]


def delays(run: Path, flags: list[str]) -> list[float]:
    """Seconds from a line that training never had, in a growing log, to its printed anomaly."""
    records = map(json.loads, (run / "anomalies.jsonl").read_text(encoding="utf-8").splitlines())
    session, line = next(
        (record["session_id"], reason["line"]["text"])
        for record in records for reason in record["reasons"] if reason["detector"] == "unseen_event"
    )  # fmt: skip
    found = []
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "growing.log"
        log.write_text(line + "\n")
        command = [sys.executable, "-m", "isang", "detect", str(run), str(log), "--follow", "--json", "--idle", "1s"]
        command += flags
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()  # of the line that was there
            for number in range(TIMES):
                with log.open("a") as file:
                    file.write(line.replace(session, f"{session}{number}") + "\n")
                written = time.perf_counter()
                process.stdout.readline()
                found.append(time.perf_counter() - written)
            process.terminate()
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--onnx", type=Path, metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = load_model(options.run)
    if options.onnx:
        model = replace(model, onnx=OnnxEncoder(read_onnx(options.onnx, model.encoder, model.vocabulary)))
    sample = to_sessions(read_dataset(options.run / "data"), model.vocabulary)
    size = model.vocabulary.size
    judge_sessions(model, untimed(drawn(sample, 100, 0), size))  # what derives from the model is kept from here on

    many = drawn(sample, SESSIONS, 1)
    seconds = seconds_of(lambda: judge_sessions(model, untimed(many, size)))
    print(f"{SESSIONS:,} sessions, {len(many.distinct()[0]):,} different: {seconds:.1f} s, {options.threads} threads")
    different = all_different(sample, DIFFERENT, 2)
    seconds = seconds_of(lambda: judge_sessions(model, untimed(different, size)))
    events = different.lengths.mean() - 2
    print(f"{DIFFERENT:,} different sessions of {events:.1f} events in the mean: {DIFFERENT / seconds:,.0f} a second")
    one = different.take(np.arange(1))
    seconds = statistics.median(seconds_of(lambda: judge_sessions(model, untimed(one, size))) for _ in range(TIMES))
    print(f"one session: {1000 * seconds:.0f} ms")

    compared = different.take(np.arange(COMPARED))
    expected = decisions(model, compared, 1, COMPARED)
    print(f"of {COMPARED} sessions {sum(expected)} are anomalous")
    for threads in (1, 2):
        for batch in (1, 256):
            same = decisions(model, compared, threads, batch) == expected
            print(f"{threads} threads, {batch} sessions at a time: {'same' if same else 'OTHER'} decisions")

    waited = delays(options.run, ["--onnx", str(options.onnx)] if options.onnx else [])
    print(f"following: a line never seen is told after {statistics.median(waited):.2f} s (at most {max(waited):.2f} s)")


if __name__ == "__main__":
    main()

"""What a device makes of training: utilisation, memory, the reference's whole job, and where the time goes.

Work of a step, in floating-point operations (a multiply-add counts as two; the backward pass as twice the forward pass;
Kaplan et al. 2020, Chowdhery et al. 2022): 6 x parameters of the layers x tokens + 12 x layers x width x the sum of the
squared lengths of the sessions (attention) + 6 x width x vocabulary x hidden positions (the output). That is the usual
count. isang does less: after the last attention only the hidden positions go on. `computed` leaves out what is not
done, and utilisation is computed work per second over the peak of the device.
"""

import argparse
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from training_data import read_sessions

from isang.config import ModelConfig, from_dict
from isang.model.batches import Sessions, from_sequences
from isang.model.vocabulary import BEGIN, END, MARKS
from isang.training.processes.processes import Processes
from isang.training.step import Learner, new_learner, train_step

PEAK_TFLOPS = {"H200": 989.4, "H100": 989.4, "A100": 312.0, "V100": 125.0}
"""Dense bfloat16 (V100: float16) peak of devices, from their data sheets."""
VOCABULARY = 10_000
REFERENCE_SESSIONS = 24_642_560
"""192,520 steps of 128 sessions; they took 57.5 hours on four V100."""
WARM_STEPS, STEPS, PROFILED_STEPS = 5, 20, 3


@dataclass(frozen=True)
class Measured:
    """Some steps over batches of one kind."""

    sessions_per_second: float
    tokens_per_second: float
    usual_tflops: float
    computed_tflops: float
    peak_bytes: int


def device(options: argparse.Namespace) -> None:
    """The preset `reference` in bfloat16 on a GPU; on the CPU a tiny model, to see that it runs."""
    on_gpu = torch.cuda.is_available()
    processes = Processes(device=torch.device("cuda" if on_gpu else "cpu"))
    settings = from_dict({"model": {"preset": "reference" if on_gpu else "tiny"}})
    config = settings.training if on_gpu else replace(settings.training, batch_size=8)
    learner = new_learner(settings.model, VOCABULARY, config, processes)
    name = torch.cuda.get_device_name() if on_gpu else "CPU (a tiny model, only to see that this runs)"
    peak = next((tflops for part, tflops in PEAK_TFLOPS.items() if part in name), None)
    print(f"{name}, torch {torch.__version__}, {settings.model.layers} layers x {settings.model.width}")
    print(f"vocabulary {VOCABULARY:,}, {config.batch_size} sessions a step, {config.tokens_per_pass:,} tokens a pass\n")
    print("| sessions | sessions/s | tokens/s | TFLOP/s, usual count | computed | utilisation | memory | whole job |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    kinds = lengths(options.data, config.batch_size * (WARM_STEPS + STEPS))
    for kind, lengths_S in kinds.items():
        found = measure(learner, drawn(np.minimum(lengths_S, settings.model.positions)))
        utilisation = "unknown" if peak is None else f"{100 * found.computed_tflops / peak:.1f} %"
        hours = REFERENCE_SESSIONS / found.sessions_per_second / 3600
        cells = (
            kind, f"{found.sessions_per_second:,.0f}", f"{found.tokens_per_second:,.0f}", f"{found.usual_tflops:.2f}",
            f"{found.computed_tflops:.2f}", utilisation, f"{found.peak_bytes / 2**30:.1f} GiB", f"{hours:.1f} h",
        )  # fmt: skip
        print(f"| {' | '.join(cells)} |", flush=True)
    profile(learner, drawn(np.minimum(kinds["512 tokens"], settings.model.positions)))


def lengths(data: Path, count: int) -> dict[str, np.ndarray]:
    """Tokens per session of each kind. The reference's own lengths are not known: HDFS stands in for short sessions."""
    generator = np.random.default_rng(0)
    kinds = {"512 tokens": np.full(count, 512), "5 to 512 tokens": generator.integers(5, 513, count)}
    if data.exists():
        kinds["as long as HDFS blocks"] = generator.choice(read_sessions(data, "hdfs")[0].lengths, count)
    return kinds


def drawn(lengths_S: np.ndarray) -> Sessions:
    """Sessions of random events with these lengths in tokens."""
    generator = np.random.default_rng(0)
    return from_sequences(
        [
            np.array([BEGIN, *generator.integers(len(MARKS), VOCABULARY, size - 2), END], dtype=np.int32)
            for size in lengths_S
        ]
    )


def batch(learner: Learner, sessions: Sessions, number: int) -> Sessions:
    """Batch `number`, its sessions sorted by length as in training."""
    size = learner.config.batch_size
    rows = np.arange(number * size, (number + 1) * size) % len(sessions)
    return sessions.take(rows[np.argsort(sessions.lengths[rows], kind="stable")])


def measure(learner: Learner, sessions: Sessions) -> Measured:
    """The median speed of a step, and the peak memory of the device."""
    on_gpu = learner.processes.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    seconds, tokens, usual, computed = [], [], [], []
    for number in range(WARM_STEPS + STEPS):
        some = batch(learner, sessions, number)
        started = time.perf_counter()
        step = train_step(learner, some, 1e-6, number)
        if on_gpu:
            torch.cuda.synchronize()
        if number >= WARM_STEPS:
            seconds.append(time.perf_counter() - started)
            tokens.append(step.tokens)
            work = operations(learner.model.config, some.lengths, step.events)
            usual.append(work[0])
            computed.append(work[1])
    total = sum(seconds)
    return Measured(
        sessions_per_second=learner.config.batch_size / statistics.median(seconds),
        tokens_per_second=sum(tokens) / total,
        usual_tflops=sum(usual) / total / 1e12,
        computed_tflops=sum(computed) / total / 1e12,
        peak_bytes=torch.cuda.max_memory_allocated() if on_gpu else 0,
    )


def operations(model: ModelConfig, lengths_B: np.ndarray, hidden: int) -> tuple[float, float]:
    """Floating-point operations of one step: the usual count, and what is really computed (see the top of the file)."""
    tokens, width = int(lengths_B.sum()), model.width
    attention = 12 * model.layers * width * float(np.square(lengths_B, dtype=np.float64).sum())
    layer_parameters = 12 * width * width  # 3 + 1 for attention, 4 + 4 for the feed-forward network
    head = 6 * width * VOCABULARY * hidden
    usual = 6 * layer_parameters * model.layers * tokens + attention + head
    after_attention = 9 * width * width
    return usual, usual - 6 * after_attention * (tokens - hidden)


def profile(learner: Learner, sessions: Sessions) -> None:
    """Where the time of a step goes."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as record

    on_gpu = learner.processes.device.type == "cuda"
    activities = [ProfilerActivity.CPU, ProfilerActivity.CUDA] if on_gpu else [ProfilerActivity.CPU]
    with record(activities=activities) as found:
        for number in range(PROFILED_STEPS):
            train_step(learner, batch(learner, sessions, number), 1e-6, number)
    order = "self_cuda_time_total" if on_gpu else "self_cpu_time_total"
    print(f"\nWhere the time of {PROFILED_STEPS} steps at 512 tokens goes:\n")
    print(found.key_averages().table(sort_by=order, row_limit=20, max_name_column_width=50))

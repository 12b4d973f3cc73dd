"""How fast isang trains, beside a rival that trains the same objective the usual way.

    .venv/bin/python -m pip install transformers==5.23.0   # the rival; nothing else needs it
    .venv/bin/python benchmarks/training.py rivals         # sessions/s in one run, interleaved
    .venv/bin/python benchmarks/training.py step           # isang alone on other data, at its default size
    .venv/bin/python benchmarks/training.py memory         # 2.5 million sessions: peak memory, time to the first batch
    .venv/bin/python benchmarks/training.py device         # on a GPU: utilisation, memory, the reference's job, profile
    .venv/bin/python benchmarks/training.py faults         # what the report says of trainings with a planted fault
    .venv/bin/python benchmarks/training.py kills          # 20 kills against an unbroken run

`--data DIR` is where the public logs lie (default ../shared/data), `--threads N` the CPU threads (default 2).

The rival is Hugging Face's BertForMaskedLM with as many layers, as wide, with the same vocabulary, optimizer, batch
size, mask share and sessions. Trained as the reference did, every session is padded to 512 tokens; a second rival pads
a batch to its longest session. Both compute logits at all positions, as that class does. Each round measures all three
in turn, so that other work on the machine meets them alike; a ratio is that within a round.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from training_data import read_sessions
from training_device import device
from training_faults import faults, kills
from training_memory import memory

from isang.config import ModelConfig, TrainingConfig
from isang.model.batches import Rows, Sessions, epoch_batches, from_sequences
from isang.model.vocabulary import BEGIN, END, MARKS, MASK, PAD
from isang.training.processes.processes import Processes
from isang.training.step import new_learner, train_step

RIVAL_MODEL = ModelConfig(layers=4, width=256, heads=4)
RIVAL_VOCABULARY = 10_000
BATCH_SESSIONS = 32
"""Sessions per step; the reference had 32 on each of its devices."""
LEARNING_RATE = 1e-3
IGNORED = -100
"""Label of the positions that nobody asks for."""

TrainOn = Callable[[Rows], None]


def isang_step(sessions: Sessions, model_config: ModelConfig, vocabulary_size: int, config: TrainingConfig) -> TrainOn:
    """isang's own optimizer step over given sessions."""
    learner = new_learner(model_config, vocabulary_size, config, Processes())
    number = iter(range(10**9))

    def step(rows: Rows) -> None:
        train_step(learner, sessions.take(rows), LEARNING_RATE, next(number))

    return step


def rival_step(sessions: Sessions, config: TrainingConfig, padded_to: int | None) -> TrainOn:
    """One step of BertForMaskedLM; `padded_to` None pads a batch to its longest session."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(config.seed)
    width = RIVAL_MODEL.width
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=RIVAL_VOCABULARY,
            hidden_size=width,
            num_hidden_layers=RIVAL_MODEL.layers,
            num_attention_heads=RIVAL_MODEL.heads,
            intermediate_size=4 * width,
            max_position_embeddings=512,
        )
    ).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=config.weight_decay)
    generator = np.random.default_rng(config.seed)

    def step(rows: Rows) -> None:
        tokens_BL = padded(sessions.take(rows), padded_to)
        inputs_BL, labels_BL = hidden(tokens_BL, config.mask_fraction, generator)
        optimizer.zero_grad(set_to_none=True)
        attention_mask = torch.from_numpy((tokens_BL != PAD).astype(np.int64))
        loss = model(input_ids=inputs_BL, attention_mask=attention_mask, labels=labels_BL).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        optimizer.step()

    return step


def padded(sessions: Sessions, length: int | None) -> np.ndarray:
    """The sessions as rows of one length, shape (B, L)."""
    tokens_BL = np.full((len(sessions), length or int(sessions.lengths.max())), PAD, dtype=np.int64)
    tokens_BL[np.arange(tokens_BL.shape[1]) < sessions.lengths[:, None]] = sessions.flat
    return tokens_BL


def hidden(tokens_BL: np.ndarray, mask_fraction: float, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Inputs and labels of masked-language training: 80 % masked, 10 % random, 10 % kept."""
    chosen_BL = (generator.random(tokens_BL.shape) < mask_fraction) & ~np.isin(tokens_BL, (PAD, BEGIN, END))
    fate_BL = generator.random(tokens_BL.shape)
    inputs_BL = np.where(chosen_BL & (fate_BL < 0.8), MASK, tokens_BL)
    random_BL = generator.integers(len(MARKS), RIVAL_VOCABULARY, tokens_BL.shape)
    inputs_BL = np.where(chosen_BL & (fate_BL >= 0.9), random_BL, inputs_BL)
    return torch.from_numpy(inputs_BL), torch.from_numpy(np.where(chosen_BL, tokens_BL, IGNORED))


def interleaved(
    steps: dict[str, TrainOn], batches: list[Rows], rounds: int, repeats: dict[str, int]
) -> dict[str, list[float]]:
    """Sessions per second of each in each round: A B C A B C, `repeats` steps at a time, all over the same batches."""
    speeds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(-1, rounds):  # the first round warms up
        for name, step in steps.items():
            some = [batches[(number * repeats[name] + place) % len(batches)] for place in range(repeats[name])]
            started = time.perf_counter()
            for rows in some:
                step(rows)
            if number >= 0:
                speeds[name].append(sum(map(len, some)) / (time.perf_counter() - started))
    return speeds


def rivals(options: argparse.Namespace) -> None:
    """isang and the rival in one run."""
    sessions, _ = read_sessions(options.data, "hdfs")
    config = TrainingConfig(batch_size=BATCH_SESSIONS)
    steps = {
        "isang": isang_step(sessions, RIVAL_MODEL, RIVAL_VOCABULARY, config),
        "rival, padded to the longest of the batch": rival_step(sessions, config, None),
        "rival, padded to 512": rival_step(sessions, config, 512),
    }
    repeats = dict(zip(steps, (30, 12, 1), strict=True))
    batches = epoch_batches(sessions.lengths, BATCH_SESSIONS, config.seed, 0)
    speeds = interleaved(steps, batches, options.rounds, repeats)
    print(
        f"{RIVAL_MODEL.layers} layers x {RIVAL_MODEL.width}, vocabulary {RIVAL_VOCABULARY:,}, {BATCH_SESSIONS} HDFS "
        f"sessions per batch, {torch.get_num_threads()} threads, medians of {options.rounds} rounds\n"
    )
    print("| training | sessions/s | lowest to highest | isang is faster by |\n| --- | ---: | ---: | ---: |")
    for name, found in speeds.items():
        ratios = [mine / other for mine, other in zip(speeds["isang"], found, strict=True)]
        faster = f"{statistics.median(ratios):.1f} x ({min(ratios):.1f} to {max(ratios):.1f})"
        print(f"| {name} | {statistics.median(found):.1f} | {min(found):.1f} to {max(found):.1f} | {faster} |")


def step(options: argparse.Namespace) -> None:
    """isang at its default size on sessions of other lengths."""
    config = TrainingConfig()
    generator = np.random.default_rng(0)
    mixed = np.exp(generator.uniform(np.log(5), np.log(510), 2_000)).astype(int)
    drawn = [np.array([BEGIN, *generator.integers(len(MARKS), 200, size), END], dtype=np.int32) for size in mixed]
    kinds = {
        "HDFS blocks": read_sessions(options.data, "hdfs"),
        "BGL windows of 100 lines": read_sessions(options.data, "bgl"),
        "drawn, 5 to 510 events": (from_sequences(drawn), 200),
    }
    print("| sessions | tokens each | sessions/s | tokens/s |\n| --- | ---: | ---: | ---: |")
    for name, (sessions, vocabulary_size) in kinds.items():
        batches = epoch_batches(sessions.lengths, config.batch_size, config.seed, 0)[:10]
        train_on = {name: isang_step(sessions, ModelConfig(), vocabulary_size, config)}
        speed = statistics.median(interleaved(train_on, batches, options.rounds, {name: 10})[name])
        tokens = float(np.mean([sessions.lengths[rows].mean() for rows in batches]))
        print(f"| {name} | {tokens:.0f} | {speed:,.0f} | {speed * tokens:,.0f} |")


def main() -> None:
    """Run one part."""
    parts = {part.__name__: part for part in (rivals, step, memory, device, faults, kills)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=parts)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="where the runs of `faults` stay")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=2_500_000, help="for memory")
    parser.add_argument("--scratch", type=Path, help="for memory: where about 500 MB may lie for a while")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    parts[options.part](options)


if __name__ == "__main__":
    main()

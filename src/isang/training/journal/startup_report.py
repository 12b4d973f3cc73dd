"""What is printed and recorded before the first step: the plan, its cost, the environment."""

import os
import platform
from collections.abc import Sequence

import numpy as np
import torch

import isang
from isang.model.batches import Rows
from isang.progress import say
from isang.training.checkpoint import TrainingProgress
from isang.training.data import Data
from isang.training.journal.journal import RunJournal, Value
from isang.training.objective import in_bfloat16, nats_by_frequency
from isang.training.plan import Cost, Plan, estimate
from isang.training.step import Learner


def announce(
    journal: RunJournal, plan: Plan, data: Data, learner: Learner, state: TrainingProgress, batches: Sequence[Rows]
) -> None:
    """Print and record the plan. All processes measure its cost together on `batches`."""
    cost = estimate(learner, data, plan, batches)
    if learner.processes.first:
        say(_in_words(plan, cost, data, learner, state))
    if state.step:
        journal.resumed(state)
    else:
        journal.plan(**_plan(plan, cost, data, learner))
        journal.environment(**_environment(learner))
        if data.normal is not None:
            journal.normal_sessions(data.normal)


def _in_words(plan: Plan, cost: Cost, data: Data, learner: Learner, state: TrainingProgress) -> str:
    processes = learner.processes
    where = f"{processes.count} processes on {processes.device.type}" if processes.count > 1 else str(processes.device)
    left = cost.seconds * (1 - state.step / plan.steps)
    return (
        f"training {_parameters(learner):,} parameters on {len(data.training):,} sessions, validating on "
        f"{len(data.validation):,}, {where}: up to {plan.epochs:,} epochs of {plan.batches_per_epoch:,} steps, "
        f"{cost.tokens:,} tokens, at most about {_duration(left)} and {cost.memory_bytes / 2**30:.1f} GiB of memory"
        + (f", from step {state.step:,} on" if state.step else "")
    )


def _plan(plan: Plan, cost: Cost, data: Data, learner: Learner) -> dict[str, Value]:
    config, model, processes = learner.config, learner.model.config, learner.processes
    return {
        "epochs": plan.epochs, "steps": plan.steps, "batches_per_epoch": plan.batches_per_epoch,
        "batch_size": plan.batch_size, "batch_size_per_device": -(-plan.batch_size // processes.count),
        "devices": processes.count, "vocabulary_size": data.vocabulary_size, "sessions": len(data.training),
        "validation_sessions": len(data.validation), "validation_steps": plan.validation_steps,
        "learning_rate": config.learning_rate, "final_learning_rate": config.final_rate_fraction * config.learning_rate,
        "schedule": "cosine", "warmup_steps": plan.warmup_steps, "weight_decay": config.weight_decay,
        "clip_norm": config.clip_norm, "mask_fraction": config.mask_fraction, "patience_steps": plan.patience_steps,
        "max_seconds": plan.max_seconds, "parameters": _parameters(learner), "layers": model.layers,
        "width": model.width, "heads": model.heads, "dropout": model.dropout, "seed": config.seed,
        "tokens": cost.tokens, "estimated_seconds": cost.seconds, "estimated_memory_mib": cost.memory_bytes / 2**20,
        "nats_by_frequency": nats_by_frequency(data.training, data.vocabulary_size, config),
    }  # fmt: skip


def _environment(learner: Learner) -> dict[str, Value]:
    device = learner.processes.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {
        "python": platform.python_version(), "cores": os.cpu_count(), "isang": isang.__version__,
        "torch": torch.__version__, "numpy": np.__version__, "threads": torch.get_num_threads(),
        "device": device.type, "device_name": name, "precision": "bfloat16" if in_bfloat16(device) else "float32",
        "system": platform.system(),
    }  # fmt: skip


def _parameters(learner: Learner) -> int:
    return sum(part.numel() for part in learner.model.parameters())


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

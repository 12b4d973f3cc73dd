"""What all trainers of the benchmark share: the faults, the data, the rates, and a small network."""

from typing import Any

import numpy as np

FAULTS = ("none", "rate x 100", "rate 0", "shuffled labels", "overfit", "NaN", "T_max short")
EPOCHS = 40

Data = tuple[Any, Any, Any, Any]


def data(fault: str, classes: int = 2) -> Data:
    """Training and validation set of a noisy linear problem; few and noisy examples where the model is to overfit."""
    rng = np.random.default_rng(7)
    few = fault in ("overfit", "shuffled labels")
    n = 200 if few else 1500
    x = rng.normal(size=(n + 500, 20)).astype(np.float32)
    logits = 2.0 * x @ rng.normal(size=(20, classes))
    y = np.argmax(logits + rng.normal(0, 6.0 if few else 1.0, logits.shape), axis=1)
    if fault == "shuffled labels":
        y = rng.permutation(y)
    return x[:n], y[:n], x[n:], y[n:]


def rate_of(fault: str, usual: float) -> float:
    """The learning rate that the fault asks for."""
    return {"rate x 100": 100 * usual, "rate 0": 0.0}.get(fault, usual)


def constant_rate(fault: str) -> float:
    """The rate of a run that keeps it: one that is fine at the end too, or one that overfits."""
    return rate_of(fault, 3e-3 if fault in ("overfit", "shuffled labels") else 5e-4)


def cosine(fault: str, usual: float, done: float) -> float:
    """The rate after a part of the run; with a T_max of 60 % of it, it rises again."""
    period = 0.6 if fault == "T_max short" else 1.0
    return float(rate_of(fault, usual) * 0.5 * (1 + np.cos(np.pi * done / period)))


def network(fault: str) -> Any:
    """A torch network that fits the data, or learns few examples by heart."""
    import torch

    torch.manual_seed(0)
    width = 256 if fault in ("overfit", "shuffled labels") else 16
    return torch.nn.Sequential(torch.nn.Linear(20, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))

"""The optimizer moves weights as torch's own does, and no command pays for torch's compiler."""

import subprocess
import sys

import torch

from isang.training.adamw import AdamW

COMPILER = "torch._dynamo"


def test_it_moves_as_torchs_own_and_goes_on_from_its_state() -> None:
    generator = torch.Generator().manual_seed(0)
    first = [torch.randn(size, generator=generator) for size in ((5, 3), (7,))]
    own, theirs = ([weights.clone().requires_grad_() for weights in first] for _ in range(2))
    mine, reference = AdamW(own, 1e-2, 0.1), torch.optim.AdamW(theirs, lr=1e-2, weight_decay=0.1, fused=True)
    for number in range(6):
        rate = 1e-2 / (1 + number)
        mine.learning_rate = reference.param_groups[0]["lr"] = rate
        for one, other in zip(own, theirs, strict=True):
            one.grad = torch.randn(one.shape, generator=generator)
            other.grad = one.grad.clone()
        mine.step()
        reference.step()
        if number == 2:  # a run that is taken up
            state = {name: tensor.clone() for name, tensor in mine.state().items()}
            mine = AdamW(own, rate, 0.1)
            mine.restore(state)
        assert all(torch.equal(one, other) for one, other in zip(own, theirs, strict=True))
    mine.zero_grad()
    assert all(weights.grad is None for weights in own)


def test_neither_training_nor_an_encoder_imports_the_compiler() -> None:
    program = f"""
import sys
from isang.config import TrainingConfig
from tests.training.runs import MODEL, data
from isang.model.batches import epoch_batches
from isang.training.processes.processes import Processes
from isang.training.step import new_learner, train_step

source, config = data(), TrainingConfig(batch_size=8)
learner = new_learner(MODEL, source.vocabulary_size, config, Processes())
rows = epoch_batches(source.training.lengths, config.batch_size, config.seed, 0)[0]
train_step(learner, source.training.take(rows), 1e-3, 0)
assert {COMPILER!r} not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)

"""The processes of one training run: which one this is, on which device, and sums over all of them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed

from isang.errors import LostContact, UsageError

Floats = NDArray[np.float64]

CPU = torch.device("cpu")

TIMEOUT = timedelta(minutes=30)
"""A process that does not respond for this long counts as lost. One that dies is noticed at once."""


@dataclass(frozen=True)
class Processes:
    """This process among those of the run. All of them call the methods below in the same order."""

    rank: int = 0
    """0-based; only the first process writes files and prints."""
    count: int = 1
    device: torch.device = CPU

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def sum(self, *values: float) -> list[float]:
        """The sum of each value over all processes, bit for bit the same on each of them."""
        return self._agree(values, distributed.ReduceOp.SUM)

    def highest(self, *values: float) -> list[float]:
        """The maximum of each value over all processes."""
        return self._agree(values, distributed.ReduceOp.MAX)

    def sum_arrays(self, *arrays: Floats) -> list[Floats]:
        """The same for arrays of one shape each."""
        if self.count == 1:
            return list(arrays)
        tensors = [torch.from_numpy(array).to(self.device) for array in arrays]
        with self._in_contact():
            for tensor in tensors:
                distributed.all_reduce(tensor)
            return [tensor.cpu().numpy() for tensor in tensors]

    def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace each gradient with its sum over all processes; one without sessions in this step contributes zero."""
        if self.count == 1:
            return
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        gradients = [torch.zeros_like(part) if part.grad is None else part.grad for part in trained]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        with self._in_contact():
            distributed.all_reduce(flat)
        for parameter, summed in zip(trained, torch.split(flat, [part.numel() for part in trained]), strict=True):
            parameter.grad = summed.view_as(parameter)

    def wait(self) -> None:
        """Wait until all processes have reached this point."""
        self.sum(0.0)

    def _agree(self, values: tuple[float, ...], operation: distributed.ReduceOp.RedOpType) -> list[float]:
        if self.count == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        with self._in_contact():
            distributed.all_reduce(tensor, operation)
            agreed: list[float] = tensor.tolist()  # errors of a GPU surface here, where its sum is awaited
        return agreed

    @contextmanager
    def _in_contact(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise LostContact(
                f"process {self.rank + 1} of {self.count} stopped, as it lost contact with another one; repeat the "
                f"command with --resume to go on from the last checkpoint ({error})"
            ) from error


@contextmanager
def joined() -> Iterator[Processes]:
    """This process among those started by `isang train --processes`, `torchrun` or `accelerate launch`, or alone.

    The launcher sets RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT in the environment.
    """
    count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    device = _device(int(os.environ.get("LOCAL_RANK", "0")))
    if count == 1:
        yield Processes(device=device)
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=TIMEOUT)
    try:
        yield Processes(rank, count, device)
    finally:
        distributed.destroy_process_group()


def _device(local_rank: int) -> torch.device:
    """The GPU of this process if the machine has one, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    if local_rank >= torch.cuda.device_count():
        raise UsageError(
            f"--processes must be at most the number of GPUs, which is {torch.cuda.device_count()}; "
            f"set CUDA_VISIBLE_DEVICES= to train on the CPU"
        )
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)

"""Threads that score batches side by side, each of them with one thread of torch's own.

torch.set_num_threads sets how many threads torch uses in the thread that calls it, and in every thread that asks torch
for the first time later. So the threads are made once and kept, and what was set is set again right after: nothing
that scores later changes it, whatever else the process does meanwhile.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch

_pools: dict[int, ThreadPoolExecutor] = {}
_lock = threading.Lock()


def single_threaded(threads: int) -> ThreadPoolExecutor:
    """So many threads, of which each does its torch operations alone; all who score share them."""
    with _lock:
        if threads not in _pools:
            _pools[threads] = _made(threads)
        return _pools[threads]


def _made(threads: int) -> ThreadPoolExecutor:
    before, ready = torch.get_num_threads(), threading.Barrier(threads + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        ready.wait()

    pool = ThreadPoolExecutor(threads, thread_name_prefix="isang-scoring", initializer=begin)
    for _ in range(threads):
        pool.submit(int)  # a thread is made for each piece of work as long as none is idle
    ready.wait()
    torch.set_num_threads(before)
    return pool

"""How many threads to compute with, and how they wait for each other: settled before torch or polars are loaded."""

import os
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux (cgroup v2) says how much processor time a container may use: quota and period in microseconds."""


def usable_cores(quota_file: Path = CPU_QUOTA) -> int:
    """The cores that this process may use: those it is bound to, no more than its container's quota allows."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text(encoding="ascii").split()
        allowed = max(1, int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no cgroup v2, or "max": no quota
        return bound
    return min(bound, allowed)


def settle(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set what the user has not set.

    OpenMP's threads sleep while they wait, after a moment in which most waits end (`GOMP_SPINCOUNT`, of the GNU
    library that torch uses). By default they spin, and one busy neighbour on a shared core then holds up every barrier:
    a training on two cores beside two busy processes made 33 steps in 38 s spinning, 601 sleeping.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
        environment.setdefault("GOMP_SPINCOUNT", "2000")
    cores = usable_cores()
    if cores < (os.cpu_count() or 1):
        environment.setdefault("OMP_NUM_THREADS", str(cores))
        environment.setdefault("POLARS_MAX_THREADS", str(cores))


Result = TypeVar("Result")


def ahead(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begin `work` on a thread of its own; what is returned waits for the result, and raises what the work raised.

    To load torch takes about two seconds, mostly on one core; to read logs meanwhile takes nothing from it.
    """
    from concurrent.futures import Future

    result: Future[Result] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, name="isang-ahead").start()
    return result.result


@contextmanager
def loading(module: str, after_seconds: float) -> Iterator[None]:
    """Load a module on a thread of its own where the body takes longer than `after_seconds`, for what comes next."""
    timer = threading.Timer(after_seconds, import_module, (module,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()  # what has begun goes on


_pools: "dict[tuple[int, int], ThreadPoolExecutor]" = {}
_lock = threading.Lock()


def side_by_side(threads: int, each: int = 1) -> "ThreadPoolExecutor":
    """So many threads, of which each computes with `each` threads of torch; all who ask for the same share them."""
    with _lock:
        if (threads, each) not in _pools:
            _pools[threads, each] = _made(threads, each)
        return _pools[threads, each]


def _made(threads: int, each: int) -> "ThreadPoolExecutor":
    """torch.set_num_threads holds for the thread that calls it, and for every one that asks torch first later.

    So the threads are made once and kept, and what was set is set again right after: nothing that computes later
    changes it, whatever else the process does meanwhile.
    """
    from concurrent.futures import ThreadPoolExecutor

    import torch

    before, ready = torch.get_num_threads(), threading.Barrier(threads + 1)

    def begin() -> None:
        torch.set_num_threads(each)
        ready.wait()

    pool = ThreadPoolExecutor(threads, thread_name_prefix="isang-torch", initializer=begin)
    for _ in range(threads):
        pool.submit(int)  # a thread is made for each piece of work as long as none is idle
    ready.wait()
    torch.set_num_threads(before)
    return pool

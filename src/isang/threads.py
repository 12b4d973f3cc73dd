"""The number of compute threads and how they wait for each other, set before torch or polars are loaded."""

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
"""The file in which Linux (cgroup v2) states a container's CPU limit: quota and period in microseconds."""


def usable_cores(quota_file: Path = CPU_QUOTA) -> int:
    """The number of cores this process may use: those it is bound to, limited by its container's quota."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text(encoding="ascii").split()
        allowed = max(1, int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no cgroup v2, or "max": no quota
        return bound
    return min(bound, allowed)


def settle(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set the environment variables that the user has not set.

    OpenMP's threads sleep while they wait, after a short spin in which most waits end (`GOMP_SPINCOUNT`, of the GNU
    library that torch uses). By default they keep spinning, and one busy process on a shared core then delays every
    barrier: a training on two cores beside two busy processes did 33 steps in 38 s spinning, 601 sleeping.
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
    """Start `work` on its own thread; the returned function waits for the result, and raises what the work raised.

    Loading torch takes about two seconds, mostly on one core; reading logs meanwhile does not slow it down.
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
    """Preload a module on its own thread if the body takes longer than `after_seconds`."""
    timer = threading.Timer(after_seconds, import_module, (module,))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()  # an import that has begun continues


_pools: "dict[tuple[int, int], ThreadPoolExecutor]" = {}
_lock = threading.Lock()


def side_by_side(threads: int, each: int = 1) -> "ThreadPoolExecutor":
    """A pool of this many threads, each with `each` threads of torch; callers with the same arguments share it."""
    with _lock:
        if (threads, each) not in _pools:
            _pools[threads, each] = _made(threads, each)
        return _pools[threads, each]


def _made(threads: int, each: int) -> "ThreadPoolExecutor":
    """torch.set_num_threads applies to the calling thread, and to every thread that first uses torch later.

    So the threads are created once and kept, and the previous setting is restored right after: later computations do
    not affect them, whatever else the process does.
    """
    from concurrent.futures import ThreadPoolExecutor

    import torch

    before, ready = torch.get_num_threads(), threading.Barrier(threads + 1)

    def begin() -> None:
        torch.set_num_threads(each)
        ready.wait()

    pool = ThreadPoolExecutor(threads, thread_name_prefix="isang-torch", initializer=begin)
    for _ in range(threads):
        pool.submit(int)  # the pool creates a thread for each task while none is idle
    ready.wait()
    torch.set_num_threads(before)
    return pool

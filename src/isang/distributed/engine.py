"""Ray: where it runs, and distributing work over its machines."""

import os
import resource
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from isang.errors import EngineError, IsangError, UsageError
from isang.threads import usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

RETRIES = 3
"""Number of retries of a task whose worker or machine died."""
_WAITING_PER_WORKER = 3
"""Maximum number of tasks per worker that are running, or finished with a result not yet consumed."""
_ACTOR_RETRY_SECONDS = (1.0, 4.0, 16.0)
_STORE_BYTES = 128 << 20
"""Size of the object store on this machine: results are small, everything else goes through files."""
_CONNECT_SECONDS = 10.0
_WORKER_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""A worker has one core."""


class Ray:
    """A running Ray; see `started`."""

    def __init__(self, workers: int, *, here_only: bool = False) -> None:
        self.workers = workers
        """Number of tasks that run in parallel."""
        self._here_only = here_only  # all workers are of this machine and this installation
        self.peak_mib = 0.0
        """Highest peak memory of any task's process when the task ended."""
        self.actors: dict[tuple[type, tuple[Any, ...]], list[Any]] = {}
        """The objects in the workers, by kind and arguments, see `in_order_on`."""
        self.spool_bytes = 0
        """Bytes that tasks have passed to others in files."""

    def note(self, peak_mib: float, spool_bytes: int) -> None:
        """Record the memory and files used by a task."""
        self.peak_mib = max(self.peak_mib, peak_mib)
        self.spool_bytes += spool_bytes

    def refuse_unlike(self, folder: Path) -> None:
        """Raise EngineError if a machine does not see `folder`, or has different versions and so different results."""
        if self._here_only:
            return
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        probe = folder / "probe"
        probe.write_text("", encoding="ascii")
        here = _likeness(probe)
        task = ray.remote(num_cpus=0, max_retries=0)(_likeness)
        for node in ray.nodes():
            if not node["Alive"]:
                continue
            strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=True)
            there = ray.get(task.options(scheduling_strategy=strategy).remote(probe))
            for name, value in here.items():
                if there[name] != value:
                    raise EngineError(
                        f"the machine {node['NodeManagerAddress']} has {name} {there[name]}, this one {value}; "
                        "all machines need the same versions, and a folder for --out that they share"
                    )

    def shared(self, value: Any) -> Any:
        """A reference to `value` for the arguments of many tasks, so that it is sent only once to each machine."""
        import ray

        return ray.put(value)

    def in_order(
        self, function: Callable[..., Result], items: Iterable[Item], *shared: Any, doing: Callable[[Item], str]
    ) -> Iterator[Result]:
        """`function(item, *shared)` for each item by tasks, results in the order of the items.

        Only a few tasks per worker are in flight, so that few results wait to be consumed. A task whose worker or
        machine
        dies is retried, so `function` must be idempotent. An IsangError is raised here as it is; for other errors,
        `doing`
        says what was being done with an item.
        """
        import ray

        task = ray.remote(num_cpus=1, max_retries=RETRIES)(function)
        waiting: deque[tuple[Any, Item]] = deque()
        try:
            for item in items:
                waiting.append((task.remote(item, *shared), item))
                if len(waiting) >= _WAITING_PER_WORKER * self.workers:
                    yield _result(*waiting.popleft(), doing)
            while waiting:
                yield _result(*waiting.popleft(), doing)
        finally:
            for reference, _ in waiting:
                ray.cancel(reference, force=True)

    def in_order_on(
        self, kind: type, arguments: tuple[Any, ...], items: Iterable[Item], *, doing: Callable[[Item], str]
    ) -> Iterator[Any]:
        """`kind(*arguments).work(item)` for each item, in all workers; each creates its object once.

        The objects stay in their workers and reserve no core. Results, retries and errors as in `in_order`.
        """
        import ray

        actors = self.actors.get((kind, arguments))
        if actors is None:
            made = ray.remote(max_restarts=RETRIES, max_task_retries=RETRIES, scheduling_strategy="SPREAD")(kind)
            actors = self.actors[kind, arguments] = [made.remote(*arguments) for _ in range(self.workers)]
        waiting: deque[tuple[Any, Any, Item]] = deque()
        for number, item in enumerate(items):
            actor = actors[number % len(actors)]
            waiting.append((actor.work.remote(item), actor, item))
            if len(waiting) >= _WAITING_PER_WORKER * len(actors):
                yield _result_of_actor(*waiting.popleft(), doing)
        while waiting:
            yield _result_of_actor(*waiting.popleft(), doing)


def _likeness(probe: Path) -> dict[str, Any]:
    """What must be the same on all machines, in words."""
    import polars as pl

    import isang

    hashed = pl.Series(["isang"]).hash()[0]
    return {
        "isang": isang.__version__, "polars": pl.__version__, "polars' hash of a text": hashed,
        "access to the output folder": probe.exists(),
    }  # fmt: skip


def peak_mib() -> float:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)


def _result_of_actor(reference: Any, actor: Any, item: Any, doing: Callable[[Any], str]) -> Any:
    """As `_result`; work of an actor that is being started on another machine is given to it again."""
    import ray

    for seconds in _ACTOR_RETRY_SECONDS:
        try:
            return ray.get(reference)
        except ray.exceptions.ActorUnavailableError:  # not retried by Ray itself, whatever `max_task_retries` says
            time.sleep(seconds)
            reference = actor.work.remote(item)
        except ray.exceptions.RayError:
            break
    return _result(reference, item, doing)


def _result(reference: Any, item: Any, doing: Callable[[Any], str]) -> Any:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, IsangError):
            raise error.cause from None
        raise EngineError(f"{doing(item)} failed: {type(error.cause).__name__}: {error.cause}") from error
    except ray.exceptions.RayError as error:
        why = (str(error).strip() or type(error).__name__).split("\n", 1)[0]
        raise EngineError(
            f"{doing(item)} failed {RETRIES + 1} times, because the worker or its machine died: {why}; "
            "if memory was short, start fewer workers on each machine"
        ) from error


def parsed(given: str) -> tuple[int | None, str | None]:
    """The parsed `--engine`: (workers on this machine, None) or (None, the address of a running Ray).

    (None, None) means one worker per core of this machine. Raises UsageError for anything else.
    """
    name, equals, where = given.partition("=")
    if name != "ray" or (equals and not where):
        raise UsageError(f"--engine must be ray, ray=WORKERS or ray=HOST:PORT, got {given!r}")
    if not equals:
        return None, None
    if where.isascii() and where.isdigit():
        if not 1 <= int(where) <= 4096:
            raise UsageError(f"--engine ray=WORKERS takes 1 to 4096 workers on this machine, got {where}")
        return int(where), None
    return None, where


@contextmanager
def started(given: str) -> Iterator[Ray]:
    """Start Ray on this machine, or join a running one, as `--engine` says; a Ray started here ends with the block.

    If the caller has already joined a Ray, that one is used. Raises UsageError if Ray is not installed, and EngineError
    if it cannot be reached.
    """
    workers, address = parsed(given)
    if find_spec("ray") is None:
        raise UsageError("--engine ray needs Ray: pip install 'isang[ray]'")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # workers as urgent as this process; Ray's default is 15
    import ray

    if address is not None:
        _refuse_unreachable(given, address)
    if ray.is_initialized():
        yield Ray(_cores(ray))
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    quiet["runtime_env"] = {"env_vars": _WORKER_ENVIRONMENT}
    try:
        if address is None:
            ray.init(
                address="local", num_cpus=workers or usable_cores(), include_dashboard=False,
                object_store_memory=_STORE_BYTES, _node_ip_address="127.0.0.1", **quiet,
            )  # fmt: skip
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        why = (str(error).strip() or type(error).__name__).split("\n", 1)[0]
        raise EngineError(f"--engine {given}: Ray cannot be {'joined' if address else 'started'}: {why}") from error
    try:
        yield Ray(_cores(ray), here_only=address is None)
    finally:
        ray.shutdown()


def _cores(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _refuse_unreachable(given: str, address: str) -> None:
    """Raise EngineError for an unreachable address; Ray itself would retry it for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    try:
        if colon and port.isdigit():
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
        elif address != "auto":
            raise OSError(None, "it is no address; give HOST:PORT, such as 10.0.0.5:6379, or auto on one of its nodes")
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise EngineError(f"--engine {given}: Ray cannot be joined: {why}") from error

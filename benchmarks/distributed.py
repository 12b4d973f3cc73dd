"""Preparation by the workers of Ray beside one machine: equality, overhead, bytes that pass between tasks, memory.

    python benchmarks/distributed.py LOG... [--copies 1 4] [--workers 2] [--kill-a-node] [--scratch DIR]

Each log is repeated as often as `--copies` says. Two sizes give what a line costs beside what a run costs, and a model
of a billion lines from that. `--kill-a-node`: two nodes of Ray on this machine, one of which is killed in the middle.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from isang.config import LogsConfig
from isang.distributed.engine import Ray, started
from isang.distributed.prepare import prepare
from isang.logs.input.chunks import CHUNK_BYTES
from isang.logs.input.sources import find_sources
from isang.logs.prepare import prepare_folder

MACHINES, CORES, LINES = 50, 16, 1_000_000_000


def timed(work: Any) -> tuple[Any, float, float]:
    """What `work` returns, seconds, and CPU seconds of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    return work(), time.perf_counter() - wall, time.process_time() - cpu


def copied(logs: list[str], copies: int, folder: Path) -> list[str]:
    """The logs, each repeated; a repetition has session keys of its own where a key is `blk_` and a number."""
    found = []
    for source in find_sources(logs):
        path = folder / f"{copies}-{source.index}-{source.path.name}"
        with path.open("wb") as file:
            for copy in range(copies):
                text = source.path.read_bytes()
                file.write(text.replace(b"blk_", b"blk_%d" % copy) if copy else text)
        found.append(str(path))
    return found


def equal(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files, byte for byte."""
    names = sorted(path.name for path in one.iterdir())
    same_names = names == sorted(path.name for path in other.iterdir())
    return same_names and all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def measure(logs: list[str], copies: int, workers: int, scratch: Path) -> tuple[int, float, float]:
    """Prints a row; returns (lines, CPU seconds alone, CPU seconds of this process beside workers)."""
    paths, config = copied(logs, copies, scratch), LogsConfig()
    with started(f"ray={workers}") as ray:
        list(ray.in_order(warm, range(workers), doing=str))
        meta, wall_alone, cpu_alone = timed(lambda: prepare_folder(paths, scratch / "one", config, overwrite=True))
        _, wall, cpu = timed(lambda: prepare(ray, paths, scratch / "many", config, overwrite=True))
        same, lines = equal(scratch / "one", scratch / "many"), meta["lines"]
        print(
            f"{lines:>12,} lines, {workers} workers: equal {same}; time {wall / wall_alone:.2f} of one machine "
            f"({wall:.1f} s, {wall_alone:.1f} s); CPU of the first process {cpu:.1f} s, alone {cpu_alone:.1f} s; "
            f"{ray.spool_bytes / lines:.1f} bytes a line between tasks; {ray.peak_mib:.0f} MiB in a worker",
            flush=True,
        )
    return lines, cpu_alone, cpu


def warm(item: int) -> int:
    """Imports what tasks use."""
    import isang.distributed.grouping  # noqa: F401

    return item


def model(small: tuple[int, float, float], large: tuple[int, float, float]) -> str:
    """A billion lines: tasks cost what one machine's CPU does in all, evenly spread; the first process is serial."""
    lines = large[0] - small[0]
    task, first = ((large[part] - small[part]) / lines for part in (1, 2))
    spread = LINES * task / (MACHINES * CORES)
    return (
        f"a line costs {1e6 * task:.2f} us of CPU alone, {1e6 * first:.2f} us in the first process; {LINES:,} lines: "
        f"{LINES * task / 60:.0f} min alone on one core; on {MACHINES} machines of {CORES} cores {spread / 60:.1f} min "
        f"in tasks and {LINES * first / 60:.0f} min in the first process, which overlap in part"
    )


def kill_a_node(logs: list[str], scratch: Path) -> None:
    """Two nodes on this machine; the second is killed after two tasks."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    second = cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    done, killed = 0, False

    class Killing(Ray):
        def note(self, peak_mib: float, spool_bytes: int) -> None:
            nonlocal done, killed
            done += 1
            if done == 2:
                cluster.remove_node(second, allow_graceful=False)
                killed = True

    prepare(Killing(2), logs, scratch / "nodes", LogsConfig(), overwrite=True, unit_bytes=CHUNK_BYTES)
    ray.shutdown()
    cluster.shutdown()
    prepare_folder(logs, scratch / "one", LogsConfig(), overwrite=True)
    print(f"two nodes, one killed after two of the tasks ({killed}): equal {equal(scratch / 'one', scratch / 'nodes')}")


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill-a-node", action="store_true")
    parser.add_argument("--scratch", default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
        if given.kill_a_node:
            kill_a_node(copied(given.logs, given.copies[0], Path(folder)), Path(folder))
            return
        found = [measure(given.logs, copies, given.workers, Path(folder)) for copies in given.copies]
        if len(found) > 1:
            print(model(found[0], found[-1]))


if __name__ == "__main__":
    main()

"""Machines and workers of Ray that are killed in the middle: the result must be that of one machine, or a clear error.

    python benchmarks/distributed_faults.py LOG... --model MODEL [--copies 4] [--scratch DIR]

Two nodes of Ray run on this machine, with a worker each. For each moment below the second node, or a worker while it
works, is killed once. Large files are read in parts of a few MB, so that there are many tasks.
"""

import argparse
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distributed import copied, equal, told
from isang.artifact import load_model
from isang.config import LogsConfig
from isang.detection.batch import judge_logs
from isang.distributed.engine import Ray
from isang.distributed.prepare import preparation_on, prepare
from isang.distributed.scoring import scored_on
from isang.errors import IsangError
from isang.logs.input.chunks import CHUNK_BYTES
from isang.logs.prepare import prepare_folder

PREPARING = (("read_unit", 0), ("read_unit", 3), ("group_partition", 0))
"""After which result, counted from 0, of which task."""
DETECTING = (("read_unit", 1), ("Scorer", 0))


class Killing(Ray):
    """Ray that loses a node or a worker when a certain result has come."""

    def __init__(self, kill: Callable[[], None], moment: tuple[str, int]) -> None:
        super().__init__(2)
        self._kill, self._moment, self.killed = kill, moment, False

    def _watched(self, name: str, results: Iterator[Any]) -> Iterator[Any]:
        for number, result in enumerate(results):
            if (name, number) == self._moment and not self.killed:
                self.killed = True
                self._kill()
            yield result

    def in_order(self, function: Any, *given: Any, **named: Any) -> Iterator[Any]:
        """As Ray's."""
        return self._watched(function.__name__, super().in_order(function, *given, **named))

    def in_order_on(self, kind: type, *given: Any, **named: Any) -> Iterator[Any]:
        """As Ray's."""
        return self._watched(kind.__name__, super().in_order_on(kind, *given, **named))


@contextmanager
def two_nodes() -> Iterator[Callable[[], None]]:
    """Two nodes on this machine; yields what kills the second."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    second = cluster.add_node(**node)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        yield lambda: cluster.remove_node(second, allow_graceful=False)
    finally:
        ray.shutdown()
        cluster.shutdown()


def kill_a_worker() -> None:
    """Kill a worker that works; of several the first that is found."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            said = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if said.startswith((b"ray::read_unit", b"ray::group_partition", b"ray::scan", b"ray::Scorer")):
            os.kill(int(folder.name), signal.SIGKILL)
            return


def outcome(work: Callable[[], bool]) -> str:
    """What came of it, in words."""
    try:
        return "equal" if work() else "ANOTHER RESULT"
    except IsangError as error:
        return f"error: {error}"


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--scratch", default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
        scratch, model = Path(folder), load_model(given.model)
        paths = copied(given.logs, given.copies, scratch)
        prepare_folder(paths, scratch / "one", LogsConfig())
        alone = told(judge_logs(model, paths))

        def prepared(ray: Ray) -> bool:
            prepare(ray, paths, scratch / "many", LogsConfig(), overwrite=True, unit_bytes=CHUNK_BYTES)
            return equal(scratch / "one", scratch / "many")

        def detected(ray: Ray) -> bool:
            work = preparation_on(ray, CHUNK_BYTES)
            fresh = load_model(given.model)  # a copy would share the answers of the first
            return told(judge_logs(scored_on(ray, fresh, given.model), paths, preparation=work)) == alone

        for what, work, moments in (("prepare", prepared, PREPARING), ("detect", detected, DETECTING)):
            for moment in moments:
                for victim in ("node", "worker"):
                    with two_nodes() as kill_a_node:
                        ray = Killing(kill_a_node if victim == "node" else kill_a_worker, moment)
                        came = outcome(lambda: work(ray))  # noqa: B023 - called here
                    left = [path.name for path in scratch.iterdir() if path.name.endswith(".partial")]
                    killed = "killed" if ray.killed else "NOT killed"
                    print(f"{what}: {victim} {killed} after {moment[0]} {moment[1]}: {came}{left or ''}", flush=True)


if __name__ == "__main__":
    main()

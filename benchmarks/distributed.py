"""Preparation and detection by the workers of Ray beside one machine: equality, overhead, bytes between tasks, memory.

    python benchmarks/distributed.py LOG... [--copies 1 4] [--workers 1 2 4] [--repeat 3] [--model MODEL]

Each log is repeated as often as `--copies` says; a number of workers gets its own row. Two sizes give what a line costs
beside what a run costs, and a model of a billion lines from that. With `--model` the logs are also judged, in both
ways. Time and CPU do not count the start of Ray. CPU is that of all processes, also those of Ray itself.
"""

import argparse
import gc
import os
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, median_low
from typing import Any

import polars as pl

from isang.artifact import load_model
from isang.config import LogsConfig
from isang.detection.batch import JudgedLogs, judge_logs
from isang.distributed.engine import Ray, started
from isang.distributed.prepare import preparation_on, prepare
from isang.distributed.scoring import scored_on
from isang.logs.input.sources import find_sources
from isang.logs.prepare import prepare_folder

MACHINES, CORES, LINES = 50, 16, 1_000_000_000


@dataclass(frozen=True)
class Used:
    """What some work has taken."""

    wall: float
    """Seconds."""
    first: float
    """CPU seconds of this process."""
    others: float
    """CPU seconds of all processes below it."""

    @property
    def cpu(self) -> float:
        """CPU seconds of all processes."""
        return self.first + self.others


def cpu_of_others() -> float:
    """CPU seconds so far of all processes below this one, of those that have ended too."""
    ticks, found, parents = os.sysconf("SC_CLK_TCK"), {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            values = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        pid = int(folder.name)
        parents[pid], found[pid] = int(values[1]), sum(map(int, values[11:15])) / ticks
    below, total = {os.getpid()}, 0.0
    while below:
        below = {pid for pid, parent in parents.items() if parent in below}
        total += sum(found[pid] for pid in below)
    return total


def timed(work: Callable[[], Any]) -> tuple[Any, Used]:
    """What `work` returns and what it took."""
    gc.collect()
    others, wall, cpu = cpu_of_others(), time.perf_counter(), time.process_time()
    done = work()
    return done, Used(time.perf_counter() - wall, time.process_time() - cpu, cpu_of_others() - others)


def copied(logs: list[str], copies: int, folder: Path) -> list[str]:
    """The logs, each repeated; a repetition has session keys of its own where a key is `blk_` and a number."""
    found = []
    for source in find_sources(logs):
        path = folder / f"{copies}-{source.index}-{source.path.name}"
        with path.open("wb") as file:
            for copy in range(copies):
                text = source.path.read_bytes()
                file.write(re.sub(rb"blk_(-?)", rb"blk_\g<1>%d" % copy, text) if copy else text)
        found.append(str(path))
    return found


def equal(one: Path, other: Path) -> bool:
    """Whether two folders hold the same tables: in files byte for byte, in parts row by row."""
    names = {path.stem: path for path in one.iterdir()}
    return names.keys() == {path.stem for path in other.iterdir()} and all(
        (other / path.name).read_bytes() == path.read_bytes()
        if (other / path.name).is_file()
        else same_rows(path, sorted((other / name).iterdir()))
        for name, path in names.items()
    )


def same_rows(file: Path, parts: list[Path]) -> bool:
    """Whether the rows of the parts in their order are those of the file, of as many row groups."""
    whole, at = pl.scan_parquet(file), 0
    for part in parts:
        rows = pl.read_parquet(part)
        if not whole.slice(at, rows.height).collect().equals(rows):
            return False
        at += rows.height
    return at == whole.select(pl.len()).collect().item()


def measure(paths: list[str], workers: int, repeats: int, model: Path | None, scratch: Path) -> tuple[int, Used, Used]:
    """Prints a row; returns (lines, what preparing takes alone, and by the workers), medians of `repeats`, in turns."""
    ratios, pairs = [], []
    with started(f"ray={workers}") as ray:
        list(ray.in_order(warm, range(4 * workers), doing=str))
        for _ in range(repeats):
            meta, alone = timed(lambda: prepare_folder(paths, scratch / "one", LogsConfig(), overwrite=True))
            ray.spool_bytes = 0
            _, used = timed(lambda: prepare(ray, paths, scratch / "many", LogsConfig(), overwrite=True))
            ratios.append((used.wall / alone.wall, used.cpu / alone.cpu))
            pairs.append((alone, used))
        lines = meta["lines"]
        time_ratio, cpu_ratio = (median(ratio) for ratio in zip(*ratios, strict=True))
        alone, used = pairs[[ratio[1] for ratio in ratios].index(median_low(ratio[1] for ratio in ratios))]
        print(
            f"{lines:>12,} lines, {workers} workers: equal {equal(scratch / 'one', scratch / 'many')}; "
            f"time {time_ratio:.2f} of one machine, CPU {cpu_ratio:.2f} (each: "
            f"{', '.join(f'{of_time:.2f} and {of_cpu:.2f}' for of_time, of_cpu in ratios)}); of {used.cpu:.1f} s CPU "
            f"the first process has {used.first:.1f} s; {ray.spool_bytes / lines:.1f} bytes a line between tasks; "
            f"{ray.peak_mib:.0f} MiB in a worker",
            flush=True,
        )
        if model is not None:
            detect(ray, paths, model)
    return lines, alone, used


def detect(ray: Ray, paths: list[str], folder: Path) -> None:
    """Prints whether the anomalies are those of one machine."""
    model = load_model(folder)
    one, alone = timed(lambda: told(judge_logs(model, paths)))
    spread = scored_on(ray, load_model(folder), folder)  # its own: a copy would share the answers of the first
    many, used = timed(lambda: told(judge_logs(spread, paths, preparation=preparation_on(ray))))
    print(
        f"{'':>12} detection: {one[0]:,} sessions, {len(one[1]):,} anomalies, {len(one[2])} incidents: "
        f"equal {one == many}; time {used.wall / alone.wall:.2f} of one machine ({alone.wall:.1f} s); "
        f"CPU {used.cpu / alone.cpu:.2f}; {ray.peak_mib:.0f} MiB in a reading worker",
        flush=True,
    )


def told(judged: JudgedLogs) -> tuple[int, list[Any], list[Any], bytes]:
    """What must be equal: the number of sessions, the anomalies, the incidents, all p-values."""
    incidents = [each.to_dict() for each in (*judged.incidents, *judged.smaller)]
    return len(judged.p_values), judged.anomalies, incidents, judged.p_values.tobytes()


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


def main() -> None:
    """See the top of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+")
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--scratch", default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
        scratch, rows = Path(folder), []
        for copies in given.copies:
            paths = copied(given.logs, copies, scratch)
            measured = [measure(paths, workers, given.repeat, given.model, scratch) for workers in given.workers]
            lines, alone, used = measured[-1]
            rows.append((lines, alone.cpu, used.first))
            for path in paths:
                Path(path).unlink()
        if len(rows) > 1:
            print(model(rows[0], rows[-1]))


if __name__ == "__main__":
    main()

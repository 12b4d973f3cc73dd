"""How often the verdicts on training runs are right: reprints each table, with fixed seeds.

    python benchmarks/judging.py [TABLE ...] [--runs 40] [--data DIR] [--folder DIR]

Tables: nulls, faults, schedules, spikes, overfitting, memory, forecast, files, speed; all of them where none is named.
`--runs` is the number of simulated runs per cell. The tables `forecast`, `files` and `speed` read the real logs in
`--data` (../shared/data/runs) and are left out where that folder is absent. `histories` reads real histories of known
answer in `--folder`, which has a `labels.csv`.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from judging_faults import faults
from judging_forecast import forecasts, logs
from judging_histories import histories
from judging_overfitting import overfit
from judging_simulated import KINDS, noise, table_of
from judging_speed import speed

from isang.errors import InputError
from isang.runs.findings import RunContext, judge
from isang.runs.findings.generalisation import overfitting
from isang.runs.findings.schedule import schedule
from isang.runs.read.folders import read_runs
from isang.runs.read.table import Floats, RunTable
from isang.runs.statistics.spikes import FALSE_SPIKES, find_spikes, positions

HERE = Path(__file__).resolve().parents[1]


def nulls(runs: int) -> None:
    """False alarms on flat runs, and the power to see a real fall, a rise and more noise."""
    print("\nFalse alarms on flat runs, % (target 6 or less); level 3, noise 0.1")
    names = ("decreasing: falls", "divergence", "spikes", "stability", "convergence: not flat", "overfitting")
    print(f"{'n':>6} {'memory':>6} {'noise':>9}  " + "  ".join(f"{name:>21}" for name in names))
    every = []
    for n in (100, 300, 1000, 5000):
        for memory in (0.0, 0.5, 0.8, 0.95):
            for kind in KINDS:
                alarms = np.array([_false_alarms(n, memory, kind, seed) for seed in range(runs)])
                every.append(alarms)
                cells = "  ".join(f"{100 * rate:21.1f}" for rate in alarms.mean(axis=0))
                print(f"{n:6d} {memory:6.2f} {kind:>9}  {cells}")
    together = np.concatenate(every)
    for name, cells in (
        ("all", (f"{100 * rate:21.1f}" for rate in together.mean(axis=0))),
        ("95 % interval", (f"{_interval(int(hits), len(together)):>21}" for hits in together.sum(axis=0))),
        ("worst cell", (f"{100 * rate:21.1f}" for rate in np.max([a.mean(axis=0) for a in every], axis=0))),
    ):
        print(f"{name:>22}  " + "  ".join(cells))
    print(f"{len(together):,} null runs in all, {runs:,} in each cell")
    print("\nPower: a straight fall over the run, share found (n 300, memory 0.5), by its size in noise units")
    for size in (0.0, 0.5, 1.0, 2.0, 4.0):
        found = [_verdicts(_falling(300, size, seed))["decreasing"] == "ok" for seed in range(runs)]
        print(f"  {size:4.1f} σ: {100 * np.mean(found):5.1f} %")


def _interval(hits: int, count: int) -> str:
    """Wilson's 95 % interval of a share, in %."""
    share, z = hits / count, 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return f"{100 * max(0.0, middle - half):.1f} … {100 * (middle + half):.1f}"


def _falling(n: int, size: float, seed: int) -> RunTable:
    rng = np.random.default_rng(seed)
    return table_of(3 + 0.1 * noise(n, 0.5, "normal", rng) - 0.1 * size * np.linspace(0, 1, n))


def _verdicts(table: RunTable) -> dict[str, str]:
    return {finding.id: finding.verdict for finding in judge(table)}


def _false_alarms(n: int, memory: float, kind: str, seed: int) -> list[bool]:
    rng = np.random.default_rng([seed, n, int(100 * memory), KINDS.index(kind)])
    findings = {f.id: f for f in judge(table_of(3 + 0.1 * noise(n, memory, kind, rng)))}
    flat = np.full(n, np.nan)
    flat[:: max(1, n // 60)] = 3 + 0.1 * noise(len(flat[:: max(1, n // 60)]), memory, kind, rng)
    held_out = table_of(np.geomspace(5, 1, n) + 0.01 * noise(n, 0.0, "normal", rng), validation_loss=flat)
    return [
        findings["decreasing"].verdict == "ok",
        findings["divergence"].verdict == "problem",
        findings["spikes"].verdict == "problem",
        findings["stability"].verdict == "problem",
        findings["convergence"].verdict == "problem",
        overfitting(held_out, RunContext(held_out)).verdict == "problem",
    ]


def _schedules(rng: np.random.Generator) -> Iterator[tuple[str, str, Floats, float | None]]:
    """Name, family, rates, and T_max where it is shorter than the run."""
    n = int(rng.integers(300, 5000))
    x = np.arange(n)
    peak = float(10 ** rng.uniform(-5, -2))
    low = peak * float(rng.choice([0.0, 0.01, 0.1]))
    warm = int(n * rng.uniform(0.02, 0.1))
    ramp = np.minimum(1.0, (x + 1) / warm)
    half = peak - low

    def cosine(t: Floats, period: float) -> Floats:
        return low + half / 2 * (1 + np.cos(np.pi * t / period))

    yield "constant", "constant", np.full(n, peak), None
    yield "warm-up, constant", "constant", peak * ramp, None
    yield "cosine", "cosine", cosine(x, n - 1), None
    after = np.maximum(x - warm, 0)
    yield "warm-up, cosine", "cosine", np.where(x < warm, peak * ramp, cosine(after, n - 1 - warm)), None
    yield "linear", "linear", peak * (1 - x / n), None
    yield "warm-up, linear", "linear", np.where(x < warm, peak * ramp, peak * (1 - after / (n - warm))), None
    yield "step", "step", peak * 0.1 ** np.floor(3 * x / n), None
    yield "exponential", "exponential", peak * np.exp(-4 * x / n), None
    yield "inverse root", "inverse root", peak * np.minimum(ramp, np.sqrt(warm / np.maximum(x + 1, 1))), None
    decay = int(n * 0.8)
    yield "stable, decay", "warm-up-stable-decay", peak * np.minimum(ramp, np.minimum(1, (n - x) / (n - decay))), None
    cycle = n // int(rng.integers(3, 6))
    yield "restarts", "cosine with restarts", cosine((x % cycle).astype(float), cycle), None
    yield "cyclic", "cyclic", low + half * np.abs((x / cycle) % 2 - 1), None
    period = (n - 1) * float(rng.uniform(0.3, 0.9))
    yield "T_max short", "cosine", cosine(x, period), period


def schedules(runs: int) -> None:
    """The family told right, and the short T_max caught."""
    right: dict[str, list[bool]] = {}
    caught: dict[str, list[bool]] = {}
    off: list[float] = []
    for seed in range(max(runs, 100)):
        for name, family, rates, period in _schedules(np.random.default_rng(seed)):
            digits = np.array([float(f"{rate:.3g}") for rate in rates])
            table = table_of(np.linspace(3, 2, len(rates)), learning_rate=digits)
            found = schedule(table, RunContext(table))
            right.setdefault(name, []).append(found.evidence["family"] == family)
            rises = found.verdict == "problem" and "T_max" in found.statement["en"]
            caught.setdefault(name, []).append(rises == (period is not None))
            if period is not None:
                off.append(abs(found.evidence["parameters"].get("T_max", 0) / period - 1))
    print("\nSchedules, rates printed with 3 digits: family right and T_max verdict right, % (targets 98 and 100)")
    for name in right:
        print(f"  {name:20s} {100 * np.mean(right[name]):6.1f} {100 * np.mean(caught[name]):6.1f}")
    print(
        f"  all                  {100 * np.mean(np.concatenate(list(right.values()))):6.1f} "
        f"{100 * np.mean(np.concatenate(list(caught.values()))):6.1f}"
    )
    print(f"  T_max off by: median {100 * np.median(off):.2f} %, worst {100 * max(off):.2f} %")


def spikes(runs: int) -> None:
    """Recall of planted spikes and precision of what is flagged."""
    print("\nSpikes: 5 planted in 2,000 falling losses, by size; recall and precision, % (targets 99 at 8 σ, 95)")
    for kind in ("normal", "t3"):
        for size in (6.0, 8.0, 12.0, 20.0, 60.0):
            hits = planted = flagged = 0
            for seed in range(runs):
                rng = np.random.default_rng([seed, int(size)])
                loss = 2 + 3 * np.exp(-np.arange(2000) / 300) + 0.1 * noise(2000, 0.0, kind, rng)
                where = rng.choice(np.arange(50, 1950), 5, replace=False)
                loss[where] += 0.1 * size
                found = find_spikes(loss)
                assert found is not None
                got = set(positions(found).tolist())
                hits, planted, flagged = hits + len(got & set(where.tolist())), planted + 5, flagged + len(got)
            best, sure = _spikes_of_known_noise(kind, size)
            print(
                f"  {kind:7s} {size:5.0f} σ  recall {100 * hits / planted:5.1f}  precision "
                f"{100 * hits / max(flagged, 1):5.1f}   a rule that knows the noise: {best:5.1f} and {sure:5.1f}"
            )


def _spikes_of_known_noise(kind: str, size: float) -> tuple[float, float]:
    """Recall and precision, %, of the threshold that 0.15 of 2,000 values of the known noise exceed."""
    rng = np.random.default_rng(1)
    drawn = np.sort(rng.standard_normal(2_000_000) if kind == "normal" else rng.standard_t(3, 2_000_000))
    threshold = drawn[-int(len(drawn) * FALSE_SPIKES / 2000)]
    recall = float(np.mean(size + drawn > threshold))
    return 100 * recall, 100 * 5 * recall / (5 * recall + FALSE_SPIKES)


def files(data: Path) -> None:
    """What is found in each real log."""
    print("\nEvery log: how it was read and which verdicts are problems")
    for path in logs(data):
        try:
            tables = read_runs(path)
        except InputError as error:
            print(f"  {path.relative_to(data)}: {error}")
            continue
        for table in tables:
            source = table.source
            problems = [f.id for f in judge(table) if f.verdict == "problem"]
            left = source.lines - sum(source.used.values()) - sum(source.ignored.values()) - source.failed
            print(
                f"  {path.parent.name}/{table.name}: {source.format}; {source.lines:,} lines, "
                f"{len(table.step):,} steps, "
                f"{source.failed} failed, {left} unaccounted; problems: {', '.join(problems) or 'none'}"
            )


def memory(runs: int) -> None:
    """Reading, judging and reporting a synthetic text log of 1 GB, in a process of its own; `runs` plays no part."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "training.log"
        steps = _write_large_log(log, 1_000_000_000)
        command = [sys.executable, "-m", "isang", "report", str(log), "--out", str(Path(folder) / "report")]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
        print(
            f"\nMemory: {log.stat().st_size / 1e6:,.0f} MB of text, {steps:,} steps: {seconds:.0f} s, {peak:.0f} MB "
            "at most (target 500)"
        )


def _write_large_log(path: Path, size: int) -> int:
    """Progress bars as tqdm prints them, ten epochs, losses of four decimals; returns the number of steps."""
    rng = np.random.default_rng(0)
    steps = size // 1330 * 10
    per_epoch = steps // 10
    with path.open("w") as log:
        for first in range(0, steps, 10_000):
            step = np.arange(first, min(first + 10_000, steps))
            loss = 0.2 + 9 * np.exp(-40 * step / steps) + 0.05 * np.abs(rng.standard_normal(len(step)))
            rate = 2e-5 * (1 - step / steps)
            for s, value, r in zip(step.tolist(), loss.tolist(), rate.tolist(), strict=True):
                epoch, batch = divmod(s, per_epoch)
                seconds = batch // 5
                clock = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
                log.write(
                    f"Epoch {epoch + 1}/10: {100 * batch // per_epoch:3d}%|████      | {batch + 1}/{per_epoch} "
                    f"[{clock}<0:00:00,  5.00batch/s, loss={value:.4f}, avg={value:.4f}, lr={r:.2e}, step={s + 1}]\r"
                )
    return steps


SIMULATED: dict[str, Callable[[int], None]] = {
    "nulls": nulls, "faults": faults, "schedules": schedules, "spikes": spikes, "overfitting": overfit,
    "memory": memory,
}  # fmt: skip
REAL: dict[str, Callable[[Path], None]] = {"forecast": forecasts, "files": files, "speed": speed}


def main() -> None:
    """Print the tables asked for, all of them without a name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", help="tables to print, all of them where none is named")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--data", type=Path, default=HERE.parent / "shared" / "data" / "runs")
    parser.add_argument("--folder", type=Path, help="real histories with labels.csv, for the table histories")
    given = parser.parse_args()
    known = (*REAL, *SIMULATED, "histories")
    unknown = set(given.tables) - {*known}
    if unknown:
        parser.error(f"unknown tables {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    wanted = given.tables or [*REAL, *SIMULATED]
    if "histories" in wanted:
        if given.folder is None:
            parser.error("histories needs --folder, a folder of logs with labels.csv")
        histories(given.folder)
    for name in (name for name in (*REAL, *SIMULATED) if name in wanted):
        if name in SIMULATED:
            SIMULATED[name](given.runs)
        elif given.data.is_dir():
            REAL[name](given.data)
        else:
            print(f"\n{name}: needs the real logs, which are not in {given.data}")


if __name__ == "__main__":
    main()

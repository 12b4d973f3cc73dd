"""How long the report of the reference log takes, beside a plain script in the same minute; a table of `judging.py`."""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import zstandard

LINE = re.compile(r"loss=([\d.]+), avg=([\d.]+), lr=([\d.e+-]+), step=(\d+)")
ROUNDS = 3


def speed(data: Path) -> None:
    """Wall and processor seconds of `isang report` and of the plain script in turn, and the most memory of a report."""
    path = data / "training_20260105_090738.log.zst"
    with tempfile.TemporaryDirectory() as folder:
        report = [sys.executable, "-m", "isang", "report", str(path), "--overwrite", "--out", f"{folder}/report"]
        script = [sys.executable, __file__, str(path), f"{folder}/plain.png"]
        _timed(report)
        memory = getrusage(RUSAGE_CHILDREN).ru_maxrss // 1024  # before any other child
        times = [(*_timed(report), *_timed(script)) for _ in range(ROUNDS)]
    wall, used, plain_wall, plain_used = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"\nSpeed, reference log, median of {ROUNDS}: whole report {wall:.2f} s ({used:.2f} s of processor time), "
          f"{memory} MB at most (targets 2.5 s, 300 MB)")  # fmt: skip
    print(f"  a plain script (one expression per line, one PNG of six plots): {plain_wall:.2f} s ({plain_used:.2f} s); "
          f"ratio {wall / plain_wall:.2f} of the time, {used / plain_used:.2f} of the processor time")  # fmt: skip


def _timed(command: list[str]) -> tuple[float, float]:
    before, start = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after, end = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    return end - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _plain_script(log: Path, picture: Path) -> None:
    """What people write: every line through one expression, every point into six plots."""
    import matplotlib.pyplot as plt

    text = zstandard.ZstdDecompressor().stream_reader(log.read_bytes()).read().decode("utf-8")
    found = [match.groups() for line in re.split(r"[\r\n]+", text) if (match := LINE.search(line))]
    losses, steps = [float(row[0]) for row in found], [int(row[3]) for row in found]
    figure, axes = plt.subplots(3, 2, figsize=(15, 14.4))
    for place in axes.flat:
        place.plot(steps, losses, linewidth=0.5)
        place.grid(True, alpha=0.3)
    figure.tight_layout()
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    _plain_script(Path(sys.argv[1]), Path(sys.argv[2]))

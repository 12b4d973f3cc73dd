"""Following a log whose sessions stay open for long: memory, lines per second, time of a look and of a save.

    python benchmarks/following_memory.py MODEL LOG [--copies 4] [--rest 5]

MODEL was trained on logs like the HDFS log LOG, a .zst file. Each line is written `--copies` times, with different
names of blocks. All but the last `--rest` million bytes are there at first and are caught up with; the rest comes in
pieces of 64 KiB, each of which is one look.
"""

import argparse
import io
import os
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import zstandard

from isang.artifact import load_model
from isang.detection.live import Following

PIECE_BYTES = 64 << 10


def multiply(log: Path, copies: int, into: Path) -> None:
    """Each line with its own block and with blocks that are there nowhere else."""
    prefixes = [b"", *(str(copy).encode() for copy in range(1, copies))]
    with log.open("rb") as file, into.open("wb") as out:
        for line in io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file)):
            out.writelines(re.sub(rb"blk_(-?)", rb"blk_\g<1>" + prefix, line) for prefix in prefixes)


def mebibytes() -> str:
    """What the process holds, and has held at most."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    held, most = (int(status[name].split()[0]) >> 10 for name in ("VmRSS", "VmHWM"))
    return f"{held:,} MiB held, {most:,} at most"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="MODEL")
    parser.add_argument("log", type=Path, metavar="LOG")
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--rest", type=float, default=5.0, help="million bytes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        whole, log, state = (Path(name) / file for file in ("whole.log", "dfs.log", "state"))
        multiply(options.log, options.copies, whole)
        shutil.copy(whole, log)
        os.truncate(log, max(0, whole.stat().st_size - int(options.rest * 1e6)))
        with whole.open("rb") as file:
            file.seek(log.stat().st_size)
            rest = file.read()
        with log.open("rb") as file:
            lines = sum(1 for _ in file)
        following = Following(load_model(options.model), [str(log)], state=state)
        print(f"the model is loaded: {mebibytes()}; {following.rule}")
        begun = time.monotonic()
        while following.poll()[0]:
            pass
        seconds = time.monotonic() - begun
        print(f"{lines:,} lines caught up with in {seconds:.1f} s, {lines / seconds:,.0f} a second: {mebibytes()}")
        looks = []
        for start in range(0, len(rest), PIECE_BYTES):
            with log.open("ab") as file:
                file.write(rest[start : start + PIECE_BYTES])
            begun = time.monotonic()
            following.poll()
            looks.append(time.monotonic() - begun)
        print(f"a look of 64 KiB: {statistics.median(looks):.3f} s, {max(looks):.3f} at most: {mebibytes()}")
        begun = time.monotonic()
        following.save()
        print(f"a save: {time.monotonic() - begun:.2f} s, {state.stat().st_size >> 20} MiB: {mebibytes()}")
        begun = time.monotonic()
        following.finish()
        print(f"the end of all that is open: {time.monotonic() - begun:.1f} s: {mebibytes()}")
        print(f"{following.anomalies:,} of {following.sessions:,} sessions, {following.ended_early:,} ended early")


if __name__ == "__main__":
    main()

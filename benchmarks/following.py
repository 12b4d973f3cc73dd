"""Following a growing log that is rotated, by a process that is killed: what is lost, repeated, and held in memory.

    python benchmarks/following.py MODEL LOG [--lines 60000] [--kills 25] [--seed 0]

MODEL was trained on logs like the HDFS log LOG, for instance by `isang run LOG --out MODEL`. The last lines of LOG are
written in pieces that end anywhere; between them the log is rotated by renaming or by copying, and `isang detect
--follow --state` is killed with SIGKILL and started again. What all these processes printed is compared with
`isang detect` on the finished log.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import zstandard

LAST = "111111 111111 1 INFO dfs.DataBlockScanner: Verification succeeded for blk_1\n"
"""A line three years later: all sessions before it have ended. Its own goes on, and is not told."""
MOST_BYTES = 30_000
"""Written at a time."""
MOST_SECONDS = 3.0
"""Between two kills."""
QUIET_SECONDS = 12.0
"""Nothing is expected any more after so long a silence at the end."""


class Writer:
    """Writes a log piece by piece, and rotates it."""

    def __init__(self, path: Path, text: bytes, chance: random.Random) -> None:
        self._path, self._rest, self._chance = path, text, chance
        self.rotations = 0
        self._append(len(text) // 10)

    @property
    def done(self) -> bool:
        """All is written."""
        return not self._rest

    def write(self) -> None:
        """One more piece; sometimes the log is rotated after it, and the next piece comes to the new one."""
        self._append(self._chance.randrange(1, MOST_BYTES))
        if self._chance.random() < 0.03 and not self.done:
            self._append(self._rest.index(b"\n") + 1)
            self.rotations += 1
            for number in range(self.rotations, 1, -1):
                self._numbered(number - 1).rename(self._numbered(number))
            if self._chance.random() < 0.5:
                self._path.rename(self._numbered(1))
            else:
                shutil.copy(self._path, self._numbered(1))
                self._path.write_bytes(b"")
            self._append(self._chance.randrange(1, MOST_BYTES))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _append(self, size: int) -> None:
        with self._path.open("ab") as file:
            file.write(self._rest[:size])
        self._rest = self._rest[size:]


def printed(path: Path) -> list[str]:
    """The sessions of the alerts that were printed as they ended, cut lines of a killed process left out."""
    whole = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
    records = map(json.loads, whole)
    return [record["session_id"] for record in records if record.get("ended") != "goes on"]


def followed(command: list[str], writer: Writer, kills: int, chance: random.Random, out: Path) -> list[str]:
    """What processes that follow and are killed print in all."""
    for number in range(kills + 1):
        with out.open("ab") as file, subprocess.Popen(command, stdout=file) as process:
            until = time.monotonic() + chance.uniform(0.0, MOST_SECONDS) + 2
            while time.monotonic() < until or (number == kills and not writer.done):
                writer.write()
                time.sleep(0.1)
            if number == kills:
                _wait_for_silence(out)
                print(f"memory at the end: {_megabytes(process.pid)} MiB at most")
                process.terminate()
            process.kill() if number < kills else process.wait()
    return printed(out)


def _wait_for_silence(path: Path) -> None:
    size, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        if path.stat().st_size != size:
            size, since = path.stat().st_size, time.monotonic()
        time.sleep(0.2)


def _megabytes(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) // 1024


def main() -> None:
    """Print what was lost and what came twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="MODEL")
    parser.add_argument("log", type=Path, metavar="LOG")
    parser.add_argument("--lines", type=int, default=60_000)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with options.log.open("rb") as file:
        lines = zstandard.ZstdDecompressor().stream_reader(file).read().splitlines(keepends=True)
    text = b"".join(lines[-options.lines :]) + LAST.encode()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        finished, growing = folder / "finished.log", folder / "growing" / "dfs.log"
        finished.write_bytes(text)
        growing.parent.mkdir()
        detect = [sys.executable, "-m", "isang", "detect", str(options.model)]
        with (folder / "expected").open("wb") as file:
            subprocess.run([*detect, str(finished), "--json"], stdout=file, stderr=subprocess.DEVNULL, check=True)
        expected = printed(folder / "expected")
        writer = Writer(growing, text, chance)
        command = [*detect, str(growing.parent), "--follow", "--json", "--state", str(folder / "state")]
        found = Counter(followed(command, writer, options.kills, chance, folder / "found"))
        print(f"{options.lines:,} lines, {writer.rotations} rotations, {options.kills} kills")
        print(f"{len(expected)} anomalies in the finished log, {len(found)} told")
        print(f"lost {len(set(expected) - set(found))}, others {len(set(found) - set(expected))}, ", end="")
        print(f"told again {found.total() - len(found)}")


if __name__ == "__main__":
    main()

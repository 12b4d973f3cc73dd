"""Following a growing log that is rotated, by a process that is killed: what is lost, repeated and changed.

    python benchmarks/following.py MODEL LOG [--lines 30000] [--kills 30] [--seed 0]

MODEL was trained on logs like the HDFS log LOG, a .zst file, for instance by `isang run LOG --out MODEL`. The last
lines of LOG are written in pieces that end anywhere. Between them the log is rotated, at a line end or within a line,
and older members are compressed. `isang detect --follow --state` is killed with SIGKILL: any time, before it has begun,
just after, and while it saves. What all these processes printed is compared with one `isang detect` over all lines. The
log is followed by its name and by its folder, and rotated by renaming and by copying and emptying. No line is taken for
a reworded one: `isang detect` can tell these by more than their words.

Sessions end after ten minutes of silence here, and lines behind so long a silence in their block are left out of the
log, because for following they would be sessions of their own.
"""

import argparse
import gzip
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import zstandard
from following_load import megabytes

LAST = b"111111 111111 1 INFO dfs.DataBlockScanner: Verification succeeded for blk_1\n"
"""A line three years later: all sessions before it have ended. Its own goes on, and is left out of the comparison."""
LAST_SESSION = LAST.split()[-1].decode()
IDLE_SECONDS = 600
MOST_BYTES = 5_000
"""Written at a time."""
ROTATED = 0.04
"""Share of the writes after which the log is rotated."""
QUIET_SECONDS = 30.0
"""Silence at the end after which nothing more is expected."""
MOMENTS = ("any time", "before it has begun", "just begun", "while it saves")
"""When a process is killed."""


class Writer:
    """Writes a log piece by piece, and rotates it."""

    def __init__(self, path: Path, text: bytes, chance: random.Random, *, copies: bool) -> None:
        self._path, self._rest, self._chance, self._copies = path, text, chance, copies
        self.rotations: Counter[str] = Counter()
        self._append(path, len(text) // 10)

    @property
    def done(self) -> bool:
        """All is written."""
        return not self._rest

    def write(self) -> None:
        """One more piece; sometimes the log is rotated before it."""
        if self._chance.random() < ROTATED and not self.done:
            self._rotate(within_line=self._chance.random() < 0.5)
        self._append(self._path, self._chance.randrange(1, MOST_BYTES))

    def _rotate(self, *, within_line: bool) -> None:
        if not within_line:
            self._append(self._path, self._to_line_end())
        for member in sorted(self._path.parent.glob(f"{self._path.name}.*"), key=_number, reverse=True):
            moved = member.rename(member.with_name(re.sub(r"\d+", str(_number(member) + 1), member.name, count=1)))
            if moved.suffix != ".gz" and self._chance.random() < 0.3:
                _compress(moved)
        first = self._path.with_name(f"{self._path.name}.1")
        if self._copies:
            shutil.copy(self._path, first)
            os.truncate(self._path, 0)
        else:
            self._path.rename(first)
            self._append(first, self._to_line_end())  # who writes it still has it open
        self.rotations["within a line" if within_line else "at a line end"] += 1

    def _to_line_end(self) -> int:
        return self._rest.find(b"\n") + 1

    def _append(self, path: Path, size: int) -> None:
        with path.open("ab") as file:
            file.write(self._rest[:size])
        self._rest = self._rest[size:]


def _number(member: Path) -> int:
    return int(member.name.split(".")[2])


def _compress(path: Path) -> None:
    """As gzip does."""
    beside = path.with_name(f"{path.name}.gz")
    beside.write_bytes(gzip.compress(path.read_bytes()))
    shutil.copystat(path, beside)
    path.unlink()


def without_silences(lines: list[bytes]) -> list[bytes]:
    """The lines without those that follow a silence of IDLE_SECONDS in their block."""
    heard: dict[bytes, float] = {}
    kept = []
    for line in lines:
        written = datetime.strptime(line[:13].decode(), "%y%m%d %H%M%S").timestamp()
        blocks = re.findall(rb"blk_-?\d+", line)
        if all(written - heard.setdefault(block, written) < IDLE_SECONDS for block in blocks):
            heard.update(dict.fromkeys(blocks, written))
            kept.append(line)
    return kept


def printed(path: Path) -> list[dict[str, Any]]:
    """The alerts of ended sessions but the last; lines that a killed process left cut are none."""
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            print("a line was cut")
    return [record for record in records if record.get("ended") != "goes on" and record["session_id"] != LAST_SESSION]


def told(record: dict[str, Any]) -> str:
    """What an alert says of its session, apart from where its lines stand."""
    return json.dumps([record[name] for name in ("start", "end", "events", "score", "detectors")])


def followed(command: list[str], state: Path, writer: Writer, kills: int, chance: random.Random, out: Path) -> None:
    """Let processes follow, be killed and follow again until all alerts are reported."""
    moments = ["any time", *(MOMENTS[number % len(MOMENTS)] for number in range(kills - 1))]
    for moment in moments:
        with out.open("ab") as file, subprocess.Popen(command, stdout=file) as process:
            _until(moment, state, writer, chance)
            if process.poll() is not None:
                raise SystemExit(f"following ended by itself with code {process.returncode}")
            process.kill()
        for partial in state.parent.glob("*.partial"):
            partial.unlink()
    with out.open("ab") as file, subprocess.Popen(command, stdout=file) as process:
        while not writer.done:
            writer.write()
            time.sleep(0.05)
        _wait_for_silence(out)
        print(f"memory at the end: {megabytes(process.pid)} MiB at most")
        process.terminate()


def _until(moment: str, state: Path, writer: Writer, chance: random.Random) -> None:
    """Write until the moment has come to kill."""
    before = state.stat().st_mtime_ns if state.exists() else 0
    if moment == "before it has begun":
        time.sleep(chance.uniform(0.0, 0.1))
        return
    until = time.monotonic() + 60
    while (not state.exists() or state.stat().st_mtime_ns == before) and time.monotonic() < until:
        if before:  # what is rotated away before a log was followed for the first time is no part of it
            writer.write()
        time.sleep(0.1)
    if moment == "just begun":
        time.sleep(chance.uniform(0.0, 0.1))
    elif moment == "while it saves":
        until = time.monotonic() + 10
        writer.write()
        while not list(state.parent.glob("*.partial")) and time.monotonic() < until:
            time.sleep(0.0002)
    else:
        until = time.monotonic() + chance.uniform(0.0, 3.0)
        while time.monotonic() < until:
            writer.write()
            time.sleep(chance.uniform(0.0, 0.2))


def _wait_for_silence(path: Path) -> None:
    size, since = -1, time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        if path.stat().st_size != size:
            size, since = path.stat().st_size, time.monotonic()
        time.sleep(0.2)


def compared(expected: list[dict[str, Any]], found: list[dict[str, Any]]) -> str:
    """What is lost, more, repeated and changed."""
    known = {record["session_id"]: told(record) for record in expected}
    times = Counter(record["session_id"] for record in found)
    changed = {record["session_id"] for record in found if known.get(record["session_id"]) not in (None, told(record))}
    return (
        f"{len(known)} alerts over all lines, {len(times)} told: lost {len(known.keys() - times.keys())}, "
        f"others {len(times.keys() - known.keys())}, told again {times.total() - len(times)}, changed {len(changed)}"
    )


def main() -> None:
    """Print what was lost and what came twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="MODEL")
    parser.add_argument("log", type=Path, metavar="LOG")
    parser.add_argument("--lines", type=int, default=30_000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="'file renamed', 'file copied', 'folder renamed' or 'folder copied'")
    options = parser.parse_args()
    with options.log.open("rb") as file:
        lines = zstandard.ZstdDecompressor().stream_reader(file).read().splitlines(keepends=True)
    text = b"".join([*without_silences(lines[-options.lines :]), LAST])
    detect = [sys.executable, "-m", "isang", "detect", str(options.model), "--no-rewordings"]  # which see whole logs
    for what, how in itertools.product(("file", "folder"), ("renamed", "copied")):
        if options.only not in (None, f"{what} {how}"):
            continue
        chance = random.Random(options.seed)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            finished, growing = folder / "finished.log", folder / "growing" / "dfs.log"
            finished.write_bytes(text)
            growing.parent.mkdir()
            with (folder / "expected").open("wb") as file:
                subprocess.run([*detect, str(finished), "--json"], stdout=file, stderr=subprocess.DEVNULL, check=True)
            state, out = folder / "place" / "state", folder / "found"
            writer = Writer(growing, text, chance, copies=how == "copied")
            named = str(growing if what == "file" else growing.parent)
            command = [*detect, named, "--follow", "--json", "--idle", f"{IDLE_SECONDS}s", "--state", str(state)]
            followed(command, state, writer, options.kills, chance, out)
            print(f"{what}, {how}: {text.count(10):,} lines, {options.kills} kills, rotations {dict(writer.rotations)}")
            print(compared(printed(folder / "expected"), printed(out)), flush=True)


if __name__ == "__main__":
    main()

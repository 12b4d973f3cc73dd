"""Following many files at once: processor time, lag from a line to its alert, memory.

    python benchmarks/following_load.py MODEL [--files 48] [--rate 1000] [--seconds 60] [--command detect|serve]

MODEL was trained on the recorded sample (`isang demo`). The sample's requests are played into as many files as asked
for, with the times of now and identifiers of their own, each in its own rhythm, at `--rate` lines per second in all.
Twice a second a line is written that was never seen before; the lag is the time until its alert is printed.
"""

import argparse
import heapq
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import IO

import zstandard

from isang import samples

TIME = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d{3})Z?")
KEY = re.compile(r"\b[0-9a-f]{10}\b")
LOGS = ("api", "catalogue", "gateway-access", "orders", "payment", "stock")
TICK_SECONDS = 0.05
EARLIER_SECONDS = 10.0
"""Share of the logs that exists when following begins."""
MARK = "the reactor core reports plasma leak"


def requests() -> list[list[tuple[float, str, str]]]:
    """The lines (seconds since its first, log, line) of each request that no fault touched, as requests began."""
    found: dict[str, list[tuple[datetime, str, str]]] = {}
    lines = []
    for path in samples.shop().logs:
        name = path.name.removesuffix(".log.zst")
        if name in LOGS:
            text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode()
            lines += [(match[0], name, line) for line in text.split("\n") if (match := TIME.search(line))]
    written = [(text.replace(" ", "T").replace(",", ".").removesuffix("Z"), name, line) for text, name, line in lines]
    for text, name, line in sorted(written, key=itemgetter(0)):
        if text < "2026-11-23T11:46" and (key := KEY.search(line)):
            found.setdefault(key[0], []).append((datetime.fromisoformat(text), name, line))
    return [
        [((moment - lines[0][0]).total_seconds(), name, line) for moment, name, line in lines]
        for lines in found.values()
    ]


def played(chance: random.Random, shops: int, rate: float) -> Iterator[tuple[float, str, str]]:
    """(second, file, line) for ever, in the order of their times: requests of several shops, each in its own rhythm."""
    known = requests()
    apart = sum(map(len, known)) / len(known) / rate
    waiting: list[tuple[float, int, str, str]] = []
    begins, number = 0.0, 0
    while True:
        shop, key = chance.randrange(shops), f"{chance.randrange(16**10):010x}"
        for since, name, line in chance.choice(known):
            heapq.heappush(waiting, (begins + since, number, f"{name}-{shop}", KEY.sub(key, line)))
            number += 1
        begins += chance.expovariate(1 / apart)
        while waiting and waiting[0][0] <= begins:
            second, _, name, line = heapq.heappop(waiting)
            yield second, name, line


class Written:
    """Files to which the lines are written as they are due, with the times of now."""

    def __init__(self, folder: Path, chance: random.Random, files: int, rate: float, begin: float) -> None:
        self.files: dict[str, IO[str]] = {}
        self.lines = 0
        self._folder, self._begin = folder, begin
        self._played = played(chance, max(1, files // len(LOGS)), rate)
        self._next = next(self._played)

    def until(self, now: float) -> None:
        """Write what is due."""
        texts: dict[str, list[str]] = {}
        while self._begin + self._next[0] <= now:
            second, file, line = self._next
            texts.setdefault(file, []).append(stamped(line, self._begin + second))
            self._next = next(self._played)
            self.lines += 1
        for file, some in texts.items():
            self.write(file, "\n".join([*some, ""]))

    def write(self, file: str, text: str) -> None:
        """Write to one of the files."""
        if file not in self.files:
            self.files[file] = (self._folder / f"{file}.log").open("a", buffering=1 << 20)
        self.files[file].write(text)
        self.files[file].flush()


def stamped(line: str, now: float) -> str:
    """The line as if it were written now."""
    moment = datetime.fromtimestamp(now, UTC)

    def written(match: re.Match[str]) -> str:
        text = f"{moment:%Y-%m-%dT%H:%M:%S}{match[1][0]}{moment.microsecond // 1000:03d}"
        return text.replace("T", match[0][10]) + ("Z" if match[0].endswith("Z") else "")

    return TIME.sub(written, line, count=1)


class Alerts:
    """When the alerts of the marks were printed."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.seen: dict[str, float] = {}
        """By mark, where each anomaly is printed."""
        self.counted: list[float] = []
        """Times at which the n-th session of an incident was printed, if incidents are printed."""
        self.all = 0
        assert process.stdout is not None
        self._stream = process.stdout
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the process has printed its last line."""
        self._thread.join()

    def _read(self) -> None:
        while line := self._stream.readline():
            self.all += 1
            if MARK.encode() not in line:
                continue
            for symptom in json.loads(line).get("symptoms", ()):
                if symptom["template"].startswith(MARK):
                    self.counted += [time.time()] * (symptom["sessions"] - len(self.counted))
            for mark in re.findall(rb"leak at ([0-9a-f]{10})", line):
                self.seen.setdefault(mark.decode(), time.time())

    def delays(self, marks: Mapping[str, float]) -> list[float]:
        """Seconds from each mark to its alert, sorted; with incidents, the n-th mark counts when they hold n
        sessions."""
        if self.counted:
            told = [*self.counted, *[float("inf")] * len(marks)]
            return sorted(at - sent for at, sent in zip(told, sorted(marks.values()), strict=False))
        return sorted(self.seen.get(mark, float("inf")) - at for mark, at in marks.items())


def processor_seconds(process: int) -> float:
    """Of a process and all its threads."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(process: int) -> int:
    """Most memory so far."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) // 1024


def command_of(kind: str, model: Path, folder: Path) -> list[str]:
    """What follows the folder and prints JSON lines."""
    start = [sys.executable, "-m", "isang"]
    if kind == "detect":
        return [*start, "detect", str(model), str(folder), "--follow", "--json", "--idle", "5s"]
    home = str(folder.parent / "home")
    return [
        *start,
        "serve",
        str(model),
        str(folder),
        "--home",
        home,
        "--stdout",
        "--idle",
        "5s",
        "--listen",
        "127.0.0.1:0",
    ]


def main() -> None:
    """Print one line of figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="MODEL")
    parser.add_argument("--files", type=int, default=48)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--warm", type=float, default=20.0)
    parser.add_argument("--command", choices=("detect", "serve"), default="detect")
    options = parser.parse_args()
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "logs"
        folder.mkdir()
        begin = time.time()
        written = Written(folder, chance, options.files, options.rate, begin - EARLIER_SECONDS)
        written.until(begin)
        with subprocess.Popen(command_of(options.command, options.model, folder), stdout=subprocess.PIPE) as process:
            alerts = Alerts(process)
            marks: dict[str, float] = {}
            before, start = 0.0, 0.0
            while time.time() < begin + options.warm + options.seconds:
                written.until(time.time())
                if time.time() > begin + options.warm:
                    start = start or time.time()
                    before = before or processor_seconds(process.pid)
                    if len(marks) < 2 * (time.time() - start):
                        mark = f"{chance.randrange(16**10):010x}"
                        marks[mark] = time.time()
                        shop = chance.choice([file for file in written.files if file.startswith("catalogue")])
                        moment = f"{datetime.fromtimestamp(marks[mark], UTC):%Y-%m-%d %H:%M:%S},000"
                        written.write(shop, f"{moment} INFO catalogue [rid={mark}] {MARK} at {mark}\n")
                time.sleep(TICK_SECONDS)
            used, took = processor_seconds(process.pid) - before, time.time() - start
            time.sleep(3)
            lags = alerts.delays(marks)
            found = {
                "files": len(written.files),
                "lines_per_second": options.rate,
                "core_share": round(used / took, 3),
                "lag_median": round(statistics.median(lags), 3),
                "lag_99": round(lags[int(0.99 * (len(lags) - 1))], 3),
                "missed": sum(lag == float("inf") for lag in lags),
                "marks": len(lags),
                "alerts": alerts.all,
                "megabytes": megabytes(process.pid),
                "load": round(os.getloadavg()[0], 1),
            }
            print(json.dumps(found), flush=True)
            process.terminate()
            alerts.join()


if __name__ == "__main__":
    main()

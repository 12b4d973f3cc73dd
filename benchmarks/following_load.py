"""Following many files at once: processor time, lag from a line to its alert, memory.

    python benchmarks/following_load.py MODEL [--files 48] [--rate 1000] [--seconds 60] [--command detect|serve]

MODEL was trained on the recorded sample (`isang demo`). The sample's requests are played into as many files as asked
for, with the times of now and identifiers of their own, at `--rate` lines per second in all. Twice a second a line is
written that was never seen before; the lag is the time until its alert is printed.
"""

import argparse
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
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from isang import samples

TIME = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d{3})Z?")
KEY = re.compile(r"\b[0-9a-f]{10}\b")
LOGS = ("api", "catalogue", "gateway-access", "orders", "payment", "stock")
TICK_SECONDS = 0.05
MARK = "the reactor core reports plasma leak"


def requests() -> list[list[tuple[str, str]]]:
    """The lines (log, line) of each request that no fault touched, in the order in which requests began."""
    found: dict[str, list[tuple[str, str]]] = {}
    lines = []
    for path in samples.shop().logs:
        name = path.name.removesuffix(".log.zst")
        if name in LOGS:
            text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode()
            lines += [(match[0], name, line) for line in text.split("\n") if (match := TIME.search(line))]
    for time_text, name, line in sorted(lines, key=lambda item: item[0].replace("T", " ").replace(",", ".")):
        if time_text.replace("T", " ") < "2026-11-23 11:46" and (key := KEY.search(line)):
            found.setdefault(key[0], []).append((name, line))
    return list(found.values())


def played(chance: random.Random, shops: int) -> Iterator[tuple[str, str]]:
    """(file, line without its time) for ever: requests of several shops that go on side by side."""
    known, open_now = requests(), []
    while True:
        while len(open_now) < 4 * shops:
            shop, key = chance.randrange(shops), f"{chance.randrange(16**10):010x}"
            open_now.append([(f"{name}-{shop}", KEY.sub(key, line)) for name, line in chance.choice(known)])
        request = chance.choice(open_now)
        yield request.pop(0)
        if not request:
            open_now.remove(request)


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
            for mark in re.findall(rb"leak at ([0-9a-f]{10})", line):
                self.seen.setdefault(mark.decode(), time.time())


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
    lines = played(chance, max(1, options.files // len(LOGS)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "logs"
        folder.mkdir()
        files = {}

        def write(count: int) -> None:
            texts: dict[str, list[str]] = {}
            now = time.time()
            for number in range(count):
                file, line = next(lines)
                texts.setdefault(file, []).append(stamped(line, now - (count - number) / options.rate))
            for file, some in texts.items():
                if file not in files:
                    files[file] = (folder / f"{file}.log").open("a", buffering=1 << 20)
                files[file].write("\n".join([*some, ""]))
                files[file].flush()

        write(100 * options.files)
        with subprocess.Popen(command_of(options.command, options.model, folder), stdout=subprocess.PIPE) as process:
            alerts = Alerts(process)
            begin = time.time()
            written, marks, before, start = 0, {}, 0.0, 0.0
            while time.time() < begin + options.warm + options.seconds:
                write(int((time.time() - begin) * options.rate) - written)
                written = max(written, int((time.time() - begin) * options.rate))
                if time.time() > begin + options.warm:
                    start = start or time.time()
                    before = before or processor_seconds(process.pid)
                    if len(marks) < 2 * (time.time() - start):
                        mark = f"{chance.randrange(16**10):010x}"
                        marks[mark] = time.time()
                        shop = chance.choice([file for file in files if file.startswith("catalogue")])
                        moment = f"{datetime.fromtimestamp(marks[mark], UTC):%Y-%m-%d %H:%M:%S},000"
                        files[shop].write(f"{moment} INFO catalogue [rid={mark}] {MARK} at {mark}\n")
                        files[shop].flush()
                time.sleep(TICK_SECONDS)
            used, took = processor_seconds(process.pid) - before, time.time() - start
            time.sleep(3)
            lags = sorted(alerts.seen.get(mark, float("inf")) - at for mark, at in marks.items())
            print(
                json.dumps(
                    {
                        "files": len(files),
                        "lines_per_second": options.rate,
                        "core_share": round(used / took, 3),
                        "lag_median": round(statistics.median(lags), 3),
                        "lag_99": round(lags[int(0.99 * (len(lags) - 1))], 3),
                        "missed": sum(lag == float("inf") for lag in lags),
                        "marks": len(lags),
                        "alerts": alerts.all,
                        "megabytes": megabytes(process.pid),
                    }
                ),
                flush=True,
            )
            process.terminate()
            alerts.join()


if __name__ == "__main__":
    main()

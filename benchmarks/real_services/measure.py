"""What isang makes of the recorded services: how it reads them, compares them and learns them.

    python benchmarks/real_services/measure.py --data FOLDER [--half development|held_back] [SERVICE...]

FOLDER is what record.py wrote. Prints Markdown: a table of reading and one of the failures. By service:

- reading: the layouts of its files and the key that `isang prepare` proposes, the share of lines with a time,
  templates, and of the third good run's lines how many per 1,000 have a template that the first two lack;
- `isang compare good-1 good-2 --with good-3`: incidents; `isang compare good-1 good-2 good-3 --with bad`: the place of
  the first incident that shows a line of the failure, of how many;
- `isang run good-1 good-2` (`--no-encoder`, or a training of `--max-minutes`), then `isang detect` on good-3 and on
  bad: the same two figures;
- beside them what two simple ways say: new clusters of Drain3 0.9.11 and lines with a word of failure (`grep`), on
  good-3 how many there are, on bad the place of the first telling one.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from services import SERVICES

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from parsing import drain3_miner
from reading import records, templates_of

from isang.detection.comparison.compare import compare

HALVES = {"development": 0, "held_back": 1}
"""Every second service by name."""
FAILURE_WORDS = re.compile(r"(?i)error|fail|fatal|critical|denied|refused|time.?out|exception|warn")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("services", nargs="*", metavar="SERVICE")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--half", choices=HALVES, default="development")
    parser.add_argument("--without-training", action="store_true", help="leave isang run and isang detect out")
    parser.add_argument("--max-minutes", type=float, help="train an encoder, for so long  [default: none is trained]")
    options = parser.parse_args()
    training = ["--max-minutes", options.max_minutes] if options.max_minutes else ["--no-encoder"]
    if options.without_training:
        training = []
    names = options.services or half(options.half)
    found = [name for name in names if (options.data / name / "bad").is_dir()]
    if not found:
        parser.error(f"{options.data} has none of {', '.join(names)}; record them with record.py")
    heads = ("service", "lines", "layouts", "with time", "key", "templates", "unseen per 1,000 on good-3")
    print(row(heads) + f"|{' --- |' * len(heads)}")
    for name in found:
        print(row(reading_cells(name, options.data / name)), end="", flush=True)
    heads = (
        "service", "lines of bad, telling", "compare good-3", "compare bad, place", "CPU s", "detect good-3",
        "detect bad, place", "Drain3 good-3", "Drain3 bad, place", "grep good-3", "grep bad, place",
    )  # fmt: skip
    print("\n" + row(heads) + f"|{' --- |' * len(heads)}")
    for name in found:
        print(
            row(failure_cells(options.data / name, training)),
            end="",
            flush=True,
        )


def half(name: str) -> list[str]:
    """The services of a half."""
    return list(SERVICES)[HALVES[name] :: 2]


def row(cells: Iterable[object]) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |\n"


def reading_cells(name: str, folder: Path) -> list[object]:
    """How isang reads a service's logs."""
    shown = isang("prepare", "--dry-run", folder / "good-1")
    layouts = re.findall(r"^(\S+): (.+?)(?:; |$)", shown.split("first lines", maxsplit=1)[0], re.MULTILINE)
    session = re.search(r"^sessions: (.*)", shown, re.MULTILINE)
    logs = [records(sorted((folder / run).iterdir())) for run in ("good-1", "good-2", "good-3")]
    learned_on = pl.concat([*logs[0], *logs[1]])
    _, rules = templates_of(learned_on)
    events, _ = templates_of(later := pl.concat(logs[2]), rules)
    unseen = 1000 * float((events >= rules.templates.height).sum()) / later.height
    lines = sum(path.read_bytes().count(b"\n") for path in (folder / "good-1").iterdir())
    return [
        name, f"{lines:,}", "; ".join(f"{file}: {layout}" for file, layout in layouts) or shown[:200], timed(shown),
        session[1] if session else "-", f"{rules.templates.height:,} of {learned_on.height:,} lines", f"{unseen:.1f}",
    ]  # fmt: skip


def timed(shown: str) -> str:
    """Of the first lines that the preview shows, how many have a time."""
    lines = re.findall(r"^ {2}\S+:\d+ {2}(.*)", shown, re.MULTILINE)
    return f"{sum(bool(re.match(r'[0-9]{4}-', line)) for line in lines)} of {len(lines)} shown"


def failure_cells(folder: Path, training: Sequence[object]) -> list[object]:
    """What is found of a service's failure."""
    telling = re.compile(SERVICES[folder.name].telling)
    good, last, bad = [folder / "good-1", folder / "good-2"], folder / "good-3", folder / "bad"
    counts = [
        sum(
            bool(telling.search(line))
            for path in run.iterdir()
            for line in path.read_text(errors="replace").splitlines()
        )
        for run in (*good, last, bad)
    ]
    quiet = compared(good, last)
    started = time.process_time()
    loud = compared([*good, last], bad)
    seconds = time.process_time() - started
    cells: list[object] = [
        folder.name, f"{counts[-1]:,}" + (f" (good {sum(counts[:-1])})" if sum(counts[:-1]) else ""), len(quiet),
        place(loud, telling), f"{seconds:.1f}",
    ]  # fmt: skip
    cells += trained_cells(good, last, bad, telling, training) if training else ["", ""]
    return [*cells, *drain3_cells(good, last, bad, telling), *grep_cells(last, bad, telling)]


def compared(good: Sequence[Path], run: Path) -> list[dict[str, Any]]:
    """The incidents that isang compare finds."""
    return [incident.to_dict() for incident in compare([str(each) for each in good], [str(run)]).incidents]


def trained_cells(
    good: Sequence[Path], last: Path, bad: Path, telling: re.Pattern[str], training: Sequence[object]
) -> list[object]:
    """What a detector that learned the first two good runs finds on the third and on the bad one."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        isang("run", *good, "--out", out, *training)
        quiet, loud = (found_by("detect", out, run) for run in (last, bad))
    return [len(quiet) if isinstance(quiet, list) else quiet, place(loud, telling)]


def isang(*arguments: object) -> str:
    """What a command of isang prints."""
    done = subprocess.run(
        [sys.executable, "-m", "isang", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"isang {' '.join(map(str, arguments))}\n{done.stderr[-1500:]}", file=sys.stderr)
    return done.stdout if done.returncode == 0 else f"failed: {done.stderr.strip().splitlines()[-1:]}"


def found_by(*arguments: object) -> list[dict[str, Any]]:
    """The incidents that a command finds."""
    with tempfile.TemporaryDirectory() as scratch:
        printed = isang(*arguments, "--out", Path(scratch) / "found")
        written = Path(scratch) / "found" / "incidents.json"
        if not written.exists():
            print(f"no incidents: {printed[:300]}", file=sys.stderr)
            return []
        return json.loads(written.read_text())["incidents"]


def place(incidents: Sequence[dict[str, Any]], telling: re.Pattern[str]) -> str:
    """The place of the first incident that shows a telling line, and of how many."""
    for number, incident in enumerate(incidents, 1):
        if any(telling.search(text) for text in texts({name: incident.get(name) for name in ("reasons", "examples")})):
            return f"{number} of {len(incidents)}"
    return f"- of {len(incidents)}"


def texts(value: object) -> Iterable[str]:
    """Every raw line within an incident."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("text", "raw") and isinstance(inner, str):
                yield inner
            else:
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from [inner] if isinstance(inner, str) else texts(inner)


def raw_lines(run: Path) -> list[str]:
    """All lines of a run, file by file."""
    return [line for path in sorted(run.iterdir()) for line in path.read_text(errors="replace").splitlines() if line]


def drain3_cells(good: Sequence[Path], last: Path, bad: Path, telling: re.Pattern[str]) -> list[object]:
    """New clusters of Drain3, with isang's masks, on good-3; the place of the first telling one on bad."""
    cells: list[object] = []
    for learned, run in ((good, last), ([*good, last], bad)):
        miner = drain3_miner(masked=True)
        for line in (line for each in learned for line in raw_lines(each)):
            miner.add_log_message(line)
        known, new = {cluster.cluster_id for cluster in miner.drain.clusters}, list[int]()
        first = ""
        for line in raw_lines(run):
            cluster = miner.add_log_message(line)["cluster_id"]
            if cluster not in known and cluster not in new:
                new.append(cluster)
            if not first and cluster in new and telling.search(line):
                first = str(new.index(cluster) + 1)
        cells.append(len(new) if run == last else f"{first or '-'} of {len(new)}")
    return cells


def grep_cells(last: Path, bad: Path, telling: re.Pattern[str]) -> list[object]:
    """Lines with a word of failure: how many on good-3; the place of the first telling one on bad."""
    quiet, loud = ([line for line in raw_lines(run) if FAILURE_WORDS.search(line)] for run in (last, bad))
    first = next((str(number) for number, line in enumerate(loud, 1) if telling.search(line)), "-")
    return [len(quiet), f"{first} of {len(loud)}"]


if __name__ == "__main__":
    main()

"""Twelve days of a shop with normal novelties that come again and an operator who answers a day late.

    python benchmarks/lifecycle_shop.py WORK [--seed 0]

The recorded shop: its first half, free of faults, is learned; the second half, thirteen faults, becomes twelve days
of equal length. Into it are written (synthetic) what real systems bring and nobody wants to hear of twice: a stock
count by night, a voucher in some orders from the third day on, a slow partner whose quote is asked for again, one
customer who imports a list, and from the seventh day on a release that words seven lines of every day in another way.
Each day is judged by `isang detect --out`; the operator answers each incident a day later with `isang feedback`, by the
truth: an incident is an anomaly where a fault touched half of its sessions or more, or, if it has none, lasted
meanwhile; any other is normal. Policies:

- none: no answers;
- template: an incident whose leading line was called normal is never told again, whatever else it shows;
- everything: a new model each day of all that came so far, no answers;
- isang: answers, and after every fourth day a new model of what came, without the sessions of incidents that are told,
  but with those that were called normal.

Commands run as a user runs them, without encoder. Prints Markdown.
"""

import argparse
import csv
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard
from fingerprints import reworded

from isang.samples import shop
from isang.service.demo import lines_of

DAYS, RELEASE, VOUCHER = 12, 7, 3
RETRAINED_EVERY = 4
AFTER = timedelta(seconds=15)
"""Incidents of the log as a whole may begin so long after a fault."""
_ID = re.compile(r"\b[0-9a-f]{10}\b")
Line = tuple[float, str, str]


def main() -> None:
    """Write the days, run every policy, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    work: Path = options.work
    days = written(work, random.Random(options.seed))
    first = work / "logs" / "learned"
    learn([first], work / "models" / "first")
    told = {
        "isang": policy(work, "isang", days, answering=True, retraining="flagged"),
        "everything, each day": policy(work, "everything", days, retraining="all"),
        "none": policy(work, "none", days),
    }
    told["template alone"] = by_template(told["none"])
    print(*table(told, days), sep="\n")


def written(work: Path, draw: random.Random) -> list[dict[str, set[str]]]:
    """Write the logs; of each day, the requests that each fault touched."""
    sample = shop()
    with sample.faults.open() as file:
        begin = min(datetime.fromisoformat(row["start"]) for row in csv.DictReader(file))
    fault = (begin - begin.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    lines = lines_of(sample, None)
    end = lines[-1][0] + 1e-6
    day_of = [0 if second < fault else 1 + int((second - fault) / (end - fault) * DAYS) for second, _, _ in lines]
    touched: list[dict[str, set[str]]] = [{} for _ in range(DAYS + 1)]
    day_of_request = {}
    for (_, _, line), day in zip(lines, day_of, strict=True):
        for request in _ID.findall(line):
            day_of_request[request] = day
    labels = zstandard.ZstdDecompressor().stream_reader(sample.labels.open("rb")).read().decode().splitlines()
    for row in csv.DictReader(labels):
        if row["anomalous"] == "true":
            day = day_of_request.get(row["request_id"], 0)
            touched[day].setdefault(row["fault"], set()).add(row["request_id"])
    for day in range(DAYS + 1):
        own = [line for line, of in zip(lines, day_of, strict=True) if of == day]
        folder = work / "logs" / ("learned" if day == 0 else f"day_{day:02}")
        if not folder.exists():
            write(folder, own if day == 0 else with_novelties(own, day, draw))
    return touched[1:]


def write(folder: Path, lines: Iterable[Line]) -> None:
    """One log for each program."""
    folder.mkdir(parents=True)
    of_program: dict[str, list[str]] = {}
    for _, program, line in lines:
        of_program.setdefault(program, []).append(line)
    for program, own in of_program.items():
        (folder / f"{program}.log").write_text("".join(f"{line}\n" for line in own))


def with_novelties(lines: Sequence[Line], day: int, draw: random.Random) -> list[Line]:
    """The lines of a day with what is new and normal on it."""
    found: list[Line] = []
    requests = sorted({match[0] for _, program, line in lines if program == "orders" and (match := _ID.search(line))})
    vouchers = {*draw.sample(requests, len(requests) // 25)} if day >= VOUCHER else set()
    asked_again = {*draw.sample(requests, len(requests) // 60)}
    for second, program, line in lines:
        found.append((second, program, reworded(line) if day >= RELEASE else line))
        match = _ID.search(line) if program == "orders" else None
        if match is None:
            continue
        if match[0] in vouchers:
            vouchers.discard(match[0])
            found.append(
                order_line(second, match[0], "Voucher.VoucherDesk", f"Voucher V{draw.randrange(9000)} of 10 % taken")
            )
        if match[0] in asked_again:
            asked_again.discard(match[0])
            found.append(
                order_line(second, match[0], "Delivery.QuoteDesk", "Quote of partner late, asked again", "WARN")
            )
    begin, length = lines[0][0], lines[-1][0] - lines[0][0]
    for number in range(3):  # counts by night
        at, count = begin + length * (0.2 + 0.3 * number), f"{draw.randrange(16**10):010x}"
        for step in (
            "Stock count started",
            f"Shelf {draw.randrange(90)} counted: {draw.randrange(900)} pieces",
            "Stock count finished",
        ):
            found.append(order_line(at, count, "Count.Night", step))
            at += 0.01
    importer = f"{draw.randrange(16**10):010x}"
    for row in range(draw.randrange(40, 90)):
        at = begin + length * 0.5 + row * 0.004
        found.append(
            order_line(at, importer, "Import.ListReader", f"Row {row} of the list read: {draw.randrange(900)} pieces")
        )
    return sorted(found, key=lambda one: one[0])


def order_line(second: float, request: str, logger: str, message: str, level: str = "INFO") -> Line:
    """A line as the orders service writes it."""
    at = datetime(2026, 11, 23) + timedelta(seconds=second)
    text = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}  {level} [orders,{request}] 42 --- [Thread-9] "
    return second, "orders", f"{text}c.shop.orders.{logger} : {message}"


def isang(*arguments: str) -> None:
    """Run a command; what it says is shown where it fails."""
    done = subprocess.run([sys.executable, "-m", "isang", *arguments], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"isang {' '.join(arguments)}: {done.stderr}")


def learn(logs: Sequence[Path], out: Path) -> None:
    """A model of logs."""
    if out.exists():
        return
    settings = out.parent / "settings.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("[model]\nencoder = false\n\n[training]\ntrain_fraction = 0.9\n")
    isang("run", *map(str, logs), "--out", str(out), "--config", str(settings))


def policy(
    work: Path,
    name: str,
    days: Sequence[dict[str, set[str]]],
    *,
    answering: bool = False,
    retraining: str | None = None,
) -> list[list[dict[str, Any]]]:
    """What is told on each day: incidents with `real`, the faults whose requests are among its sessions."""
    model = work / name / "model_00"  # answers stand beside it
    shutil.rmtree(work / name, ignore_errors=True)
    shutil.copytree(work / "models" / "first", model)
    answers: list[tuple[str, Path, str]] = []
    told, kept = [], [work / "logs" / "learned"]
    for day, touched in enumerate(days, 1):
        logs, out = work / "logs" / f"day_{day:02}", work / name / f"day_{day:02}"
        for verdict, result, fingerprint in answers:  # of yesterday
            isang("feedback", str(model), f"--{verdict}", fingerprint, "--result", str(result))
        answers = []
        isang("detect", str(model), str(logs), "--out", str(out))
        incidents = [
            told_on(day, one, out, touched) for one in json.loads((out / "incidents.json").read_text())["incidents"]
        ]
        told.append(incidents)
        if answering:
            answers = [("anomaly" if one["real"] else "normal", out, one["fingerprint"]) for one in incidents]
        kept.append(
            logs if retraining == "all" else without(logs, out, incidents, work / name / "kept" / f"day_{day:02}")
        )
        if retraining == "all" or (retraining == "flagged" and day % RETRAINED_EVERY == 0):
            new = work / name / f"model_{day:02}"
            learn(kept, new)
            ledger = next(iter(model.rglob("feedback.jsonl")), None)
            if ledger is not None:
                place = new / ledger.relative_to(model)
                place.write_bytes(ledger.read_bytes())
            model = new
    return told


def told_on(day: int, incident: dict[str, Any], out: Path, touched: dict[str, set[str]]) -> dict[str, Any]:
    """What matters of an incident."""
    records = [json.loads(line) for line in (out / "anomalies.jsonl").read_text().splitlines()]
    sessions = {one["session_id"] for one in records if one["incident"] == incident["fingerprint"]}
    real = {fault for fault, requests in touched.items() if requests & sessions}
    if not sessions:
        real = during(incident["first_seen"], incident["last_seen"])
    elif 2 * len(set().union(*touched.values()) & sessions) < len(sessions):
        real = set()
    return {
        "day": day, "fingerprint": incident["fingerprint"], "title": incident["title"], "sessions": sessions,
        "real": real, "template": incident["symptoms"][0]["template"],
    }  # fmt: skip


def during(first: str, last: str) -> set[str]:
    """The faults that lasted, or had just ended, at some time of an incident of the log as a whole."""
    begin, end = (datetime.fromisoformat(time) for time in (first, last))
    found = set()
    with shop().faults.open() as file:
        for row in csv.DictReader(file):
            if begin <= datetime.fromisoformat(row["end"]) + AFTER and datetime.fromisoformat(row["start"]) <= end:
                found.add(row["kind"])
    return found


def without(logs: Path, out: Path, incidents: Sequence[dict[str, Any]], kept: Path) -> Path:
    """The day's logs without the requests of incidents that are real; the operator answers before the next model."""
    flagged = set().union(*(one["sessions"] for one in incidents if one["real"])) if incidents else set()
    if kept.exists():
        return kept
    kept.mkdir(parents=True)
    for path in sorted(logs.iterdir()):
        lines = path.read_text().splitlines(keepends=True)
        (kept / path.name).write_text("".join(line for line in lines if not flagged & {*_ID.findall(line)}))
    return kept


def by_template(days: Sequence[Sequence[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """The rule of most tools, on what is told without answers."""
    quiet: set[str] = set()
    told = []
    for day in days:
        left = [one for one in day if one["template"] not in quiet]
        quiet |= {one["template"] for one in left if not one["real"]}
        told.append(left)
    return told


def table(told: dict[str, list[list[dict[str, Any]]]], days: Sequence[dict[str, set[str]]]) -> list[str]:
    """One row for each policy."""
    faults = {fault for day in days for fault in day}
    rows = [
        "| policy | false incidents by day | from the third day on, a day | their sessions | faults told | not told |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, by_day in told.items():
        false = [[one for one in day if not one["real"]] for day in by_day]
        real = set().union(*(one["real"] for day in by_day for one in day))
        later = [len(day) for day in false[2:]]
        rows.append(
            f"| {name} | {', '.join(str(len(day)) for day in false)} | {sum(later) / len(later):.1f} | "
            f"{sum(len(one['sessions']) for day in false for one in day)} | {len(real)} of {len(faults)} | "
            f"{', '.join(sorted(faults - real)) or '–'} |"
        )
    return rows


if __name__ == "__main__":
    main()

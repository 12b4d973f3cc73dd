"""SIGKILL at random moments: a result is complete or absent, and nothing temporary outlives the next start.

    python benchmarks/kills.py --kills 100 --seed 0

Each command runs once unbroken, which gives its time and its result; then it is killed at a moment drawn from that
time, its output looked at, and the command repeated, which must give the unbroken result and leave nothing else.
What follows a log has no end: it must tell the alerts of an unbroken process, of which a killed one told some, and
leave its state alone. One line a command: kills, how many came before the end, and each promise that was not kept.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.synthetic import shop_dataset, shop_labels, shop_log

SETTINGS = '[model]\npreset = "tiny"\n[training]\nmin_steps = 60\nlearning_rate = 3e-3\n'


class Command(NamedTuple):
    """One command that is killed."""

    name: str
    arguments: tuple[str, ...]
    repeat: tuple[str, ...]
    """What is added when it is repeated after a kill."""
    result: str
    """What it writes: a folder, or a file, within the place it runs in."""


COMMANDS = (
    Command("prepare", ("prepare", "shop.log", "--out", "RESULT", "--config", "isang.toml"), (), "data"),
    Command("train", ("train", "ready", "--out", "RESULT", "--config", "isang.toml"), ("--resume",), "trained"),
    Command(
        "run",
        ("run", "shop.log", "--labels", "labels.csv", "--out", "RESULT", "--config", "isang.toml"),
        ("--resume",),
        "out",
    ),
    Command("detect", ("detect", "finished", "shop.log", "--out", "RESULT"), (), "found"),
    Command("report", ("report", "curve.csv", "--out", "RESULT"), (), "report"),
    Command("export", ("export", "finished", "--out", "RESULT"), (), "model.onnx"),
)
FOLLOW = ("detect", "finished", "shop.log", "--follow", "--state", "STATE", "--idle", "1s", "--json")
QUIET_SECONDS, MOST_SECONDS = 8.0, 120.0
"""A following process is done after QUIET_SECONDS without output; it is given up after MOST_SECONDS."""
VARYING = ("seconds", "_per_second", "time", "created", "host", "pid", "memory", "version")


def place_in(folder: Path) -> None:
    """Logs, labels and settings that all commands use."""
    dataset = shop_dataset(600, anomalous_every=10)
    (folder / "shop.log").write_text(shop_log(dataset))
    (folder / "labels.csv").write_text(shop_labels(dataset))
    (folder / "isang.toml").write_text(SETTINGS)
    (folder / "curve.csv").write_text(
        "step,loss\n" + "".join(f"{step},{0.5 + 2 / (1 + step / 30):.4f}\n" for step in range(2_000))
    )


def isang(folder: Path, *arguments: str, told: Path | None = None) -> subprocess.Popen[bytes]:
    """`told`: the file to which its output is appended."""
    with Path(os.devnull if told is None else told).open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "isang", *arguments],
            cwd=folder,
            stdout=out,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )


def content(path: Path) -> dict[str, str]:
    """What a result says, without times: the text of its anomalies and incidents, the names of all other files."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return {re.sub(r"\d+", "#", str(file.relative_to(path.parent)).split("/", 1)[-1]): _said(file) for file in files}


def _said(file: Path) -> str:
    if file.name == "anomalies.jsonl":
        return file.read_text()
    if file.name == "incidents.json":
        return json.dumps(list(_stable(json.loads(file.read_text()))))
    return ""


def _stable(value: object, name: str = "") -> Iterator[object]:
    if any(part in name for part in VARYING):
        return
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _stable(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from _stable(member, name)
    elif not (isinstance(value, str) and "/" in value):
        yield value


def _difference(found: dict[str, str], wanted: dict[str, str]) -> str:
    names = [name for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name)]
    return ", ".join(names)


def broken(folder: Path, command: Command, whole: dict[str, str], seconds: float, chance: random.Random) -> list[str]:
    """Kill one attempt, repeat it, and say which promises were not kept."""
    faults = []
    result = folder / "kill" / command.result
    arguments = [str(result) if each == "RESULT" else each for each in command.arguments]
    before = {path.name for path in folder.iterdir()}
    process = isang(folder, *arguments)
    time.sleep(chance.uniform(0, seconds))
    with_result = process.poll() is not None
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        with_result = True
    process.wait()
    process.stderr.close()  # type: ignore[union-attr]
    if result.exists() and content(result) != whole:
        faults.append("half-written")
    if with_result:
        faults.append("(ended before the kill)")
    overwrite = ["--overwrite"] if result.exists() else []
    again = isang(folder, *arguments, *command.repeat, *overwrite)
    said = again.communicate()[1].decode()
    if again.returncode:
        faults.append(f"repeated: exit {again.returncode}: {said.strip().splitlines()[-1][:200]}")
    elif content(result) != whole:
        faults.append(f"repeated: another result: {_difference(content(result), whole)}")
    left = {path.name for path in folder.iterdir()} - before - {"kill"}
    left |= {path.name for path in result.parent.iterdir()} - {result.name} if result.parent.exists() else set()
    if left:
        faults.append(f"left behind: {', '.join(sorted(left))}")
    for path in sorted((folder / "kill").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return faults


def alerts(told: Path) -> set[str]:
    """The sessions that were reported; a partial line of a killed process does not count."""
    found = set()
    for line in told.read_text().splitlines() if told.exists() else ():
        try:
            found.add(json.loads(line)["session_id"])
        except ValueError:
            continue
    return found


def told_all(folder: Path, told: Path, state: Path, wanted: set[str] | None = None) -> tuple[float, str]:
    """Follow until `wanted` is reported, or nothing more comes; then end it. Returns the seconds, and what was
    wrong."""
    process = isang(folder, *(str(state) if each == "STATE" else each for each in FOLLOW), told=told)
    start = last = time.monotonic()
    size = -1
    while process.poll() is None and time.monotonic() - start < MOST_SECONDS:
        now = told.stat().st_size
        last, size = (time.monotonic(), now) if now != size else (last, size)
        if wanted is not None and wanted <= alerts(told):
            break
        if wanted is None and now and time.monotonic() - last > QUIET_SECONDS:
            break
        time.sleep(0.2)
    seconds = time.monotonic() - start - (QUIET_SECONDS if wanted is None else 0)
    process.terminate()
    said = process.communicate()[1].decode()
    wrong = "" if process.returncode == 143 else f"exit {process.returncode}: {said.strip().splitlines()[-1][:200]}"
    return seconds, wrong


def broken_following(folder: Path, wanted: set[str], seconds: float, chance: random.Random) -> list[str]:
    """The same as `broken` for a process that follows a log."""
    place = folder / "kill"
    place.mkdir(exist_ok=True)
    told, state = place / "told", place / "state"
    process = isang(folder, *(str(state) if each == "STATE" else each for each in FOLLOW), told=told)
    time.sleep(chance.uniform(0, seconds))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stderr.close()  # type: ignore[union-attr]
    _, wrong = told_all(folder, told, state, wanted)
    faults = [f"repeated: {wrong}"] if wrong else []
    if alerts(told) != wanted:
        faults.append(f"{len(wanted - alerts(told))} alerts lost, {len(alerts(told) - wanted)} told that should not be")
    left = {path.name for path in place.iterdir()} - {"told", "state"}
    if left:
        faults.append(f"left behind: {', '.join(sorted(left))}")
    for path in place.iterdir():
        path.unlink()
    return faults


def kill_following(folder: Path, kills: int, chance: random.Random) -> None:
    """Print the line of the command that follows a log."""
    place = folder / "kill"
    place.mkdir(exist_ok=True)
    seconds, wrong = told_all(folder, place / "told", place / "state")
    wanted = alerts(place / "told")
    assert wanted, wrong
    assert not wrong, wrong
    for path in place.iterdir():
        path.unlink()
    faults = [fault for _ in range(kills) for fault in broken_following(folder, wanted, seconds, chance)]
    print(f"follow: {kills} kills, all before the end, {len(wanted)} alerts; faults: {faults or 'none'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="over all commands together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=[*(command.name for command in COMMANDS), "follow"])
    options = parser.parse_args()
    chance = random.Random(options.seed)
    commands = [command for command in COMMANDS if options.only in (None, command.name)]
    kills = -(-options.kills // (len(COMMANDS) + 1 if options.only is None else 1))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        place_in(folder)
        for arguments in (
            ("prepare", "shop.log", "--out", "ready", "--config", "isang.toml"),
            ("run", "shop.log", "--labels", "labels.csv", "--out", "finished", "--config", "isang.toml"),
        ):
            assert isang(folder, *arguments).wait() == 0, arguments
        for command in commands:
            arguments = [command.result if each == "RESULT" else each for each in command.arguments]
            start = time.monotonic()
            process = isang(folder, *arguments)
            said = process.communicate()[1].decode()
            assert process.returncode == 0, said
            seconds = time.monotonic() - start
            whole = content(folder / command.result)
            faults = [broken(folder, command, whole, seconds, chance) for _ in range(kills)]
            late = sum("(ended before the kill)" in each for each in faults)
            said_faults = [fault for each in faults for fault in each if not fault.startswith("(")]
            print(
                f"{command.name}: {kills} kills, {kills - late} before the end; faults: {said_faults or 'none'}",
                flush=True,
            )
        if options.only in (None, "follow"):
            kill_following(folder, kills, chance)


if __name__ == "__main__":
    main()

"""One recording, from the empty shop to the folder with logs and truth. `record` starts it in its own namespaces."""

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import plan
import system
import truth
from faults import Director
from traffic import Traffic

WARM_UP_SECONDS = 1.5
SPARE_SECONDS = 180
"""A recording that takes this much longer than planned is ended."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environment", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--faults", default="")
    arguments = parser.parse_args()
    os.environ["TZ"] = "UTC"
    only = frozenset(filter(None, arguments.faults.split(",")))
    if unknown := only - plan.KINDS.keys():
        sys.exit(f"unknown faults: {', '.join(sorted(unknown))}; known are {', '.join(plan.KINDS)}")
    schedule = plan.make(arguments.seed, arguments.minutes, only)
    signal.alarm(int(schedule.clock(60 * arguments.minutes)) + SPARE_SECONDS)
    record(schedule, arguments.environment, arguments.out)


def record(schedule: plan.Plan, environment: Path, out: Path) -> None:
    """Open the shop, let the traffic and the faults run, close it, and write logs and truth to `out`."""
    (out / "plan.json").write_text(schedule.to_json())
    system.isolate()
    shop = system.Shop(environment)
    shop.open()
    started = time.time() + WARM_UP_SECONDS
    director = Director(schedule, shop, started)
    traffic = Traffic(schedule, started)
    director.start()
    traffic.run(_progress(schedule))
    director.join()
    if director.failure:
        raise director.failure
    effects = _effects()
    shop.close()
    shutil.copytree(system.settings.LOGS, out / "logs")
    made = truth.rows(schedule, started, traffic.outcomes, effects)
    truth.write(out, schedule, started, made)
    (out / "facts.json").write_text(json.dumps(_facts(schedule, started, traffic), indent=2) + "\n")


def _progress(schedule: plan.Plan) -> object:
    last = 0.0

    def show(planned: float, requests: int) -> None:
        nonlocal last
        if time.monotonic() - last > 15:
            last = time.monotonic()
            share = planned / (60 * schedule.minutes)
            print(f"record: {share:.0%}, {requests} requests", file=sys.stderr, flush=True)

    return show


def _effects() -> dict[str, truth.Effect]:
    with system.connect() as connection:
        return {row[0]: truth.Effect(row[1], row[2]) for row in connection.execute(truth.EFFECTS)}


def _facts(schedule: plan.Plan, started: float, traffic: Traffic) -> dict[str, object]:
    return {
        "seed": schedule.seed,
        "minutes": schedule.minutes,
        "started": truth.moment(started),
        "ended": truth.moment(time.time()),
        "first_fault": truth.moment(started + schedule.clock(schedule.faults[0].start) - plan.PAUSE_SECONDS),
        "journeys": len(schedule.journeys),
        "lost": traffic.lost,
        "programs": {
            "nginx": _said("nginx", "-v").rpartition("/")[2],
            "PostgreSQL": _said("psql", "--version").split()[2],
            "Redis": _said("redis-server", "--version").split("v=")[1].split()[0],
            "Python": platform.python_version(),
            **{name: version(name) for name in ("psycopg", "redis", "structlog", "urllib3")},
            "Linux": ".".join(platform.release().split(".")[:2]),
            "Debian": Path("/etc/debian_version").read_text().strip(),
        },
    }


def _said(*command: str) -> str:
    done = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.strip()


if __name__ == "__main__":
    main()

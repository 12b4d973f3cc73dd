"""Record logs of real services under a small load: three normal runs and one with a real fault, for each.

    sudo python3 benchmarks/real_services/record.py --out FOLDER [SERVICE...]

Needs Linux, root and Debian's packages of the services; one that is not installed is left out and said. Every recording
runs in network, mount, process and host name spaces of its own (`unshare`), reaches the loopback interface only, and
ends by itself. FOLDER/SERVICE/ then holds good-1, good-2, good-3, bad (folders of logs) and fault.json: what was done,
when, and which lines tell of it.
"""

import argparse
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path

from recording import NAMES, Recording, write_facts
from services import SERVICES

SETUP = 'ip link set lo up && hostname "$0" && mount -t tmpfs -o mode=0755 tmpfs /srv && exec "$@"'
"""What runs first inside the new name spaces."""
LONGEST_SECONDS = 240


def main() -> int:
    """Record each service in turn; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"of {', '.join(SERVICES)}  [default: all]")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=NAMES, help="one of the recordings")
    parser.add_argument("--seconds", type=float, default=10.0, help="of load in each recording  [default: 10]")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.services) - set(SERVICES):
        parser.error(f"unknown services: {', '.join(sorted(unknown))}")
    if options.inside:
        return record_here(options.services[0], options.only, options.out, options.seconds)
    failed = 0
    for name in options.services or SERVICES:
        for run in (options.only,) if options.only else NAMES:
            if status := record_apart(name, run, options.out, options.seconds):
                failed += status
                break
    return int(failed > 0)


def record_apart(name: str, run: str, out: Path, seconds: float) -> int:
    """One recording in name spaces of its own; its exit status."""
    started = time.monotonic()
    command = [
        "unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc",
        "sh", "-c", SETUP, "server-1", sys.executable, __file__, name, "--only", run,
        "--out", str(out.resolve()), "--seconds", str(seconds), "--inside",
    ]  # fmt: skip
    try:
        status = subprocess.run(command, check=False, timeout=LONGEST_SECONDS).returncode
    except subprocess.TimeoutExpired:
        status = 1
        print(f"{name} {run}: stopped after {LONGEST_SECONDS} s", file=sys.stderr)
    folder = out / name / run
    lines = sum(path.read_bytes().count(b"\n") for path in folder.glob("*") if path.is_file())
    print(
        f"{name} {run}: {lines:,} lines, {time.monotonic() - started:.0f} s{', failed' if status else ''}", flush=True
    )
    return status


def record_here(name: str, run: str, out: Path, seconds: float) -> int:
    """One recording, inside the name spaces."""
    service, logs = SERVICES[name], out / name / run
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    work = Path("/srv") / name  # a file system of this recording alone
    work.mkdir()
    recording = Recording(run, NAMES.index(run) + 1, work, logs, seconds)
    try:
        service.record(recording)
        recording.stop()
    except Exception:
        traceback.print_exc()
        printed = work / "printed.txt"
        if printed.exists():
            print(printed.read_text(errors="replace")[-3000:], file=sys.stderr)
        return 1
    finally:
        recording.stop(hard=True)
    for rest in (path for path in logs.iterdir() if path.is_dir()):
        shutil.rmtree(rest)
    if recording.bad:
        write_facts(out / name, name, service, recording.faults)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Writes constraints-hashed.txt: what constraints.txt pins, with the SHA-256 of each file that pip takes here.

    python tools/release/hashes.py

`pip install --require-hashes --no-deps -r constraints-hashed.txt` then installs these files and no others. They are
those for the platform that this runs on, which the first line names; continuous integration runs on it.
"""

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PINS, HASHED = ROOT / "constraints.txt", ROOT / "constraints-hashed.txt"


def pins(text: str) -> list[str]:
    """The lines `name==version` of a file of constraints or requirements, without hashes."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line.split()[0] for line in lines if line and not line.startswith("--hash")]


def report(wanted: list[str]) -> dict[str, Any]:
    """What pip would take for these pins. Nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        requirements, found = Path(folder) / "requirements.txt", Path(folder) / "report.json"
        requirements.write_text("\n".join(wanted))
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
        subprocess.run([*command, "--report", str(found), "-r", str(requirements)], check=True)
        return json.loads(found.read_text())  # type: ignore[no-any-return]


def lines(wanted: list[str], found: Mapping[str, Any]) -> Iterator[str]:
    """One line for each pin, in their order. Raises KeyError where pip's report lacks one or its hash."""
    hashes = {
        each["metadata"]["name"].lower().replace("_", "-"): each["download_info"]["archive_info"]["hashes"]["sha256"]
        for each in found["install"]
    }
    for pin in wanted:
        yield f"{pin} --hash=sha256:{hashes[pin.partition('==')[0].lower().replace('_', '-')]}"


def main() -> None:
    """Write the file; with the path of a report of pip's as argument, from that."""
    wanted = pins(PINS.read_text(encoding="utf-8"))
    found = json.loads(Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else report(wanted)
    where = f"CPython {'.'.join(platform.python_version_tuple()[:2])}, {platform.system()} {platform.machine()}"
    head = f"# The files of constraints.txt for {where}, torch as its CPU build; tools/release/hashes.py writes this."
    HASHED.write_text("\n".join([head, *lines(wanted, found)]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

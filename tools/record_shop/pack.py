"""Make the sample that ships with the package of a recording: `python tools/record_shop/pack.py RECORDING FOLDER`.

One Zstandard file per log and one for requests.csv, and faults.csv as it is. The data card is written by hand.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

import zstandard

LIMIT_BYTES = 2_000_000
PROJECT = Path(__file__).resolve().parents[2]
PRIVATE = re.compile(b"|".join([re.escape(bytes(PROJECT)), b"/tmp", b"/root", b"/home"]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    logs = sorted((arguments.recording / "logs").glob("*.log"))
    for path in logs:
        refuse_private(path)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for path in [*logs, arguments.recording / "requests.csv"]:
        compress(path, arguments.folder / f"{path.name}.zst")
    shutil.copyfile(arguments.recording / "faults.csv", arguments.folder / "faults.csv")
    size = sum(path.stat().st_size for path in arguments.folder.iterdir())
    print(f"{arguments.folder}: {size:,} bytes")
    return int(size > LIMIT_BYTES)


def refuse_private(path: Path) -> None:
    """A sample tells nothing about the machine that it was recorded on; its name the programs never knew."""
    content = path.read_bytes()
    if found := PRIVATE.search(content):
        line = content.count(b"\n", 0, found.start()) + 1
        sys.exit(f"{path}:{line} names a folder of this machine: {found.group().decode()}")


def compress(path: Path, to: Path) -> None:
    """At the highest level, with a window as large as the file."""
    content = path.read_bytes()
    level = zstandard.ZstdCompressionParameters.from_level(22, source_size=len(content), write_checksum=True)
    to.write_bytes(zstandard.ZstdCompressor(compression_params=level).compress(content))


if __name__ == "__main__":
    sys.exit(main())

"""Everything that the logs say about one request: `python tools/record_shop/story.py FOLDER REQUEST_ID`."""

import re
import sys
from pathlib import Path

import zstandard

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}[.,]\d{3}")


def story(folder: Path, request_id: str) -> list[tuple[str, list[str]]]:
    """(log, lines of one record) of a recording or a sample, in the order of their times.

    Lines that follow a record and do not begin with a time belong to it: stack traces.
    """
    found: list[tuple[str, str, list[str]]] = []
    for path in sorted([*folder.glob("logs/*.log"), *folder.glob("*.log.zst")]):
        lines: list[str] | None = None
        for line in _text(path).splitlines():
            time = _TIME.search(line[:60])
            if time is None and lines is not None:
                lines.append(line)
            elif time and request_id in line:
                lines = [line]
                found.append((time.group().replace(" ", "T").replace(",", "."), path.name.partition(".")[0], lines))
            else:
                lines = None
    found.sort(key=lambda record: record[0])
    return [(log, lines) for _, log, lines in found]


def _text(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".zst":
        content = zstandard.ZstdDecompressor().decompress(content, max_output_size=1 << 30)
    return content.decode()


def main() -> None:
    for log, lines in story(Path(sys.argv[1]), sys.argv[2]):
        print(f"{log:15} {lines[0]}")
        for line in lines[1:]:
            print(f"{'':15} {line}")


if __name__ == "__main__":
    main()

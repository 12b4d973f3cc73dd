"""The recorded sample that ships with the package."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from isang.errors import InputError


@dataclass(frozen=True)
class Sample:
    """Logs whose anomalies are known."""

    folder: Path
    logs: list[Path]
    """Compressed log files, one per program, as `isang prepare` reads them."""
    labels: Path
    """CSV with `request_id`, `anomalous` and `fault` for every request, as `--labels` takes it."""
    faults: Path
    """CSV with `kind`, `start`, `end` and `service` of every fault."""
    card: Path
    """How the sample was recorded, what it holds, and what it does not (Markdown)."""


def shop() -> Sample:
    """A shop of five services with its gateway, database and cache, recorded with thirteen kinds of fault.

    The part before the first fault in `faults` is free of them. Raises InputError where the package was installed
    without the sample.
    """
    folder = Path(str(resources.files(__name__) / "shop"))
    logs = sorted(folder.glob("*.log.zst"))
    if not logs:
        raise InputError(f"the recorded sample is missing from {folder}; install isang again")
    return Sample(folder, logs, folder / "requests.csv.zst", folder / "faults.csv", folder / "README.md")

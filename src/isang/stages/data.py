"""Raw logs to a dataset folder."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isang.config import Config
from isang.files import refuse_existing

if TYPE_CHECKING:
    pass


def prepare(
    logs: Sequence[str | Path],
    out: Path,
    *,
    config: Config | None = None,
    labels: Path | None = None,
    engine: str | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Raw logs → a dataset folder; returns the content of its `meta.json`.

    `engine` spreads the work: `ray`, `ray=WORKERS` on this machine or `ray=HOST:PORT`; the dataset is the same.
    """
    from isang.logs.prepare import prepare_folder

    config, paths = config or Config(), [str(path) for path in logs]
    if engine is None:
        return prepare_folder(paths, out, config.logs, labels=labels, overwrite=overwrite)
    from isang.distributed.engine import started
    from isang.distributed.prepare import prepare as prepare_on

    refuse_existing(out, overwrite=overwrite)  # before workers are started
    with started(engine) as ray:
        return prepare_on(ray, paths, out, config.logs, labels=labels, overwrite=overwrite)


def fingerprint(data: Path) -> str:
    """The sha256 of a dataset's sessions: of the bytes of their files in order."""
    from isang.logs.store import files_of

    digest = hashlib.sha256()
    for path in files_of(data, "sessions"):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()

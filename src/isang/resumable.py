"""A result folder that takes long to complete, and the unfinished attempt that `--resume` continues."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isang.config import MAY_CHANGE_ON_RESUME
from isang.errors import IsangError, UsageError
from isang.files import folder_being_written, partial_folder, refuse_existing, remove_folder, to_json, write_text
from isang.json_files import anything, mapping, read_json
from isang.progress import say


@contextmanager
def growing(out: Path, *, resume: bool, overwrite: bool) -> Iterator[Path]:
    """A folder beside `out` that is kept after a failure if it holds work, so that `resume` can continue it."""
    refuse_existing(out, overwrite=overwrite)
    partial = partial_folder(out)
    if partial.exists() and not resume:
        if _holds_work(partial) and not overwrite:
            raise UsageError(
                f"{partial} holds an unfinished attempt; continue with --resume, or start over with --overwrite"
            )
        remove_folder(partial)
    if resume and not partial.exists():
        say(f"nothing to resume at {partial}: starting from the beginning")
    try:
        with folder_being_written(out, overwrite=overwrite, keep_partial=True) as building:
            yield building
    except BaseException as error:
        of_no_use = isinstance(error, IsangError) and not _holds_training(partial)  # the same input fails again
        if of_no_use or not _holds_work(partial):
            remove_folder(partial)
        raise


def note_command(path: Path, command: Mapping[str, Any]) -> None:
    """Record the command that an attempt was started with, or is resumed with.

    Raises UsageError if it is resumed with changes other than those in `MAY_CHANGE_ON_RESUME`.
    """
    if path.exists():
        earlier, now = (
            _flat(read_json(path, mapping(anything), "start over with --overwrite")),
            _flat(json.loads(to_json(command))),
        )
        free = {f"config.training.{name}" for name in MAY_CHANGE_ON_RESUME}
        different = sorted(name for name in {*earlier, *now} - free if earlier.get(name) != now.get(name))
        if different:
            names = ", ".join(name.removeprefix("config.") for name in different)
            raise UsageError(
                f"the unfinished attempt in {path.parent} was started with other {names}; repeat its command with "
                f"--resume, or start over with --overwrite; only {', '.join(MAY_CHANGE_ON_RESUME)} may change"
            )
    write_text(path, to_json(command))


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Settings by their full names, such as `config.training.epochs`."""
    if not isinstance(value, Mapping):
        return {name: value}
    return {key: part for inner in value for key, part in _flat(value[inner], f"{name}.{inner}".lstrip(".")).items()}


def _holds_work(partial: Path) -> bool:
    """Whether there is a finished stage or part of a training."""
    return (partial / "data").exists() or _holds_training(partial)


def _holds_training(partial: Path) -> bool:
    """Whether there is a checkpoint, or a failed batch to inspect."""
    return any(partial.glob("**/checkpoints/step_*")) or any(partial.glob("**/failed_batch.parquet"))

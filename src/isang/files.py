"""Writing results to disk: completely or not at all."""

import ctypes
import errno
import fcntl
import glob
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from isang.errors import InputError, IsangError, OutputError, UsageError
from isang.formatting import escaped_json

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """JSON text with a final newline; the same value, the same text. Pass None for NaN and infinity.

    Control and invisible characters are escaped, so that printing it is harmless.
    """
    return escaped_json(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in one step."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically: readers see the old content or all of the new."""
    with being_written(path) as beside:
        beside.write_bytes(content)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, so that changes in it happen one at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def open_regular(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading. Raises InputError if it is missing, unreadable, or a device or a pipe.

    It does not block: opening a pipe without a writer would wait forever.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise InputError(f"cannot read {path}: it is not a regular file but {_kind_of(mode)}")
    with os.fdopen(descriptor, "rb") as file, saying_what(path):
        yield file


@contextmanager
def saying_what(path: Path) -> Iterator[None]:
    """Turn an operating system error into one that names what cannot be read."""
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def read_bytes(path: Path, most_bytes: int, *, pipes: bool = False) -> bytes:
    """The content of a regular file; with `pipes` also of a pipe.

    Raises InputError if it cannot be read, or is larger than `most_bytes`.
    """
    with saying_what(path), path.open("rb") if pipes and path.is_fifo() else open_regular(path) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise InputError(f"{path} is larger than {most_bytes:,} bytes, more than any such file has; give another one")
    return content


def _kind_of(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for test, name in kinds if test(mode)), "a device")


@contextmanager
def being_written(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to; it replaces `path` when the block ends without an error."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with saying_where(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_left_behind(path)
            yield beside
            _flush(beside)
            beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _remove_left_behind(path: Path) -> None:
    """Remove what killed processes left beside `path`, but not what a running process may be writing."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        number = left.name.split(".")[-2]
        if number.isascii() and number.isdigit() and not _is_alive(int(number)):
            left.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True


@contextmanager
def folder_being_written(folder: Path, *, overwrite: bool = False, keep_partial: bool = False) -> Iterator[Path]:
    """Yield a folder beside `folder` to fill; it replaces `folder` when the block ends without an error.

    Until then `folder` is unchanged. `keep_partial` keeps the unfinished folder after an error, so that the work can
    be resumed; without it, leftovers of an earlier unfinished attempt are removed first.
    """
    refuse_existing(folder, overwrite=overwrite)
    beside = partial_folder(folder)
    done = False
    try:
        with saying_where(folder):
            if not keep_partial:
                remove_folder(beside)
            beside.mkdir(parents=True, exist_ok=True)
            yield beside
            _flush_tree(beside)
            _take_place(beside, folder)
            done = True
    finally:
        if not done and not keep_partial:
            remove_folder(beside)


def partial_folder(folder: Path) -> Path:
    """The folder for the unfinished content of `folder`."""
    folder = folder.resolve()  # "." and "DIR/" have no name to build on
    return folder.with_name(f"{folder.name}.partial")


OURS = (
    "run.json", "meta.json", "metrics.jsonl", "manifest.json", "report.json", "state.json", "evaluation.json",
    "learning_rates.json", "incidents.json",
)  # fmt: skip
"""Every folder written by isang contains one of these files; a folder without any belongs to someone else."""


def refuse_existing(folder: Path, *, overwrite: bool) -> None:
    """Raise unless `folder` may be written: it is missing or empty, or holds results and `--overwrite` was given."""
    with saying_where(folder):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise UsageError(f"--out must be a folder, but {folder} is a file or a link; choose another name")
        if not folder.is_dir() or not any(folder.iterdir()):
            return
        if not any((folder / name).is_file() for name in OURS):
            raise UsageError(f"{folder} holds files that isang did not write; choose another --out")
        if not overwrite:
            raise UsageError(f"{folder} already holds results; choose another --out or replace them with --overwrite")


@contextmanager
def saying_where(path: Path) -> Iterator[None]:
    """Turn an operating system error into one that names the place and what to do."""
    try:
        yield
    except IsangError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {_reason(error.errno, error.strerror or str(error))}") from error
    except Exception as error:
        # polars and safetensors wrap the system's error in one of their own and leave its number in the text
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        raise OutputError(f"cannot write {path}: {_reason(int(number[1]), os.strerror(int(number[1])))}") from error


def _reason(number: int | None, text: str) -> str:
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{text}; free some space, nothing half-written was left in its place"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{text}; choose another --out"
    return text


def _take_place(beside: Path, folder: Path) -> None:
    if not folder.exists():
        beside.rename(folder)
    elif _exchange(beside, folder):
        remove_folder(beside)  # it holds the earlier content now
    else:  # no atomic exchange on this system: for a moment only the renamed earlier content exists
        earlier = folder.with_name(f"{folder.name}.earlier")
        remove_folder(earlier)
        folder.rename(earlier)
        beside.rename(folder)
        remove_folder(earlier)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two paths atomically (Linux renameat2); False if the system does not support it."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    return bool(renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


def remove_folder(folder: Path) -> None:
    """Remove `folder` with its content, if it exists."""
    if folder.exists():
        shutil.rmtree(folder)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _flush_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            if not path.is_symlink():
                path.chmod(folder.stat().st_mode & 0o666)  # safetensors creates files readable only by their owner
            _flush(path)

"""Logs in object storage (`s3://`, `gs://`, `abfs://`), by fsspec: copied to this machine, then read as files."""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from isang.errors import InputError, IsangError, UsageError
from isang.files import saying_where
from isang.progress import Progress

_ADDRESS = re.compile(r"(s3|gs|gcs|abfs|abfss|az|memory)://.")
"""Stores whose servers are named by the user's own settings; `memory` is fsspec's store within the process."""
_AT_ONCE = 8
"""Number of objects that are copied at the same time."""
_PART_BYTES = 1 << 20
_MOST_OBJECTS = 100_000


def is_address(given: str) -> bool:
    """Whether `given` names objects rather than files."""
    return _ADDRESS.match(given) is not None


def fetched(given: str, wanted: Callable[[Path], bool]) -> list[tuple[Path, str]]:
    """(copy, address) of each object that an address names: an object, or the `wanted` ones below a prefix or a glob.

    The copies lie in the temporary folder and go away with the process. They have the times of their objects, which
    complete the times of lines without a year. Raises InputError for what does not exist or cannot be read, UsageError
    for a scheme that nothing installed here reads, and OutputError if there is no space.
    """
    try:
        store, found = _found(given, wanted)
        if len(found) > _MOST_OBJECTS:
            raise InputError(f"{given} names {len(found):,} objects, more than {_MOST_OBJECTS:,}; name fewer at a time")
        if not found:
            raise InputError(f"no such object, and no logs below it: {given}")
        sizes = {remote: int(state.get("size") or 0) for remote, state in found.items()}
        folder = Path(tempfile.mkdtemp(prefix="isang-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        copies = {remote: _copy_in(folder, remote) for remote in found}
        with (
            Progress(f"copying {given}", total=sum(sizes.values()), unit="bytes") as progress,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            for remote in pool.map(lambda remote: _copied(store, remote, copies[remote]), copies):
                progress.advance(sizes[remote])
        return [(copies[remote], given if len(found) == 1 else store.unstrip_protocol(remote)) for remote in found]
    except IsangError:
        raise
    except ImportError as error:  # fsspec itself is there, the reader of this store is not
        raise UsageError(f"{given} cannot be read: {error}") from error
    except Exception as error:  # each store has errors of its own
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{given} cannot be read: {type(error).__name__}: {said}") from error


def _found(given: str, wanted: Callable[[Path], bool]) -> tuple[Any, dict[str, dict[str, Any]]]:
    """The store and its objects with what it says of them."""
    from fsspec.core import url_to_fs

    store, path = url_to_fs(given)
    if any(sign in path for sign in "*?["):
        listed = store.glob(path, detail=True)
    elif store.isfile(path):
        return store, {path: store.info(path)}
    else:
        listed = store.find(path, detail=True)
    files = {remote: state for remote, state in listed.items() if state.get("type", "file") == "file"}
    return store, {remote: files[remote] for remote in sorted(files) if wanted(Path(remote))}


def _copy_in(folder: Path, remote: str) -> Path:
    """Where an object is copied: below `folder`, whatever its name is."""
    parts = [part for part in PurePosixPath(remote.replace("\0", "")).parts if part.strip("/.")]
    return folder.joinpath(*parts or ["object"])


def _copied(store: Any, remote: str, copy: Path) -> str:
    with saying_where(copy):
        copy.parent.mkdir(parents=True, exist_ok=True)
        file = copy.open("xb")
    with file, store.open(remote, "rb") as content:
        while part := content.read(_PART_BYTES):
            with saying_where(copy):
                file.write(part)
    with suppress(Exception):  # not every store knows it
        seconds = store.modified(remote).timestamp()
        os.utime(copy, (seconds, seconds))
    return remote

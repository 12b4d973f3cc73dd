"""Which files hold the logs: files, folders, globs and stdin, rotated sets in the order of their time."""

import glob
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from isang.compression import COMPRESSED
from isang.errors import InputError
from isang.files import saying_where
from isang.logs.input.objects import fetched, is_address
from isang.progress import say

NOT_LOGS = frozenset(
    [
        ".csv",
        ".tsv",
        ".parquet",
        ".md",
        ".rst",
        ".html",
        ".css",
        ".js",
        ".py",
        ".sh",
        ".toml",
        ".yaml",
        ".yml",
        ".cfg",
        ".ini",
        ".lock",
        ".pdf",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".svg",
        ".zip",
        ".tar",
        ".tgz",
        ".7z",
        ".rar",
        ".npz",
        ".npy",
        ".safetensors",
        ".pt",
        ".db",
        ".sqlite",
        ".so",
        ".pyc",
        ".partial",
    ]
)
"""Files with these endings are left out of a folder; named directly they are read."""

MOST_LEFT_OUT = 100_000
"""A folder with more entries than this that are not files is not a folder of logs."""
_ROTATION = re.compile(
    r"^(?P<stem>.+?)(?:[._-](?P<date>\d{4}-?\d{2}-?\d{2}(?:[T_-]?\d{2,6})?)(?:\.(?P<part>\d{1,4}))?(?P<ending>\.[a-z]+)?|"
    r"\.(?P<number>\d{1,4}))?$"
)


@dataclass(frozen=True)
class Source:
    """One file of log lines."""

    index: int
    """Position in the order in which sources are read."""
    name: str
    """What the user sees: the path without what all sources have in common."""
    path: Path
    """Where the bytes are; for stdin and pipes a temporary copy."""
    named: bool
    """The user named this file itself; others were found in a folder."""
    stream: int = 0
    """The same for all files of a rotated set: their lines are one log."""
    encoding: str | None = None
    """As given by the user; None if it is inferred from the bytes."""

    def state(self) -> os.stat_result:
        """Size and time of the file. Raises InputError where it is gone."""
        try:
            return self.path.stat()
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror or error}") from error


def find_sources(paths: Sequence[str]) -> list[Source]:
    """The log files that `paths` name: files, folders (all log files below), globs, `-` for stdin, and addresses of
    objects (`s3://bucket/logs/`), which are copied.

    The members of a rotated set (`app.log.2.gz`, `app.log.1`, `app.log`) come oldest first. Raises InputError for a
    path that does not exist and for a folder without logs.
    """
    if not paths:
        raise InputError("no logs were named; name files, folders, globs or - for stdin")
    found: dict[Path, str] = {}
    for path in paths:
        for file, name in _expand(path):
            found.setdefault(file, name)
    places = {file: _place(file, found) for file in found}
    files = sorted(found, key=places.__getitem__)
    names = ["stdin" if name == "-" else name for name in _short_names([found[file] for file in files])]
    streams = {stem: number for number, stem in enumerate(dict.fromkeys(places[file][0] for file in files))}
    return [
        Source(index, name, file, named=found[file] in paths, stream=streams[places[file][0]])
        for index, (name, file) in enumerate(zip(names, files, strict=True))
    ]


def rotated_set(file: Path) -> list[Path]:
    """The members of the rotated set of `file` in its folder, oldest first."""
    if not file.parent.is_dir():
        return []
    given = {path: path.name for path in (*file.parent.iterdir(), file)}
    stem = _place(file, given)[0]
    members = {path for path in given if _place(path, given)[0] == stem}
    return sorted((path for path in members if path.is_file()), key=lambda path: _place(path, given))


def log_of(file: Path) -> Path:
    """The name of a rotated set: that of the file without what rotation adds to it."""
    return Path(_place(file, {file: str(file)})[0])


def _expand(given: str) -> list[tuple[Path, str]]:
    """(file, name) for each file that an argument names."""
    if given == "-":
        if sys.stdin.isatty():
            say("reading log lines from the terminal; end with Ctrl-D")
        return [(_spooled(sys.stdin.buffer), "-")]
    if is_address(given):
        return fetched(given, _may_be_log)
    path = Path(given)
    if path.is_fifo():
        say(f"reading log lines from the pipe {given}")
        with path.open("rb") as pipe:
            return [(_spooled(pipe), given)]
    if path.is_char_device() or path.is_block_device() or path.is_socket():
        raise InputError(f"{given} is a device or a socket, not a log file")
    if path.is_file() and path.stat().st_dev in _unreal_devices():
        raise InputError(f"{given} is made by the kernel while it is read; read it as a stream: isang … - < {given}")
    if path.is_dir():
        return [(file, str(file)) for file in _logs_below(path)]
    if path.exists():
        return [(path, given)]
    if not glob.has_magic(given):
        raise InputError(f"no such file or folder: {given}")
    matches = sorted(glob.glob(given, recursive=True))  # noqa: PTH207 - given may be absolute
    if not matches:
        raise InputError(f"nothing matches {given}")
    return [pair for match in matches for pair in _expand(match)]


def _logs_below(folder: Path) -> list[Path]:
    files, left_out = _files_below(folder)
    logs = [file for file in files if _may_be_log(file.relative_to(folder))]
    if left_out:
        named = "; ".join(f"{path.relative_to(folder)} {why}" for path, why in left_out[:3])
        say(f"{folder}: {len(left_out):,} left out: {named}" + ("; …" if len(left_out) > 3 else ""))
    if logs:
        return logs
    seen = ", ".join(str(file.relative_to(folder)) for file in files[:5]) or "no files at all"
    raise InputError(f"{folder} holds no logs (found {seen}); name the log files directly if they have other endings")


def _files_below(folder: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The files on a disk in a folder, sorted, and what else there is with the reason why it is not read."""
    files: list[Path] = []
    left_out: list[tuple[Path, str]] = []

    def unreadable(error: OSError) -> None:
        left_out.append((Path(error.filename), f"may not be read ({error.strerror})"))

    unreal = _unreal_devices()
    for place, _, names in os.walk(folder, onerror=unreadable):
        for path in (Path(place, name) for name in names):
            try:
                state = path.stat()
            except OSError as error:
                left_out.append((path, f"cannot be looked at ({error.strerror})"))
                continue
            if stat.S_ISREG(state.st_mode) and state.st_dev not in unreal:
                files.append(path)
            else:
                left_out.append((path, "is no file on a disk"))
        if len(left_out) > MOST_LEFT_OUT:
            raise InputError(
                f"{folder} holds more than {MOST_LEFT_OUT:,} things that are no files; name the logs in it"
            )
    return sorted(files), left_out


def _unreal_devices() -> set[int]:
    """Devices of virtual file systems of the kernel: some of their files never end, others block forever."""
    return {Path(place).stat().st_dev for place in ("/proc", "/sys", "/dev") if Path(place).exists()}


def _may_be_log(path: Path) -> bool:
    if any(part.startswith(".") for part in path.parts):
        return False
    stem = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return stem.suffix.lower() not in NOT_LOGS


def _place(file: Path, given: dict[Path, str]) -> tuple[str, bool, str, int]:
    """(name that a rotated set shares, then what sorts its files oldest first).

    By date if the names have one, then by ascending number; else by descending number; the bare name is the newest.
    """
    name = file.name
    if file.suffix.lower() in COMPRESSED:
        name = file.with_suffix("").name
    match = _ROTATION.match(name)
    if match is None:
        return given[file][: -len(file.name)] + name, True, "", 0
    date, number = match["date"], match["number"]
    stem = given[file][: -len(file.name)] + match["stem"] + (match["ending"] or "")
    return stem, date is None and number is None, date or "", int(match["part"] or 0) - int(number or 0)


def _short_names(names: list[str]) -> list[str]:
    """The names without the folders that all of them share."""
    parts = [Path(name).parts for name in names]
    shared = 0
    while all(len(part) > shared + 1 for part in parts) and len({part[shared] for part in parts}) == 1:
        shared += 1
    return [str(Path(*part[shared:])) for part in parts]


def _spooled(stream: IO[bytes]) -> Path:
    """A temporary copy of what can be read only once; it goes away with the process."""
    spool = tempfile.NamedTemporaryFile(prefix="isang-", delete=False)  # noqa: SIM115 - lives on
    _remove_at_exit(Path(spool.name))
    with saying_where(Path(spool.name)), spool:
        shutil.copyfileobj(stream, spool)
    return Path(spool.name)


def _remove_at_exit(path: Path) -> None:
    import atexit

    atexit.register(path.unlink, missing_ok=True)

"""Raw logs, or a dataset folder, as sessions on the disk, whose lines can be read again."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from isang.config import LogsConfig
from isang.logs.places import StoredLogs, open_logs
from isang.logs.prepare import Preparation, prepare_folder
from isang.logs.rules import Rules
from isang.logs.store import is_dataset

Reading = Callable[[], tuple[Rules | None, LogsConfig]]
"""How raw logs are read, None: as they show; it is asked only where there are some."""


@contextmanager
def stored_logs(
    logs: Sequence[str | Path], reading: Reading, *, preparation: "Callable[..., Preparation] | None" = None
) -> Iterator[StoredLogs]:
    """`logs` as a temporary dataset folder, so that only their events are in memory.

    If `logs` is a dataset folder, that folder is used. `preparation` as in `prepare_folder`.
    """
    if len(logs) == 1 and is_dataset(Path(logs[0])):
        yield open_logs(Path(logs[0]))
        return
    rules, config = reading()
    with tempfile.TemporaryDirectory(prefix="isang-") as scratch:
        data = Path(scratch, "data")
        prepare_folder([str(path) for path in logs], data, config, rules=rules, preparation=preparation)
        yield open_logs(data)

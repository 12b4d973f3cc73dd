"""However slow the process is and however senders gather records, no session ends before its next line can be read."""

from itertools import count
from pathlib import Path
from typing import Any

import polars as pl

from isang.config import LogsConfig
from isang.logs.rules import Rules
from isang.logs.stream.follower import Follower
from isang.logs.stream.record import Record, frame_of
from tests.logs.test_follow import LOG, batch

BEGIN_US = 1_780_000_000_000_000


def rules_of(folder: Path) -> Rules:
    path = folder / "learned.log"
    path.write_bytes(LOG)
    return batch(path, LogsConfig())[1]


def line(second: int, key: str) -> str:
    return f"2027-01-01 09:00:{second:02d},000 INFO [web] shop.Service: cart was read request={key}\n"


def test_the_time_that_the_process_takes_is_no_silence(tmp_path: Path) -> None:
    ticks = count()
    rules, path = rules_of(tmp_path), tmp_path / "shop.log"
    path.write_text("")
    follower = Follower([str(path)], rules, LogsConfig(), idle_seconds=5, clock=lambda: 4.0 * next(ticks))
    ended = []
    for second in range(0, 40, 2):  # each asks the clock several times, four seconds apart
        with path.open("a") as file:
            file.write(line(second, "rs0000999"))
        ended += [part for part in [follower.poll()[1]] if part is not None]
    last = follower.finish()
    assert ended == []
    assert last is not None
    assert last.dataset.sessions["events"].list.len().to_list() == [20]


class Sent:
    """Records of two services, each of which sends what it gathered in five seconds."""

    behind = False

    def __init__(self) -> None:
        self.waiting: list[Record] = []

    def resume(self, cursor: Any) -> None:
        """Nothing is kept."""

    def acknowledge(self, cursor: Any) -> None:
        """Nothing is kept."""

    def read(self) -> tuple[pl.DataFrame, Any]:
        """All that waits."""
        records, self.waiting = self.waiting, []
        return frame_of(records), None


def test_what_senders_gather_is_waited_for(tmp_path: Path) -> None:
    now = 0.0
    source = Sent()
    follower = Follower([], rules_of(tmp_path), LogsConfig(), idle_seconds=1, source=source, clock=lambda: now)
    ended = []
    gathered: dict[str, list[Record]] = {"orders": [], "stock": []}
    for tick in range(600):
        now = tick / 10
        for service, offset in (("orders", 0), ("stock", 25)):
            if tick % 5 == 0:  # a trace that goes on for 30 seconds, and others of one record
                key = "aa" * 16 if 100 <= tick < 400 else f"{tick:032x}"
                record = Record(service, "rendered page", BEGIN_US + tick * 100_000, "INFO", "rendered page", None, key)
                gathered[service].append(record)
            if tick % 50 == offset:
                source.waiting += gathered[service]
                gathered[service] = []
        ended += [part for part in [follower.poll()[1]] if part is not None]
    sessions = pl.concat([part.dataset.sessions.select("session_id", "events") for part in ended])
    long = sessions.filter(pl.col("session_id").str.starts_with("aa"))
    assert long["events"].list.len().to_list() == [120]

"""Sessions by the number of a process in the head of the lines: where it makes sessions, and where it does not."""

import random
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from isang.config import LogsConfig
from isang.logs.prepare import prepare
from isang.logs.sessions.process_search import propose_process

STEPS = ("connection received", "connection authorized", "statement begins", "statement ends", "disconnection")


def lines(workers: int | None, seed: int = 0, count: int = 300) -> Iterator[str]:
    """Requests that overlap; each of a process of its own, or of one of a few `workers`."""
    chosen = random.Random(seed)
    waiting: list[tuple[int, int]] = []
    served = 0
    for _ in range(count * len(STEPS)):
        if len(waiting) < 4 and served < count:
            served += 1
            waiting.append((4000 + (served if workers is None else served % workers), 0))
        process, step = waiting.pop(chosen.randrange(len(waiting)))
        yield f"server[{process}]: {STEPS[step]}"
        if step + 1 < len(STEPS):
            waiting.append((process, step + 1))


def sample(texts: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"source": 0, "text": texts, "time": None, "message": [t.partition(": ")[2] for t in texts]})


def test_a_process_for_each_connection_makes_sessions() -> None:
    rule = propose_process(sample(list(lines(None))))
    assert rule is not None
    assert (rule.kind, rule.across_sources) == ("key", False), "the same number in another log is another process"
    assert "300 sessions of 5.0 lines each" in rule.reason


def test_workers_that_serve_many_do_not() -> None:
    assert propose_process(sample(list(lines(8)))) is None
    assert propose_process(sample(list(lines(40)))) is None


def test_lines_without_a_number_must_be_few() -> None:
    texts = list(lines(None))
    texts[::5] = [f"kernel: device {number} is ready" for number in range(len(texts[::5]))]
    assert propose_process(sample(texts)) is None


def test_sessions_are_made_by_it_and_a_number_may_come_again_later(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text(
        "".join(
            f"2026-03-02 {hour:02}:{place // 60 % 60:02}:{place % 60:02} {text}\n"
            for hour, count in ((1, 300), (9, 20))
            for place, text in enumerate(lines(None, seed=1, count=count))
        )
    )
    dataset = prepare([str(log)], LogsConfig()).dataset
    assert dataset.sessions["events"].list.len().to_list() == [5] * 320

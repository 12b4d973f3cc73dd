"""What was open under one model's rules goes on under another's: no line twice, none left out."""

from pathlib import Path

import pytest

from isang.config import LogsConfig
from isang.logs.stream.follower import Follower
from tests.logs.test_follow import LOG, batch, followed, seen, united

HALF = len(b"".join(LOG.splitlines(keepends=True)[:151]))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LogsConfig(), LogsConfig(masks=(("PAGE", r"page \d+"),))),
        (LogsConfig(), LogsConfig(window_lines=100_000)),
        (LogsConfig(window_lines=100_000), LogsConfig()),
    ],
    ids=["another mask", "no key any more", "a key from now on"],
)
def test_another_model_takes_over_what_is_open(tmp_path: Path, before: LogsConfig, after: LogsConfig) -> None:
    path, state = tmp_path / "shop.log", tmp_path / "place"
    path.write_bytes(LOG)
    old, rules = batch(path, before)[1], batch(path, after)[1]
    expected = batch(path, after)[0]
    path.write_bytes(LOG[:HALF])

    def start(rules: object, config: LogsConfig, **others: object) -> Follower:
        return Follower([str(path)], rules, config, idle_seconds=1e9, state=state, clock=lambda: 0.0, **others)  # type: ignore[arg-type]

    first = start(old, before)
    ended = sum(part.dataset.sessions["events"].list.len().sum() for part in followed(first))
    first.save()
    first.close()
    second = start(rules, after)
    with path.open("ab") as file:
        file.write(LOG[HALF:])
    parts = followed(second)
    last = second.finish()
    parts += [last] if last is not None else []
    second.close()
    taken = sum(part.dataset.sessions["events"].list.len().sum() for part in parts)
    assert ended == 0  # all was open: nothing ends without silence
    assert taken == expected.dataset.sessions["events"].list.len().sum()
    assert united(parts) == seen(expected.dataset.sessions, expected.lines)

"""A rotated log is read once, in order, whatever its files are called when reading goes on."""

import gzip
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isang.config import LogsConfig
from isang.errors import InputError, UsageError
from isang.logs.prepare import prepare
from isang.logs.rules import Rules
from isang.logs.stream.follower import Follower
from isang.logs.stream.rotation import Position
from isang.logs.stream.tails import FileTail

LINES = [f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z INFO service line {number}" for number in range(60)]


def tail_of(log: Path, position: Position | None = None) -> FileTail:
    return FileTail(log, log.name, max_line_bytes=1 << 20, position=position)


def lines_of(tail: FileTail) -> list[str]:
    """All that can be read now."""
    lines: list[str] = []
    while (chunk := tail.read()) is not None:
        lines += chunk.text.split("\n")
    return lines


def write(log: Path, lines: list[str]) -> None:
    with log.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)


def moved_on(log: Path) -> None:
    """Each older member gets the next number."""
    for member in sorted(log.parent.glob(f"{log.name}.*"), reverse=True):
        number, *compressed = member.name.removeprefix(f"{log.name}.").split(".")
        member.rename(log.with_name(".".join([log.name, str(int(number) + 1), *compressed])))


def renamed(log: Path) -> None:
    moved_on(log)
    log.rename(log.with_name(f"{log.name}.1"))


def created_anew(log: Path) -> None:
    renamed(log)
    log.touch()


def compressed(log: Path) -> None:
    renamed(log)
    first = log.with_name(f"{log.name}.1")
    first.with_name(f"{first.name}.gz").write_bytes(gzip.compress(first.read_bytes()))
    first.unlink()


def copied(log: Path) -> None:
    moved_on(log)
    shutil.copy(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


ROTATIONS = (renamed, created_anew, compressed, copied)


@pytest.mark.parametrize("second", ROTATIONS)
@pytest.mark.parametrize("first", ROTATIONS)
@pytest.mark.parametrize("read", [0, 7, 20])
@pytest.mark.parametrize("restarts", [True, False])
def test_what_is_rotated_twice_is_read_once(
    tmp_path: Path, first: Callable[[Path], None], second: Callable[[Path], None], read: int, restarts: bool
) -> None:
    """Twice rotated while nobody reads; what follows takes the position alone, or has the file open."""
    log = tmp_path / "service.log"
    if read:
        write(log, LINES[:read])
        tail = tail_of(log)
        found = lines_of(tail)
        write(log, LINES[read:20])
    else:  # nothing has been read when the position is taken
        write(log, LINES[:20])
        tail, found = tail_of(log), []
    first(log)
    write(log, LINES[20:40])
    second(log)
    write(log, LINES[40:])
    found += lines_of(tail_of(log, tail.position) if restarts else tail)
    assert found == LINES


@pytest.mark.parametrize("restarts", [True, False])
def test_a_line_that_copying_cut_is_one_line(tmp_path: Path, restarts: bool) -> None:
    """Also where the log was copied twice since it was read."""
    log = tmp_path / "service.log"
    text = "\n".join(LINES) + "\n"
    log.write_text(text[:100])
    tail = tail_of(log)
    found = lines_of(tail)
    for start, end in ((100, 450), (450, 777), (777, len(text))):
        copied(log)
        log.write_text(text[start:end])
        if start != 100:
            tail = tail_of(log, tail.position) if restarts else tail
            found += lines_of(tail)
    assert found == LINES


def test_an_empty_member_does_not_hold_up_what_comes_after_it(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    write(log, LINES[:10])
    tail = tail_of(log)
    found = lines_of(tail)
    created_anew(log)
    created_anew(log)
    write(log, LINES[10:])
    assert found + lines_of(tail) == LINES


def test_a_file_whose_beginning_is_hardly_known_is_the_older_one(tmp_path: Path) -> None:
    """All logs of the day begin with these bytes."""
    log = tmp_path / "service.log"
    log.write_text("2026-01-01")
    position = tail_of(log).position
    log.write_text("\n".join(LINES[:20]) + "\n")
    renamed(log)
    write(log, LINES[20:])
    assert lines_of(tail_of(log, position)) == LINES


def test_a_log_that_was_empty_or_absent_begins_with_what_was_written_since(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    write(log, ["of yesterday"])
    renamed(log)
    os.utime(log.with_name("service.log.1"), (1e9, 1e9))
    position = tail_of(log).position
    write(log, LINES[:20])
    compressed(log)
    write(log, LINES[20:])
    assert lines_of(tail_of(log, position)) == LINES


def test_what_is_gone_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "service.log"
    write(log, LINES[:10])
    tail = tail_of(log)
    assert lines_of(tail) == LINES[:10]
    log.write_text("\n".join(LINES[30:35]) + "\n")
    assert lines_of(tail_of(log, tail.position)) == LINES[30:35]
    assert "after line 10, if any, could not be read any more" in capsys.readouterr().err


def test_a_damaged_compressed_member_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    write(log, LINES[:5])
    tail = tail_of(log)
    found = lines_of(tail)
    write(log, LINES[5:])
    compressed(log)
    member = log.with_name("service.log.1.gz")
    member.write_bytes(member.read_bytes()[:-4])  # all of the text, not its length
    write(log, ["new"])
    assert found + lines_of(tail_of(log, tail.position)) == [*LINES, "new"]


def follower_of(paths: list[Path], state: Path) -> Follower:
    """Windows of ten lines."""
    config = LogsConfig(window_lines=10)
    learned = state.parent / "learned.txt"
    write(learned, LINES)
    return follower_by(Rules.of(prepare([str(learned)], config).dataset), paths, state)


def follower_by(rules: Rules, paths: list[Path], state: Path) -> Follower:
    config = LogsConfig(window_lines=10)
    return Follower([str(path) for path in paths], rules, config, idle_seconds=60, state=state, clock=clock)


def clock() -> float:
    """Each look is long after the one before."""
    global _now
    _now += 10
    return _now


_now = 0.0


def polled(follower: Follower) -> int:
    """The lines of sessions that have ended."""
    return sum(0 if ended is None else int(ended.dataset.sizes.sum()) for _, ended in (follower.poll() for _ in "1234"))


def test_a_new_day_with_a_name_of_its_own_is_the_same_log(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    write(folder / "service-2026-01-01.log", LINES[:20])
    follower = follower_of([folder], tmp_path / "state")
    found = polled(follower)
    write(folder / "service-2026-01-02.log", LINES[20:])
    found += polled(follower)
    follower.save()
    follower.close()
    assert found + polled(follower_of([folder], tmp_path / "state")) == len(LINES)


def test_a_log_is_no_other_one_while_its_file_is_being_renamed(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    write(folder / "service.log", LINES[:20])
    follower = follower_of([folder], tmp_path / "state")
    found = polled(follower)
    follower.save()
    shutil.copy(tmp_path / "state", tmp_path / "other")
    renamed(folder / "service.log")
    found += polled(follower)
    started = follower_of([folder], tmp_path / "other")
    assert polled(started) == 0
    write(folder / "service.log", LINES[20:])
    assert found + polled(follower) == len(LINES)
    assert found + polled(started) == len(LINES)


def test_two_logs_of_which_one_appears_later(tmp_path: Path) -> None:
    one, other = tmp_path / "one.log", tmp_path / "other.log"
    write(one, LINES[:30])
    follower = follower_of([one, other], tmp_path / "state")
    found = polled(follower)
    write(other, LINES[:20])
    found += polled(follower)
    write(one, LINES[30:])
    assert found + polled(follower) == len(LINES) + 20


def test_the_state_of_other_logs_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "one.log", LINES)
    write(tmp_path / "other.log", LINES)
    follower = follower_of([tmp_path / "one.log"], tmp_path / "state")
    follower.save()
    follower.close()
    with pytest.raises(InputError, match=r"is the state of other logs \(.*one.log\)"):
        follower_of([tmp_path / "other.log"], tmp_path / "state")


def test_the_state_is_of_the_same_log_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "one.log", LINES)
    follower = follower_of([tmp_path / "one.log"], tmp_path / "state")
    assert polled(follower) == len(LINES)
    follower.save()
    follower.close()
    monkeypatch.chdir(tmp_path)
    assert polled(follower_of([Path("one.log")], tmp_path / "state")) == 0


@pytest.mark.parametrize("kept", [0, 3, 100, -9, -4])
def test_a_cut_state_is_said(tmp_path: Path, kept: int) -> None:
    write(tmp_path / "one.log", LINES[:5])
    state = tmp_path / "state"
    follower = follower_of([tmp_path / "one.log"], state)
    polled(follower)
    follower.save()
    follower.close()
    state.write_bytes(state.read_bytes()[:kept])
    with pytest.raises(InputError, match="is no state of isang detect --follow"):
        follower_of([tmp_path / "one.log"], state)


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Rules, dict[str, bytes]]:
    """A log, the rules it is read by, and the members of a state of it."""
    log = tmp_path_factory.mktemp("state") / "one.log"
    write(log, LINES[:5])
    rules = Rules.of(prepare([str(log)], LogsConfig(window_lines=10)).dataset)
    follower = follower_by(rules, [log], log.with_name("state"))
    polled(follower)
    follower.save()
    follower.close()
    with zipfile.ZipFile(log.with_name("state")) as archive:
        return log, rules, {name: archive.read(name) for name in archive.namelist()}


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_bytes_in_a_state_end_in_a_clear_refusal_or_are_read(
    genuine: tuple[Path, Rules, dict[str, bytes]], data: st.DataObject
) -> None:
    """The checksums of the archive are right, as an attacker can make them; texts that claim to be huge included."""
    log, rules, members = genuine
    chosen = data.draw(st.sampled_from(sorted(members)))
    content = bytearray(members[chosen])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    state = log.with_name("state")
    with zipfile.ZipFile(state, "w") as archive:
        for name, genuine_content in members.items():
            archive.writestr(name, bytes(content) if name == chosen else genuine_content)
    try:
        follower = follower_by(rules, [log], state)
    except InputError as error:
        assert str(state) in str(error)  # noqa: PT017 - or there is no error
    else:
        follower.finish()
        follower.close()


def test_a_second_follower_on_one_state_is_refused(tmp_path: Path) -> None:
    """Also where the first one has saved nothing yet; when it is gone, the next one goes on."""
    write(tmp_path / "one.log", LINES)
    follower = follower_of([tmp_path / "one.log"], tmp_path / "state")
    with pytest.raises(UsageError, match=r"another process follows with .*state as its state"):
        follower_of([tmp_path / "one.log"], tmp_path / "state")
    assert polled(follower) == len(LINES)
    follower.save()
    follower.close()
    assert not (tmp_path / "state.lock").exists()
    assert polled(follower_of([tmp_path / "one.log"], tmp_path / "state")) == 0

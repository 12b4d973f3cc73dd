"""Good logs against bad ones: what is told is in the bad ones, and good ones differ little."""

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from isang.cli import app
from isang.detection.comparison.compare import Comparison, compare
from isang.detection.comparison.families import loudness_of
from isang.errors import InputError, UsageError

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "distributed_failures"
STEPS = ("fetching sources", "compiling module <n>", "linking target <n>", "running suite <n>", "suite <n> passed")


def build_log(
    path: Path, seed: int, *, rounds: int = 20, extra: dict[int, str] | None = None, without: str = ""
) -> str:
    """The log of a CI build: STEPS in each round with other numbers; `extra` lines behind a round."""
    chosen = random.Random(seed)
    lines = []
    for number in range(rounds):
        lines += [f"INFO {step.replace('<n>', str(chosen.randrange(10_000)))}" for step in STEPS if step != without]
        lines += [(extra or {})[number]] if number in (extra or {}) else []
    text = "".join(f"2026-04-01 10:{n // 60 % 60:02}:{n % 60:02} {line}\n" for n, line in enumerate(lines))
    path.write_text(text)
    return str(path)


def against_good(tmp_path: Path, bad: str, good: int = 2) -> Comparison:
    return compare([build_log(tmp_path / f"good{seed}.log", seed) for seed in range(good)], [bad])


@pytest.mark.parametrize("rounds", [10, 20, 2_000])
def test_good_logs_of_any_size_differ_in_nothing(tmp_path: Path, rounds: int) -> None:
    good, other = (build_log(tmp_path / f"{seed}.log", seed, rounds=rounds) for seed in (1, 2))
    found = compare([good], [other])
    assert (found.incidents, found.score) == ([], 0)


def test_a_new_line_at_error_comes_first_with_its_raw_line(tmp_path: Path) -> None:
    bad = build_log(
        tmp_path / "bad.log", 9, extra={3: "INFO cache is warm", 12: "ERROR linker ran out of memory at 17"}
    )
    (first, *_) = against_good(tmp_path, bad).incidents
    assert first.severity == "high"
    assert "ERROR linker ran out of memory at 17" in first.reasons[0]["line"]["text"]
    assert first.title.startswith("Linker ran out of memory at …: 1 line since 10:01:")
    assert "정상 로그 2개에는 없음" in first.title_ko


def test_what_is_missing_is_named_with_a_line_of_a_good_log(tmp_path: Path) -> None:
    (incident,) = against_good(tmp_path, build_log(tmp_path / "bad.log", 9, without="linking target <n>")).incidents
    assert incident.title == "Missing: Linking target …; in each of 2 good logs"
    assert "good" in incident.sources[0]


def test_more_and_fewer_lines_are_told_beyond_what_good_logs_do(tmp_path: Path) -> None:
    bad = build_log(tmp_path / "bad.log", 9, extra=dict.fromkeys(range(20), "INFO fetching sources"))
    titles = [incident.title for incident in against_good(tmp_path, bad).incidents]
    assert titles == ["Too many: Fetching sources: 40 lines; in good logs 20"]


def test_numbers_that_follow_the_load_are_no_incident(tmp_path: Path) -> None:
    """Each log has another mix of requests: of a kind there are up to twice as many as in another."""
    paths = ("search", "basket", "item", "image", "login", "help", "price", "stock", "order", "news")

    def log(name: str, seed: int) -> str:
        chosen = random.Random(seed)
        shares = [chosen.uniform(1, 2) for _ in paths]
        lines = [
            f"2026-04-01 10:{n // 60:02}:{n % 60:02} INFO {path} was asked for by client {n}"
            for n, path in enumerate(chosen.choices(paths, shares, k=1_500))
        ]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return str(tmp_path / name)

    good = [log(f"good{seed}.log", seed) for seed in range(3)]
    for seed in (3, 4):
        assert compare(good, [log("other.log", seed)]).incidents == []


def test_a_value_that_no_good_log_has_is_told(tmp_path: Path) -> None:
    def log(name: str, code: int) -> str:
        lines = [
            f"2026-04-01 10:00:{n % 60:02} INFO shard {n} answered with code={200 if n % 2 else code}"
            for n in range(60)
        ]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return str(tmp_path / name)

    found = compare([log("1.log", 201), log("2.log", 201)], [log("bad.log", 503)])
    assert any("503" in incident.title or "503" in str(incident.reasons) for incident in found.incidents)


def test_the_run_as_a_whole_is_measured_by_good_runs(tmp_path: Path) -> None:
    bad = build_log(tmp_path / "bad.log", 9, extra={12: "ERROR linker ran out of memory"})
    found = against_good(tmp_path, bad, good=4).verdict
    assert found is not None
    assert found.p_value == 1 / 5
    assert found.good_scores == (0, 0, 0, 0)
    quiet = against_good(tmp_path, build_log(tmp_path / "other.log", 10), good=4).verdict
    assert quiet is not None
    assert quiet.p_value == 1
    single = against_good(tmp_path, bad, good=1).verdict
    assert single is not None
    assert single.p_value is None
    assert "cannot be decided" in single.says


def test_logs_that_cannot_be_compared_are_refused_in_words(tmp_path: Path) -> None:
    good = build_log(tmp_path / "good.log", 1)
    (tmp_path / "empty.log").write_text("")
    with pytest.raises(UsageError, match="behind --with"):
        compare([good], [])
    with pytest.raises(InputError, match="named twice"):
        compare([good], [good])
    with pytest.raises(UsageError, match="is empty"):
        compare([good], [str(tmp_path / "empty.log")])


def test_the_command_takes_several_bad_logs_and_writes_one_document(tmp_path: Path) -> None:
    good = [build_log(tmp_path / f"good{seed}.log", seed) for seed in range(2)]
    bad = [build_log(tmp_path / f"bad{seed}.log", seed, extra={5: "ERROR disk is full"}) for seed in (7, 8)]
    result = CliRunner().invoke(app, ["compare", *good, "--with", *bad, "--json", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["schema"] == 1
    assert found["bad"] == bad
    assert found["incidents"][0]["severity"] == "high"
    assert json.loads((tmp_path / "out" / "incidents.json").read_text()) == found


def test_loudness_is_of_levels_and_words() -> None:
    assert loudness_of("[main] - ERROR - it broke", None) == 3
    assert loudness_of("it broke", "INFO") == 1
    assert loudness_of("all is well", "WARN") == 2
    assert loudness_of("all is well", None) == 0


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data/distributed_failures")
def test_a_real_failure_is_first_and_good_runs_differ_little() -> None:
    one, two, bad = (str(DATA / "hdfs-12248" / f"{name}.log.zst") for name in ("good_1", "good_2", "bad"))
    assert len(compare([one], [two]).incidents) <= 1
    assert "Exception in doCheckpoint" in compare([one], [bad]).incidents[0].reasons[0]["line"]["text"]

"""The library's objects say what the stages on folders say, from whatever holds the logs."""

import re
import runpy
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import isang
from isang import stages
from isang.api import Anomalies
from isang.api.logs import as_files
from isang.config import Config, ModelConfig, TrainingConfig
from isang.errors import InputError, UsageError
from tests.synthetic import shop_dataset, shop_log

CONFIG = Config(
    model=ModelConfig(layers=1, width=32, heads=2, positions=64),
    training=TrainingConfig(min_steps=60, epochs=1, learning_rate=3e-3),
)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`normal.log` to learn from, `today.log` with faults, and a training log."""
    folder = tmp_path_factory.mktemp("api")
    (folder / "logs").mkdir()
    (folder / "logs" / "normal.log").write_text(shop_log(shop_dataset(400)))
    (folder / "today.log").write_text(shop_log(shop_dataset(300, seed=1, anomalous_every=10)))
    losses = (f'{{"step": {step}, "loss": {2 / (1 + step / 20):.4f}}}\n' for step in range(1, 200))
    (folder / "train.jsonl").write_text("".join(losses))
    return folder


@pytest.fixture(scope="module")
def detector(place: Path) -> isang.Detector:
    return isang.Detector.fit(place / "logs", config=CONFIG)


@pytest.fixture(scope="module")
def found(detector: isang.Detector, place: Path) -> Anomalies:
    return detector.detect(place / "today.log")


def test_it_finds_what_the_stage_finds(detector: isang.Detector, found: Anomalies, place: Path) -> None:
    detector.save(place / "model")
    staged = stages.detect(place / "model", [place / "today.log"])
    assert len(found) == len(staged.anomalies) > 5
    assert [anomaly.to_dict() for anomaly in found] == staged.anomalies
    assert [incident.fingerprint for incident in found.incidents] == [entry.fingerprint for entry in staged.incidents]
    again = isang.Detector.load(place / "model").detect(place / "today.log")
    assert [anomaly.to_dict() for anomaly in again] == staged.anomalies


def test_an_anomaly_shows_its_lines_and_itself(found: Anomalies) -> None:
    new = next(anomaly for anomaly in found if "disk failed" in "".join(anomaly.lines))
    assert new.session_id in repr(new)
    assert "disk failed" in new._repr_html_()
    assert new["p_value"] == new.p_value == pytest.approx(10**-new.score)
    assert repr(found).startswith(f"<{len(found)} anomalies of 300 sessions")
    assert "<script" not in isang.Anomaly(new.to_dict() | {"session_id": "<script>"})._repr_html_()
    frame = found.to_frame()
    assert frame["session_id"].to_list() == [anomaly.session_id for anomaly in found]
    assert frame["start"].dtype == pl.Datetime("us", "UTC")


def test_all_sessions_have_scores_and_the_anomalous_ones_are_those_found(
    detector: isang.Detector, found: Anomalies, place: Path
) -> None:
    table = detector.score(place / "today.log")
    assert len(table) == found.sessions == 300
    assert set(table.filter("anomalous")["session_id"]) == {anomaly.session_id for anomaly in found}
    assert (detector.predict(place / "today.log") == np.where(table["anomalous"], -1, 1)).all()
    assert np.allclose(detector.score_samples(place / "today.log"), -table["score"].to_numpy())


def columns_of(lines: list[str]) -> dict[str, list[str]]:
    """The columns `time`, `level` and `message` of the shop's lines."""
    parts = [re.fullmatch(r"(\S+ \S+) (\w+) \[web\] shop.Service: (.*)", line) for line in lines]
    return {
        name: [part[number] for part in parts if part] for number, name in enumerate(("time", "level", "message"), 1)
    }


def test_lines_and_frames_are_read_as_the_file_is(detector: isang.Detector, found: Anomalies, place: Path) -> None:
    lines = (place / "today.log").read_text().splitlines()
    ids = [anomaly.session_id for anomaly in found]
    assert [anomaly.session_id for anomaly in detector.detect(lines)] == ids
    rows = columns_of(lines)
    assert len(rows["message"]) == len(lines)
    for frame in (pl.DataFrame(rows), pd.DataFrame(rows)):
        assert [anomaly.session_id for anomaly in detector.detect(frame)] == ids


@pytest.mark.parametrize("kind", ["lines", "pandas", "dataset"])
def test_it_learns_the_same_from_whatever_holds_the_logs(
    detector: isang.Detector, found: Anomalies, place: Path, tmp_path: Path, kind: str
) -> None:
    normal, today = ((place / name).read_text().splitlines() for name in ("logs/normal.log", "today.log"))
    if kind == "dataset":
        stages.prepare([place / "logs"], tmp_path / "data", config=CONFIG)
        learned, seen = isang.Detector.fit(tmp_path / "data", config=CONFIG), place / "today.log"
    elif kind == "pandas":
        learned = isang.Detector.fit(pd.DataFrame(columns_of(normal)), config=CONFIG)
        seen = pd.DataFrame(columns_of(today))
    else:
        learned, seen = isang.Detector.fit((f"{line}\n" for line in normal), config=CONFIG), iter(today)
    assert set(learned.templates) == set(detector.templates)
    assert [anomaly.session_id for anomaly in learned.detect(seen)] == [anomaly.session_id for anomaly in found]


def test_a_stream_finds_the_sessions_that_the_whole_log_has(
    detector: isang.Detector, found: Anomalies, place: Path
) -> None:
    def lines() -> Iterator[str]:
        with (place / "today.log").open() as file:
            yield from file

    streamed = {anomaly.session_id for anomaly in detector.stream(lines())}
    wanted = {anomaly.session_id for anomaly in found}
    assert {
        name for name in wanted if "disk failed" in "".join(next(a for a in found if a.session_id == name).lines)
    } <= streamed
    assert len(streamed & wanted) >= 0.9 * len(wanted)


def test_two_threads_get_what_one_gets(detector: isang.Detector, found: Anomalies, place: Path) -> None:
    results: list[list[str]] = []

    def look() -> None:
        results.append([anomaly.session_id for anomaly in detector.detect(place / "today.log")])

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[anomaly.session_id for anomaly in found]] * 2


def test_logs_that_are_none_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to read"), as_files([]):
        pass
    with pytest.raises(UsageError, match="got bytes"), as_files([b"line"]):
        pass
    with pytest.raises(UsageError, match="needs a column message, got text"), as_files(pl.DataFrame({"text": ["a"]})):
        pass


def test_a_report_has_findings_plots_and_pages(place: Path) -> None:
    report = isang.Report(place / "train.jsonl")
    assert report.findings["decreasing"].verdict == "ok"
    assert report.plot("loss").axes
    assert "<html" in report.to_html("ko")
    assert report.to_dict()["name"] == report.name
    assert "decreasing" in report._repr_html_()
    with pytest.raises(UsageError, match="there is no plot 'nonsense'; there are loss_per_step"):
        report.plot("nonsense")


def test_the_page_about_python_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    code = "\n".join(blocks).replace('fit("logs/")', 'fit("logs/", config=CONFIG)')
    assert "config=CONFIG" in code
    monkeypatch.chdir(place)
    (place / "page.py").write_text(f"from tests.test_api import CONFIG\n{code}".replace('"model"', '"page-model"'))
    runpy.run_path(str(place / "page.py"))
    assert "<Anomaly" in capsys.readouterr().out

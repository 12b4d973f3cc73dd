"""Sessions of which none is an alert for itself, and that are too many to be normal."""

import math
from pathlib import Path

import numpy as np
import pytest

from isang import stages
from isang.artifact import load_model, rules_of
from isang.config import Config, ModelConfig
from isang.detection.batch import judge_logs
from isang.detection.detectors import detectors_of
from isang.detection.threshold.decisions import judge
from isang.detection.whole.many_sessions import Many, as_many, told
from isang.logs.prepare import prepare


def test_the_chance_by_hand() -> None:
    """Of four sessions that are drawn alike the two strangest are the two judged ones in one of six cases."""
    assert as_many(2, 2, 0, 2) == pytest.approx(math.sqrt(1 / 6))
    assert as_many(1, 1, 0, 3) == pytest.approx(math.sqrt(1 / 4))
    assert as_many(1, 2, 1, 2) == pytest.approx(math.sqrt(5 / 6))
    assert as_many(0, 5, 0, 5) == 1.0


def test_sessions_that_are_alike_are_seldom_too_many() -> None:
    generator, raised = np.random.default_rng(0), 0
    for _ in range(2_000):
        normal, judged = generator.normal(size=20), generator.normal(size=40)
        raised += as_many(int((judged > normal.max()).sum()), 40, 0, 20) <= 0.05
    assert raised / 2_000 <= 0.05


def log(path: Path, day: int, sessions: int, failing: dict[int, str]) -> Path:
    """Orders of three lines; those of `failing` have a further line."""
    lines = []
    for number in range(sessions):
        clock = f"2026-05-{day:02} 10:{number // 60:02}:{number % 60:02}"
        lines += [
            f"{clock} INFO [order={day}f{number:04}] order received",
            f"{clock} INFO [order={day}f{number:04}] stock taken",
        ]
        if number in failing:
            lines.append(f"{clock} ERROR [order={day}f{number:04}] {failing[number]}")
        lines.append(f"{clock} INFO [order={day}f{number:04}] order sent")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose last held-out sessions had one new error, a normal log and one with another error in most."""
    folder = tmp_path_factory.mktemp("many")
    learned = log(folder / "learned.log", 1, 400, {190: "printer jammed"})
    stages.prepare([learned], folder / "data")
    stages.train(folder / "data", folder / "run", config=Config(model=ModelConfig(encoder=False)), with_report=False)
    log(folder / "normal.log", 2, 60, {7: "label lost"})
    log(folder / "failing.log", 3, 60, dict.fromkeys(range(20, 58), "courier refused the parcel"))
    return folder


def test_an_error_in_most_sessions_is_told_though_one_alone_is_no_alert(folder: Path) -> None:
    model = load_model(folder / "run")
    normal, failing = (judge_logs(model, [folder / name]) for name in ("normal.log", "failing.log"))
    assert normal.incidents == []
    assert failing.anomalies == []
    (incident,) = failing.incidents
    assert incident.title.endswith("courier refused the parcel: 38 sessions since 10:00; before, 1 of 40")
    assert incident.reasons[0]["line"]["text"].endswith("courier refused the parcel")
    assert incident.reasons[0]["p_value"] < 0.02


def test_a_detector_without_a_reason_tells_nothing(folder: Path) -> None:
    model = load_model(folder / "run")
    logs = prepare([str(folder / "failing.log")], model.config.logs, rules=rules_of(model))
    judged = judge(model, logs.dataset)
    ends = {
        detector.name: told(model, logs, judged, Many(number, np.array([0, 1, 2]), 0, 20, 0.001))
        for number, detector in enumerate(detectors_of(model))
    }
    assert ends["unseen_event"] is None, "these three sessions have no new line"
    assert all(incident is None or incident.reasons for incident in ends.values())

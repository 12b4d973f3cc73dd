"""Anomalies, incidents and figures that workers find equal those of one process."""

import random
from pathlib import Path

import pytest

from isang import stages
from isang.artifact import Model, load_model
from isang.config import Config, ModelConfig, TrainingConfig
from isang.detection.batch import judge_logs
from isang.detection.evaluation.evaluate import evaluate
from isang.distributed.engine import Ray
from isang.distributed.prepare import preparation_on
from isang.distributed.scoring import scored_on
from isang.logs.store import read_dataset

STEPS = ("request accepted", "stock looked up in {n} ms", "price worked out", "payment of {n} taken", "order sent")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,200 orders; of the last 300 each fortieth ends with a refused payment."""
    chosen, lines = random.Random(11), []
    for order in range(1_200):
        steps = [step for step in STEPS for _ in range(1 + (chosen.random() < 0.1))]
        if order > 900 and order % 40 == 0:
            steps[-2:] = ["payment refused by the bank", "order given up"]
        for place, step in enumerate(steps):
            second = 3 * order + place
            time = f"2026-03-01 {second // 3600:02d}:{second % 3600 // 60:02d}:{second % 60:02d}"
            said = step.format(n=chosen.randrange(1000))
            lines.append(f"{time},000 INFO [main] shop.orders: order_id=o{order:05d} {said}")
    path = tmp_path_factory.mktemp("orders") / "orders.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(log: Path) -> Path:
    """A data folder and a run folder beside the log."""
    config = Config(
        model=ModelConfig(layers=1, width=16, heads=2, positions=64), training=TrainingConfig(min_steps=60, epochs=1)
    )
    stages.prepare([log], log.parent / "data", config=config)
    stages.train(log.parent / "data", log.parent / "run", config=config, with_report=False)
    return log.parent / "run" / "model"


def test_anomalies_and_figures_equal_those_of_one_process(log: Path, trained: Path, ray_engine: Ray) -> None:
    model, ray = load_model(trained), Ray(2)
    spread: Model = scored_on(ray, load_model(trained), trained)  # its own: a copy would share the model's answers
    alone, together = judge_logs(model, [log]), judge_logs(spread, [log], preparation=preparation_on(ray))
    assert alone.anomalies
    assert together.anomalies == alone.anomalies
    assert [each.to_dict() for each in together.incidents] == [each.to_dict() for each in alone.incidents]
    assert (together.p_values == alone.p_values).all()
    dataset = read_dataset(trained.parent.parent / "data")
    assert evaluate(spread, dataset) == evaluate(model, dataset)
    assert ray.actors, "the encoder ran in the workers"

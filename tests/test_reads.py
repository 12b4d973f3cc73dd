"""`isang run` reads each raw log once, apart from the beginning that shows its layout and the lines that are shown."""

from pathlib import Path

import pytest

from isang import stages
from isang.config import Config, ModelConfig, TrainingConfig
from tests.reads import counted_reads
from tests.synthetic import shop_dataset, shop_labels, shop_log

CONFIG = Config(
    model=ModelConfig(layers=1, width=32, heads=2, positions=64),
    training=TrainingConfig(min_steps=60, epochs=1, learning_rate=3e-3),
)
SAMPLE_BYTES = 5 << 20


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names of open files come from /proc")
def test_run_reads_each_log_once_and_detect_reads_a_dataset_alone(tmp_path: Path) -> None:
    dataset = shop_dataset(500, anomalous_every=25)
    lines, labels = shop_log(dataset).splitlines(), tmp_path / "labels.csv"
    labels.write_text(shop_labels(dataset))  # measured, a small log is not compared with itself
    (tmp_path / "shop.log").write_text("\n".join(f"{line}\n  at {'x' * 4000}" for line in lines))
    size = (tmp_path / "shop.log").stat().st_size
    assert size > 2 * SAMPLE_BYTES
    with counted_reads() as read:
        finished = stages.run([tmp_path / "shop.log"], tmp_path / "out", config=CONFIG, labels=labels)
    assert finished.detected.anomalies
    assert size <= read["shop.log"] < size + SAMPLE_BYTES + size / 4
    with counted_reads() as read:
        again = stages.detect(tmp_path / "out" / "run" / "model", [tmp_path / "out" / "data"])
    assert 0 < read["shop.log"] < size / 4
    assert again.anomalies == finished.detected.anomalies
    (tmp_path / "shop.log").unlink()
    gone = stages.detect(tmp_path / "out" / "run" / "model", [tmp_path / "out" / "data"])
    for shown, before in zip(gone.anomalies, again.anomalies, strict=True):
        assert shown["session_id"] == before["session_id"]
        line = next(reason["line"] for reason in shown["reasons"] if reason["line"])
        assert line["text"] == line["template"]

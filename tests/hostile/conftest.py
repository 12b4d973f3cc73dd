"""A run over a log whose lines, names and labels steer terminals and hide text."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands import isang
from tests.synthetic import shop_dataset, shop_labels, shop_log

HOSTILE = "\x1b]0;pwn\x07\x1b[2J\x9b31m\u202egnp\u2066\u200b\x7f\x00\x08\ufeff\U000e0041<script>alert(1)</script>"
NAME = "shop\x1b[31m\u202e\x9b\nisang: all is well.log"
SETTINGS = """
[model]
preset = "tiny"
[training]
min_steps = 20
epochs = 1
learning_rate = 3e-3
"""


@dataclass(frozen=True)
class Place:
    """Where the run lies and what it said."""

    log: Path
    labels: Path
    settings: Path
    out: Path
    said: str


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """`isang run` over the hostile log of 160 sessions, tiny and short."""
    folder = tmp_path_factory.mktemp("hostile")
    dataset = shop_dataset(160, anomalous_every=10)
    made = Place(folder / NAME, folder / "labels.csv", folder / "isang.toml", folder / "out", "")
    text = shop_log(dataset).replace("disk failed", f"disk {HOSTILE} failed").replace("cache", f"cache {HOSTILE}")
    made.log.write_text(text, encoding="utf-8", newline="")
    labels = shop_labels(dataset).replace("label", "label,kind").replace("Anomaly", f"Anomaly,fault {HOSTILE}")
    made.labels.write_text(labels, encoding="utf-8", newline="")
    made.settings.write_text(SETTINGS)
    result = isang("run", made.log, "--labels", made.labels, "--out", made.out, "--config", made.settings)
    assert result.returncode == 0, result.stderr
    return Place(made.log, made.labels, made.settings, made.out, result.stdout + result.stderr)

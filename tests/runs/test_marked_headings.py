"""A heading behind a mark of comments, and a rate that ends low while the loss still falls."""

from pathlib import Path

import numpy as np

from isang.runs.findings import judge
from isang.runs.read.folders import read_runs


def _table(folder: Path, losses: np.ndarray) -> Path:
    rates = 1e-3 * 3.5e-5 ** (np.arange(400) / 400)
    rows = [
        f"{1000 * n:7d}    {loss:.3e}    {rate:.1e}" for n, (loss, rate) in enumerate(zip(losses, rates, strict=True))
    ]
    file = folder / "curve.out"
    file.write_text(
        "\n".join(["#  step      loss_trn         lr", "# where there are no data, nan is printed", *rows]) + "\n"
    )
    return file


def _schedule(file: Path) -> tuple[str, str]:
    (run,) = read_runs(file)
    assert len(run.column(run.loss)) == 400
    (found,) = (finding for finding in judge(run) if finding.id == "schedule")
    return found.verdict, found.statement["en"]


def test_a_rate_is_not_nearly_zero_while_the_loss_falls(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).lognormal(0, 0.05, 400)
    verdict, said = _schedule(_table(tmp_path, (18 * 0.99 ** np.arange(400) + 0.1) * noise))
    assert "nearly" not in said
    assert verdict != "problem"


def test_a_rate_is_nearly_zero_where_the_loss_stands(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).lognormal(0, 0.05, 400)
    verdict, said = _schedule(_table(tmp_path, (18 * 0.95 ** np.arange(400) + 1) * noise))
    assert verdict == "problem"
    assert "(nearly) zero for the last" in said


def test_a_monitor_s_returns_are_read_below_its_settings(tmp_path: Path) -> None:
    rows = [f"{20 + n}.0,{20 + n},{n * 0.5}" for n in range(60)]
    (tmp_path / "monitor.csv").write_text("\n".join(['#{"t_start": 1.5, "env_id": "cart"}', "r,l,t", *rows]) + "\n")
    (run,) = read_runs(tmp_path / "monitor.csv")
    assert (run.maximised, run.loss_name) == (True, "episode_reward")
    assert run.column(run.loss)[[0, -1]].tolist() == [20.0, 79.0]

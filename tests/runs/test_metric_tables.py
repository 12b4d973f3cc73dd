"""The tables of a run that is judged by a figure which is better the higher it is."""

from pathlib import Path

from isang.runs.read.folders import read_runs
from isang.runs.report.judge import judged
from isang.runs.text import tables


def test_a_rising_metric_is_shown_as_a_rise(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        "epoch,steps,accuracy\n" + "".join(f"{n // 20 + 1},{n + 1},{0.5 + 0.01 * (n % 41)}\n" for n in range(60))
    )
    (run,) = read_runs(log)
    report = judged(run)
    curves = tables.curves(report, "en")
    assert curves.header == ("Curve", "Initial", "Final", "Change", "Best", "at step")
    assert curves.rows[0][1:] == ("0.5000", "0.6800", "+36.00 %", "0.9000", "41")
    epochs = tables.epoch_rows(report, "en")
    assert list(epochs.header)[2:5] == ["Mean metric", "Change", "Cumulative change"]
    assert epochs.rows[1][3] == "+33.6 %"
    assert tables.curves_note(report, "en") == ""

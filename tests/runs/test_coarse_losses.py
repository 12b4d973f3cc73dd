"""A loss that is printed with too few digits to see whether it still changes."""

from pathlib import Path

import numpy as np
import pytest

from isang.runs.findings import judge
from isang.runs.read.folders import read_runs


def _verdict(folder: Path, digits: int) -> tuple[str, str]:
    rng = np.random.default_rng(0)
    losses = 1.75 + 7.2 * (1 + np.arange(400) / 6) ** -0.75 + 0.02 * rng.standard_normal(400)
    text = "step,loss\n" + "".join(f"{50 * (n + 1)},{loss:.{digits}f}\n" for n, loss in enumerate(losses))
    (folder / "log.csv").write_text(text)
    (run,) = read_runs(folder / "log.csv")
    (found,) = (finding for finding in judge(run) if finding.id == "convergence")
    return found.verdict, found.statement["en"]


@pytest.mark.parametrize(("digits", "coarse"), [(1, True), (3, False), (6, False)])
def test_convergence_is_not_claimed_of_what_the_digits_hide(digits: int, coarse: bool, tmp_path: Path) -> None:
    verdict, said = _verdict(tmp_path, digits)
    assert ("printed in steps of 0.1" in said) == coarse
    assert verdict != "ok"

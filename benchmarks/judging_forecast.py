"""How wrong the forecasts of a run's rest are, and how often their intervals hold; a table of `judging.py`."""

from pathlib import Path

import numpy as np

from isang.errors import InputError
from isang.runs.read.folders import read_runs
from isang.runs.read.table import Floats, RunTable
from isang.runs.statistics.forecast import INTERVAL, Prediction, predict

CUTS = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Parts of a run after which the rest is forecast."""


def forecasts(data: Path) -> None:
    """The rest of real and simulated runs, under the planned rates; priors and width were set on the first nine."""
    print("\nForecast from half the run, multipowerlaw_25m (targets: coverage 85-95 %, median error 0.5 %)")
    nine = [read_runs(path)[0] for path in sorted((data / "multipowerlaw_25m").glob("*.csv"))]
    tried = [[_forecast_from(table, cut) for cut in CUTS] for table in nine]
    half = CUTS.index(0.5)
    left_out = []
    for index, (table, cuts) in enumerate(zip(nine, tried, strict=True)):
        error, needed = cuts[half]
        others = [part for other in tried[:index] + tried[index + 1 :] for _, part in other]
        left_out.append(np.mean(needed <= np.quantile(others, INTERVAL)))
        print(
            f"  {table.name:24s} error at the end {error[-1]:.2f} %, covered {100 * np.mean(needed <= 1):.0f} %, "
            f"with the width learned on the other eight {100 * left_out[-1]:.0f} %"
        )
    errors = np.concatenate([cuts[half][0] for cuts in tried])
    print(
        f"  all: median error {np.median(errors):.2f} %, coverage {_covered([cuts[half] for cuts in tried])}, "
        f"leave-one-out {100 * np.mean(left_out):.1f} %"
    )
    shares = [_covered([cuts[place] for cuts in tried]) for place in range(len(CUTS))]
    print(f"  coverage after {', '.join(f'{cut:.0%}' for cut in CUTS)} of the run: {', '.join(shares)}")
    rest = [table for path in logs(data) if path.parent.name != "multipowerlaw_25m" for table in _foreseeable(path)]
    shares = [_covered([_forecast_from(table, cut) for table in rest]) for cut in CUTS]
    print(f"  {len(rest)} other real runs, means of elevenths of the rest: {', '.join(shares)}")
    simulated = [_simulated_forecast(seed) for seed in range(400)]
    print(f"  400 simulated runs from half: {_covered(simulated)}")


def _covered(forecast: list[tuple[Floats, Floats]]) -> str:
    return f"{100 * np.mean(np.concatenate([needed for _, needed in forecast]) <= 1):.1f} %"


def _foreseeable(path: Path) -> list[RunTable]:
    """The runs of a log with at least 60 losses, all positive."""
    try:
        tables = read_runs(path)
    except InputError:
        return []
    losses = [(table, table.column(table.loss)) for table in tables]
    return [table for table, loss in losses if np.isfinite(loss).sum() >= 60 and np.nanmin(loss) > 0]


def _forecast_from(table: RunTable, cut: float) -> tuple[Floats, Floats]:
    """Errors in % and in half-widths of the interval, for eleven means of what comes after the cut."""
    steps, loss = table.points(table.loss)
    rate_steps, rates = table.points("learning_rate")
    if not len(rates):
        rate_steps, rates = steps[[0, -1]].astype(float), np.ones(2)
    known = int(cut * len(loss))
    blocks = np.array_split(np.arange(known, len(loss)), 11)
    ahead, came = (np.array([x[block].mean() for block in blocks]) for x in (steps, loss))
    return _missed(predict(steps[:known], loss[:known], rate_steps.astype(float), rates, ahead), came)


def _missed(said: Prediction, came: Floats) -> tuple[Floats, Floats]:
    half_width = np.where(came > said.loss, said.high - said.loss, said.loss - said.low)
    return 100 * np.abs(said.loss / came - 1), np.abs(came - said.loss) / half_width


def _simulated_forecast(seed: int) -> tuple[Floats, Floats]:
    """A power law of the rates' area, less what a lower rate brings at once, with noise.

    The rates are constant, a cosine, a late decay or linear."""
    rng = np.random.default_rng([seed, 7])
    n, every = int(rng.integers(60, 600)), float(rng.choice([1.0, 10.0, 100.0]))
    part = np.arange(1, n + 1) / n
    shapes = (
        np.ones(n),
        0.525 + 0.475 * np.cos(np.pi * part),
        np.where(part < 0.8, 1, (1 - part) / 0.2),
        1 - 0.9 * part,
    )
    rates = np.minimum(shapes[seed % 4], part / 0.02)
    area = np.cumsum(rates) / n + 0.02
    floor, gain = rng.uniform(0.5, 3), rng.uniform(0.05, 1)
    curve = floor + gain * (area / area[n // 2]) ** -rng.uniform(0.2, 1)
    curve -= rng.uniform(0, 0.06) * floor * (1 - rates / np.maximum.accumulate(rates))
    loss = curve * (1 + rng.uniform(0.001, 0.03) * rng.standard_normal(n))
    steps, known = np.arange(1, n + 1) * every, n // 2
    ahead = np.unique(np.linspace(known, n - 1, 11).astype(int))
    return _missed(predict(steps[:known], loss[:known], steps, 1e-3 * rates, steps[ahead]), curve[ahead])


def logs(data: Path) -> list[Path]:
    """All files of real logs."""
    return sorted(path for path in data.rglob("*") if path.is_file() and path.name != "README.md")

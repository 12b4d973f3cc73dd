"""The medians that spikes stand out from, against their definition."""

import numpy as np
import pytest

from isang.runs.statistics import spikes
from isang.runs.statistics.spikes import WINDOW


@pytest.mark.parametrize("count", [60, 61, 500])
@pytest.mark.parametrize("logarithmic", [False, True])
def test_medians_of_stretches_are_those_of_the_values_around_and_before(count: int, logarithmic: bool) -> None:
    loss = np.random.default_rng(count).gamma(2.0, size=count).round(3) + 0.01
    curve = spikes._Curve(loss, logarithmic)
    values = np.log(loss) if logarithmic else loss
    half = WINDOW // 2
    around = np.array([np.median(values[max(0, i - half) : i + half + 1]) for i in range(count)])
    before = np.array([np.median(values[max(0, i - WINDOW) : i]) if i > half else around[i] for i in range(count)])
    for size in (1, 7, 64, count):  # borders of stretches fall everywhere
        stretches = [(start, min(start + size, count)) for start in range(0, count, size)]
        running = np.concatenate([spikes._running_median(curve, *stretch) for stretch in stretches])
        past = np.concatenate([spikes._past_median(curve, *stretch) for stretch in stretches])
        np.testing.assert_array_equal(running, around)
        np.testing.assert_array_equal(past, before)

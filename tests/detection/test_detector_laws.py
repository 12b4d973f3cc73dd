"""The laws of `isang.testing.check_detector`, on each detector and the fault that it exists for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from isang.artifact import Model
from isang.detection.detectors import DETECTORS
from isang.detection.detectors.contract import Detector
from isang.logs.store import Dataset
from isang.testing import check_detector, dataset_of
from tests.synthetic import BROWSE, ORDER, RARE, STEPS, shop_dataset


@dataclass(frozen=True)
class Fault:
    """Sessions with one fault, in events of STEPS."""

    events: Sequence[int]
    culprit: int | None = None
    """The place of the faulty line, where there is one."""
    slow: int | None = None
    """The place of a line that comes late."""


FAULTS = {
    "unseen_event": Fault([0, 1, 2, 3, 12, 5, 6, 7, 8, 9], 4),
    "rare_event": Fault([0, 1, 2, 13, 10, 11], 3),
    "failure_lines": Fault([0, 1, 2, 12, 10, 11], 3),
    "masked_event": Fault([0, 1, 2, 3, 4, 11, 6, 7, 8, 9], 5),
    "missing_event": Fault([0, 2, 10, 11]),
    "early_end": Fault([0, 1, 2, 3], 3),
    "event_counts": Fault([0, 1, 2, 3, 4, 5, 8, 9]),
    "repeated_event": Fault([0, 1, 2, 3, 4, 5, *[6] * 60, 7, 8, 9], 65),
    "transition": Fault([0, 1, 2, 3, 4, 6, 5, 7, 8, 9]),
    "event_order": Fault([0, 1, 2, 3, 4, 5, 7, 6, 8, 9], 6),
    "companion": Fault([0, 1, 2, 3, 4, 5, 6, 8, 9]),
    "context_order": Fault([0, 1, 2, 4, 3, 10, 11], 3),
    "time_gap": Fault(ORDER, 6, slow=6),
    "burst": Fault(BROWSE),
}
TEXTS = (*STEPS, RARE, "cache was emptied by hand")


def test_each_detector_has_a_fault() -> None:
    assert list(FAULTS) == [detector.name for detector in DETECTORS]


@pytest.fixture(scope="module")
def normal() -> list[list[int]]:
    """Orders and visits; of visits that ask the stock too, those that compute a price get its answer first."""
    generator = np.random.default_rng(0)
    kinds = [list(ORDER), list(BROWSE), [0, 1, 2, 3, 4, 10, 11], [0, 1, 2, 5, 4, 3, 10, 11]]
    sessions = [kinds[kind] for kind in generator.choice(4, 800, p=[0.5, 0.3, 0.1, 0.1])]
    sessions[100] = [0, 1, 2, 13, 10, 11]
    return sessions


def in_words(sessions: list[list[int]]) -> Dataset:
    return dataset_of([[TEXTS[event] for event in events] for events in sessions])


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_the_laws_hold(detector: Detector, normal: list[list[int]], trained: Model) -> None:
    fault = FAULTS[detector.name]
    gaps = [0, *[10] * (len(fault.events) - 1)]
    if fault.slow is not None:
        gaps[fault.slow] = 600_000
    number = 20
    faulty = dataset_of(
        [[TEXTS[event] for event in fault.events]] * number,
        gaps_ms=[gaps] * number,
        levels={RARE: "ERROR"},
        every_seconds=0.2 if detector.name == "burst" else 60.0,
    )
    asks_encoder = detector.name in ("masked_event", "missing_event", "early_end")
    known = shop_dataset(800, seed=1) if asks_encoder else in_words(normal)
    check_detector(
        detector,
        normal=known,
        faulty=faulty,
        culprits=None if fault.culprit is None else [fault.culprit] * number,
        model=trained if asks_encoder else None,
    )


class Mute:
    """Keeps no law."""

    name = "mute"
    unit = "nothing"
    least_scale = 1.0
    allowance = 0.0
    learned = False
    asks_encoder = False
    timed = False
    tested = True
    unsuspicious = 0.0

    def fit(self, sessions):  # type: ignore[no-untyped-def]
        from isang.detection.detectors.contract import NO_TABLE

        return NO_TABLE

    def can_tell(self, fitted):  # type: ignore[no-untyped-def]
        return True

    def score(self, evidence):  # type: ignore[no-untyped-def]
        return np.zeros(len(evidence.sessions))

    def reasons(self, case):  # type: ignore[no-untyped-def]
        return []


class Loud(Mute):
    """Finds everything strange that is later."""

    def score(self, evidence):  # type: ignore[no-untyped-def]
        return np.arange(len(evidence.sessions)) * 1e6 + np.random.default_rng().random()


def test_a_detector_that_breaks_a_law_is_told_which(normal: list[list[int]]) -> None:
    datasets = {"normal": in_words(normal), "faulty": dataset_of([[TEXTS[0]]] * 3)}
    with pytest.raises(AssertionError, match="3 of 3 planted faults are no alert"):
        check_detector(Mute(), **datasets)
    with pytest.raises(AssertionError):
        check_detector(Loud(), **datasets)

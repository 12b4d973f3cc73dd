"""Reasons name the line that a fault was planted at, say what was expected, and do not repeat each other."""

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.detectors import DETECTORS
from isang.detection.detectors.contract import Reason
from isang.detection.explain import explain
from isang.detection.threshold.decisions import Judged, judge
from isang.logs.store import Dataset
from tests.synthetic import BROWSE, ORDER, RARE_EVENT, STEPS

UNSEEN_LINES = [0, 1, 2, 3, RARE_EVENT, 5, 6, RARE_EVENT, 8, 9]
PAYMENT_MISSING = [0, 1, 2, 3, 4, 5, 8, 9]
EARLY_END = [0, 1, 2, 3]
SWAPPED = [0, 1, 2, 3, 4, 5, 7, 6, 8, 9]
REPEATED = [*BROWSE[:4], *[10] * 6, 11]


def reasons_for(model: Model, dataset: Dataset, events: list[int]) -> tuple[Judged, list[Reason]]:
    """A session in the place of the last one of the dataset, and the reasons for it."""
    gaps = [0, *[10] * (len(events) - 1)]
    changed = dataset.sessions.tail(1).with_columns(
        events=pl.Series([events], dtype=pl.List(pl.Int32)), gaps_ms=pl.Series([gaps], dtype=pl.List(pl.Int32))
    )
    judged = judge(model, Dataset(changed, dataset.templates, dataset.meta))
    assert judged.decisions[0].anomalous
    return judged, explain(model, judged, 0, events, most=5)


def named(reasons: list[Reason]) -> list[int]:
    """Places of the lines that the reasons object to."""
    return [reason.position for reason in reasons if reason.position is not None and not reason.after]


def test_unseen_lines_are_named_once_with_their_number(trained: Model, dataset: Dataset) -> None:
    _, reasons = reasons_for(trained, dataset, UNSEEN_LINES)
    assert reasons[0].detector == "unseen_event"
    assert reasons[0].position == UNSEEN_LINES.index(RARE_EVENT)
    assert reasons[0].detail["times"] == 2
    assert named(reasons).count(4) == 1
    assert not [
        item for reason in reasons for item in reason.detail.get("extra", ()) if "never seen" in item["template"]
    ]


def test_what_is_missing_is_named_with_the_line_that_it_should_follow(trained: Model, dataset: Dataset) -> None:
    _, reasons = reasons_for(trained, dataset, PAYMENT_MISSING)
    gap = PAYMENT_MISSING.index(5)
    assert gap in [reason.position for reason in reasons if reason.after]
    said = [item["template"] for reason in reasons for item in reason.detail.get("missing", ())]
    said += [item["template"] for reason in reasons for item in reason.detail.get("expected", ())[:1]]
    assert STEPS[6] in said


def test_an_early_end_is_named_with_the_last_line(trained: Model, dataset: Dataset) -> None:
    _, reasons = reasons_for(trained, dataset, EARLY_END)
    assert reasons[0].after
    assert reasons[0].position == len(EARLY_END) - 1
    assert named(reasons) == [], "no line of it is strange in itself"


def test_a_line_out_of_its_place_is_named_first(trained: Model, dataset: Dataset) -> None:
    _, reasons = reasons_for(trained, dataset, SWAPPED)
    assert named(reasons)[0] in (6, 7)


def test_repetition_is_named(trained: Model, dataset: Dataset) -> None:
    _, reasons = reasons_for(trained, dataset, REPEATED)
    extra = [item["position"] for reason in reasons for item in reason.detail.get("extra", ())]
    places = range(REPEATED.index(10), len(REPEATED) - 1)
    assert (named(reasons) + extra)[0] in places


@pytest.mark.parametrize("events", [UNSEEN_LINES, PAYMENT_MISSING, EARLY_END, SWAPPED, REPEATED])
def test_rarity_is_the_number_of_held_out_sessions_that_score_as_high(
    trained: Model, dataset: Dataset, events: list[int]
) -> None:
    judged, reasons = reasons_for(trained, dataset, events)
    assert reasons
    for reason in reasons:
        place = [detector.name for detector in DETECTORS].index(reason.detector)
        held_out = trained.calibration[reason.detector].drop_nulls().to_numpy()
        as_high = int((held_out >= judged.scores_DS[place, 0] - DETECTORS[place].allowance).sum())
        assert (reason.as_high, reason.held_out) == (as_high, len(held_out))
        assert reason.position is None or 0 <= reason.position < len(events)


def test_equal_sessions_have_equal_reasons(trained: Model, dataset: Dataset) -> None:
    (_, once), (_, twice) = (reasons_for(trained, dataset, PAYMENT_MISSING) for _ in range(2))
    assert once == twice
    assert np.isfinite([reason.p_value for reason in once]).all()


def test_a_normal_session_is_left_alone(trained: Model, dataset: Dataset) -> None:
    with pytest.raises(AssertionError):
        reasons_for(trained, dataset, list(ORDER))


@pytest.mark.parametrize("events", [UNSEEN_LINES, PAYMENT_MISSING, EARLY_END, SWAPPED, REPEATED])
def test_reasons_are_told_in_korean_too(trained: Model, dataset: Dataset, events: list[int]) -> None:
    _, reasons = reasons_for(trained, dataset, events)
    assert [reason.detector for reason in reasons if not reason.says_ko] == []

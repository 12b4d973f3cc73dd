"""What is planted is what was meant, and a detector that sees it is told apart from one that does not."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.artifact import Model
from isang.detection.detectors import DETECTORS
from isang.detection.evaluation.attribution import Suspect, blamed
from isang.detection.evaluation.edited_sessions import Changeable, changeable, judge_changed
from isang.detection.evaluation.synthetic_anomalies import KINDS, REPEATS, Plant, PlantingContext, plant, plant_held_out
from isang.detection.threshold.decisions import judge, limits_at, tails
from isang.logs.store import Dataset
from isang.training.split import split_by_time

UNKNOWN = 99

sessions = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 500)), min_size=1, max_size=30).map(
    lambda pairs: Changeable(0, np.array([event for event, _ in pairs]), np.array([0, *(gap for _, gap in pairs[1:])]))
)
around = PlantingContext(UNKNOWN, dict.fromkeys(range(9), 500))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(session=sessions, seed=st.integers(0, 1_000))
def test_a_planted_session_differs_in_just_the_way_that_its_kind_says(
    kind: Plant, session: Changeable, seed: int
) -> None:
    before, gaps_before = session.events.copy(), session.gaps_ms.copy()  # type: ignore[union-attr]
    planted = kind(session, around, np.random.default_rng(seed))
    assert (session.events == before).all(), "the session itself stays as it was"
    assert (session.gaps_ms == gaps_before).all()
    if planted is None:
        return
    changed, culprits = planted.session, list(planted.culprits)
    assert changed.gaps_ms is not None
    assert len(changed.gaps_ms) == len(changed.events) > 0
    assert changed.gaps_ms[0] == 0
    grown, rest = len(changed.events) - len(before), np.delete(changed.events, culprits).tolist()
    if kind.__name__ == "unseen_event":
        assert changed.events[culprits].tolist() == [UNKNOWN]
        assert rest == before.tolist()
    elif kind.__name__ == "missing_event":
        assert grown == -1
        assert not culprits
    elif kind.__name__ == "early_end":
        assert grown < 0
        assert changed.events.tolist() == before[: len(changed.events)].tolist()
        assert not culprits
    elif kind.__name__ == "swapped_order":
        assert changed.events[culprits].tolist() == before[culprits][::-1].tolist()
        assert rest == np.delete(before, culprits).tolist()
        assert changed.events.tolist() != before.tolist()
    elif kind.__name__ == "repetition":
        assert grown == REPEATS
        assert len(set(changed.events[culprits].tolist())) == 1
        assert changed.without(culprits[0]).events.tolist() == changed.without(culprits[-1]).events.tolist()
        beside = [*changed.events[: culprits[0]][-1:], *changed.events[culprits[-1] + 1 :][:1]]
        assert changed.events[culprits[0]] not in beside, "the whole run of equal events"
    else:
        assert changed.events.tolist() == before.tolist()
        assert changed.gaps_ms[culprits[0]] >= 5_000
        assert np.delete(changed.gaps_ms, culprits).tolist() == np.delete(gaps_before, culprits).tolist()


@given(session=sessions, data=st.data())
def test_without_an_event_all_others_stay_when_they_were(session: Changeable, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(session.events) - 1))
    assert session.gaps_ms is not None
    moments = np.cumsum(session.gaps_ms)
    left = session.without(place)
    assert left.gaps_ms is not None
    expected = np.delete(moments, place)
    assert np.cumsum(left.gaps_ms).tolist() == (expected - expected[:1].sum()).tolist()


def test_sessions_that_nobody_changed_are_judged_as_before(trained: Model, dataset: Dataset) -> None:
    rows = np.arange(500, 600)
    again = judge_changed(trained, dataset, changeable(dataset, rows))
    assert again.scores_DS.tolist() == judge(trained, dataset, rows).scores_DS.tolist()


def test_a_gap_that_is_not_known_is_none(dataset: Dataset) -> None:
    unknown = dataset.sessions.with_columns(pl.col("gaps_ms").list.eval(pl.lit(None, dtype=pl.Int32)))
    (session,) = changeable(replace(dataset, sessions=unknown), np.array([3]))
    assert session.gaps_ms is not None
    assert session.gaps_ms.tolist() == [0] * len(session.events)


def test_the_share_found_is_reported_by_kind(trained: Model, dataset: Dataset) -> None:
    judged = judge(trained, dataset, np.arange(500, 1_000))
    innocent = ~dataset.sessions["label"].to_numpy()[500:]
    result = plant(trained, dataset, judged, innocent)
    assert [part["kind"] for part in result] == [kind.__name__ for kind in KINDS]
    by_kind = {part["kind"]: part for part in result}
    assert by_kind["unseen_event"]["found"]["value"] == 1
    assert by_kind["unseen_event"]["culprit_first"]["value"] > 0.9
    assert by_kind["unseen_event"]["turned"]["value"] > 0.9
    assert by_kind["missing_event"]["found"]["value"] > 0.8
    assert by_kind["missing_event"]["culprit_first"] is None, "no line is the culprit where one is missing"
    assert all(part["planted"] == 300 for part in result)
    assert plant(trained, dataset, judged, innocent) == result, "the same seed plants the same"
    assert plant(trained, dataset, judged, np.zeros(500, dtype=bool))[0]["found"]["value"] is None


def test_each_kind_is_planted_into_the_held_out_sessions(trained: Model, dataset: Dataset) -> None:
    assert trained.planted is not None
    scores = trained.planted
    held_out = len(trained.calibration.drop_nulls())
    assert scores["kind"].unique(maintain_order=True).to_list() == [kind.__name__ for kind in KINDS]
    assert (scores["kind"].value_counts()["count"] == held_out).all()
    assert scores.columns == ["kind", *(detector.name for detector in DETECTORS)]
    assert (scores.filter(pl.col("kind") == "unseen_event")["unseen_event"] == 1).all()
    assert (scores.filter(pl.col("kind") != "unseen_event")["unseen_event"] == 0).all()
    assert scores.filter(pl.col("kind") == "repetition")["repeated_event"].mean() > 1
    split = split_by_time(dataset, trained.config.training)
    again = plant_held_out(trained, dataset, split.train, split.validation)
    assert again.equals(scores), "the same seed plants the same"


def test_shares_follow_what_was_planted(trained: Model) -> None:
    """A model that knows of nothing planted shares equally; where one detector alone sees it, that one gains."""
    assert trained.planted is not None
    equal = limits_at(replace(trained, planted=None), 1.0)
    tail = tails(trained)[0]
    seen = float(np.interp(-1.5 * equal[0], -tail.p_values(grid := np.linspace(0, 2, 10_001)), grid)) + 1e-3
    nothing = {detector.name: [0.0] * 50 for detector in DETECTORS}
    only = pl.DataFrame({"kind": ["made up"] * 50} | nothing | {"unseen_event": [seen] * 50})
    moved = limits_at(replace(trained, planted=only), 1.0)
    assert tail.p_values(np.array([seen]))[0] > equal[0]
    assert tail.p_values(np.array([seen]))[0] <= moved[0]
    assert (moved[1:] <= equal[1:]).all()


def test_without_a_clock_nothing_is_slow(trained: Model, dataset: Dataset) -> None:
    timeless = dataset.sessions.with_columns(pl.lit(None).cast(dataset.sessions[name].dtype).alias(name)
                                             for name in ("start", "end", "gaps_ms"))  # fmt: skip
    dataset = replace(dataset, sessions=timeless)
    judged = judge(trained, dataset, np.arange(500, 600))
    by_kind = {part["kind"]: part for part in plant(trained, dataset, judged, np.ones(100, dtype=bool))}
    assert by_kind["slow_gap"]["planted"] == 0
    assert by_kind["slow_gap"]["found"]["value"] is None
    assert by_kind["unseen_event"]["planted"] > 0


def test_blaming_the_wrong_line_is_seen(trained: Model, dataset: Dataset) -> None:
    """With the truth turned round, the line that is named first is no culprit, and taking it out still turns."""
    unknown = len(dataset.templates) + 5
    originals = changeable(dataset, np.arange(0, 40))
    right = [Suspect(session, session.inserted(2, unknown), (2,)) for session in originals]
    judged = judge_changed(trained, dataset, [suspect.changed for suspect in right])
    found = [index for index, decision in enumerate(judged.decisions) if decision.anomalous]
    assert len(found) == 40
    assert blamed(trained, dataset, judged, right, found)["culprit_first"]["value"] == 1
    wrong = [replace(suspect, culprits=(0,)) for suspect in right]
    blame = blamed(trained, dataset, judged, wrong, found)
    assert blame["culprit_first"]["value"] == 0
    assert blame["turned"] == blamed(trained, dataset, judged, right, found)["turned"]

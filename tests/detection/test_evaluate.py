"""The evaluation is honest about what it may look at and what it cannot know."""

import json
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from isang.artifact import Model, card_of
from isang.detection.detectors import DETECTORS
from isang.detection.detectors.baselines import BASELINES
from isang.detection.evaluation.evaluate import evaluate, later_sessions
from isang.errors import InputError
from isang.files import to_json
from isang.logs.store import Dataset
from isang.summaries import of_evaluation
from tests.synthetic import RARE_EVENT


@pytest.fixture(scope="module")
def evaluation(trained: Model, dataset: Dataset) -> dict[str, Any]:
    """Of the dataset as it is."""
    return evaluate(trained, dataset)


def with_labels(dataset: Dataset, labels: list[bool | None]) -> Dataset:
    return replace(dataset, sessions=dataset.sessions.with_columns(label=pl.Series(labels, dtype=pl.Boolean)))


def test_only_sessions_after_the_training_period_count(trained: Model, dataset: Dataset) -> None:
    assert later_sessions(trained, dataset).tolist() == list(range(500, 1_000))
    shuffled = replace(dataset, sessions=dataset.sessions.reverse())
    assert sorted(later_sessions(trained, shuffled).tolist()) == list(range(500))


def test_without_a_clock_the_same_dataset_is_known_by_its_fingerprint(trained: Model, dataset: Dataset) -> None:
    timeless = replace(dataset, sessions=dataset.sessions.with_columns(start=None, end=None))
    timeless = replace(timeless, sessions=timeless.sessions.cast({"start": pl.Datetime("us", "UTC")}))
    assert len(later_sessions(trained, timeless, "synthetic")) == 500
    assert len(later_sessions(trained, timeless, "another")) == 1_000
    hidden = pl.when(pl.int_range(pl.len()) >= 400).then(None).otherwise("start")
    half_timed = replace(dataset, sessions=dataset.sessions.with_columns(start=hidden))
    assert later_sessions(trained, half_timed, "synthetic").tolist() == list(range(500, 1_000))


def test_a_dataset_of_the_training_period_alone_cannot_be_evaluated(trained: Model, dataset: Dataset) -> None:
    early = replace(dataset, sessions=dataset.sessions.head(300))
    with pytest.raises(InputError, match="all 300 sessions lie within the model's training period"):
        evaluate(trained, early)


def test_planted_faults_are_found_and_every_rule_is_reported(evaluation: dict[str, Any]) -> None:
    assert evaluation["measured"]
    assert evaluation["sessions"]["evaluated"] == 500
    assert evaluation["sessions"]["anomalous"] == 50
    assert evaluation["metrics"]["recall"]["value"] > 0.9
    assert evaluation["metrics"]["precision"]["value"] > 0.8
    assert [part["name"] for part in evaluation["detectors"]] == [detector.name for detector in DETECTORS]
    assert [part["name"] for part in evaluation["baselines"]] == [baseline.name for baseline in BASELINES]
    by_name = {part["name"]: part for part in evaluation["baselines"] + evaluation["detectors"]}
    assert by_name["flag_everything"]["metrics"]["precision"]["value"] == pytest.approx(0.1)
    for name in (
        "error_line",
        "unseen_event",
    ):  # a third of the faults are the one event of level ERROR, never seen before
        assert by_name[name]["counts"]["true_positives"] == 17


def test_labels_set_no_threshold(trained: Model, dataset: Dataset, evaluation: dict[str, Any]) -> None:
    """Turning the labels over changes what is said of the alerts, never the alerts."""
    labels = dataset.sessions["label"].to_list()
    turned = evaluate(trained, with_labels(dataset, [not label for label in labels]))
    assert turned["sessions"]["flagged"] == evaluation["sessions"]["flagged"]


def test_without_labels_nothing_is_claimed(trained: Model, dataset: Dataset) -> None:
    evaluation = evaluate(trained, with_labels(dataset, [None] * 1_000))
    assert not evaluation["measured"]
    assert "no labels" in evaluation["why_not_measured"]
    assert evaluation["metrics"] is None
    assert evaluation["budget"]["alerts_per_thousand"]["value"] > 0
    assert evaluation["budget"]["false_alarms_per_thousand"]["value"] is None
    assert "alerts (true and false: there are no labels)" in of_evaluation(evaluation)


def test_unlabelled_sessions_are_left_out_of_the_table_not_called_normal(trained: Model, dataset: Dataset) -> None:
    labels = dataset.sessions["label"].to_list()
    half = [label if row % 20 == 0 else None for row, label in enumerate(labels)]
    evaluation = evaluate(trained, with_labels(dataset, half))
    assert evaluation["sessions"]["labelled"] == sum(evaluation["counts"].values()) == 25


def test_nothing_to_find_is_not_a_perfect_result(trained: Model, dataset: Dataset) -> None:
    normal = replace(dataset, sessions=dataset.sessions.filter(~pl.col("label")))
    evaluation = evaluate(trained, normal)
    assert not evaluation["measured"]
    assert "nothing to find" in evaluation["why_not_measured"]
    budget = evaluation["budget"]
    assert budget["false_alarms_per_thousand"] == budget["alerts_per_thousand"]
    assert "false alarms per 1,000 later sessions found" in of_evaluation(evaluation)


def test_where_every_labelled_session_is_anomalous_the_false_alarms_are_unknown(
    trained: Model, dataset: Dataset
) -> None:
    labels = [True if label else None for label in dataset.sessions["label"].to_list()]
    evaluation = evaluate(trained, with_labels(dataset, labels))
    assert evaluation["measured"]
    assert evaluation["budget"]["false_alarms_per_thousand"]["value"] is None
    assert "what was found is unknown" in of_evaluation(evaluation)


def test_the_budget_is_measured_at_one_and_ten_and_at_the_models_own(trained: Model, dataset: Dataset) -> None:
    detection = replace(trained.config.detection, alerts_per_thousand=5.0)
    evaluation = evaluate(replace(trained, config=replace(trained.config, detection=detection)), dataset)
    assert [budget["asked_per_thousand"] for budget in evaluation["budgets"]] == [1, 5, 10]
    own = evaluation["budgets"][1]
    assert own["metrics"]["f1"]["value"] == pytest.approx(evaluation["metrics"]["f1"]["value"])
    assert {name: own[name] for name in evaluation["budget"]} == evaluation["budget"]
    flagged = [budget["alerts_per_thousand"]["value"] for budget in evaluation["budgets"]]
    assert flagged == sorted(flagged), "who allows more alerts gets no fewer"
    found = own["false_alarms_per_thousand"]
    assert found["low"] <= found["value"] <= found["high"]


def test_false_alarms_per_hour_and_the_delay_need_a_clock(
    trained: Model, dataset: Dataset, evaluation: dict[str, Any]
) -> None:
    hours = 10 * 499 / 3_600  # a session every 10 seconds
    per_hour = evaluation["false_alarms_per_hour"]["value"]
    assert per_hour == pytest.approx(evaluation["counts"]["false_positives"] / hours, rel=0.01)
    assert evaluation["delay"]["sessions"]["count"] == evaluation["counts"]["true_positives"]
    assert 0 < evaluation["delay"]["sessions"]["median_seconds"] < 0.5
    timeless = dataset.sessions.with_columns(start=None, end=None).cast(dict(dataset.sessions.schema))
    unknown = evaluate(trained, replace(dataset, sessions=timeless), "synthetic")
    assert unknown["false_alarms_per_hour"]["value"] is None
    assert unknown["delay"] is None
    assert "unknown: the sessions have no clock" in of_evaluation(unknown)


def test_kinds_of_fault_are_counted_where_they_are_known(
    trained: Model, dataset: Dataset, evaluation: dict[str, Any]
) -> None:
    assert evaluation["kinds"] == []
    kinds = ["rare" if RARE_EVENT in events else "short" for events in dataset.sessions["events"].to_list()]
    labels = dataset.sessions["label"].to_list()
    known = [kind if label else None for kind, label in zip(kinds, labels, strict=True)]
    named = replace(dataset, sessions=dataset.sessions.with_columns(kind=pl.Series(known, dtype=pl.String)))
    evaluation = evaluate(trained, named)
    rare, short = evaluation["kinds"]
    assert (rare["kind"], rare["sessions"], rare["flagged"]) == ("rare", 17, 17)
    assert short["sessions"] == 33
    assert rare["flagged"] + short["flagged"] == evaluation["counts"]["true_positives"]
    by_name = {part["name"]: part for part in evaluation["baselines"]}
    assert [kind["flagged"] for kind in by_name["unseen_template"]["kinds"]] == [17, 0]
    assert "found by kind of fault: rare 17 of 17, short" in of_evaluation(evaluation)


def test_what_is_undefined_is_printed_as_undefined(evaluation: dict[str, Any]) -> None:
    nothing = {"value": None, "low": None, "high": None}
    silent = {"name": "silent", "metrics": evaluation["metrics"] | {"precision": nothing}}
    printed = of_evaluation(evaluation | {"baselines": [silent]})
    (line,) = [line for line in printed.splitlines() if line.startswith("silent")]
    assert line.split()[1] == "undefined"


def test_what_was_planted_and_drift_are_printed_and_all_of_it_is_plain_json(evaluation: dict[str, Any]) -> None:
    printed = of_evaluation(evaluation)
    assert "drift: No drift is seen" in printed
    assert "of anomalies that isang planted into later sessions, it finds: unseen event 100 %" in printed
    assert json.loads(to_json(evaluation)) == evaluation, "no NaN, and the same when read back"


def test_the_model_card_says_what_was_measured_and_what_was_not(trained: Model, evaluation: dict[str, Any]) -> None:
    card = card_of(replace(trained, evaluation=evaluation))
    f1 = evaluation["metrics"]["f1"]
    assert f"| f1 | {f1['value']:.3f} | {f1['low']:.3f} to {f1['high']:.3f} |" in card
    assert "| false alarms per 1,000 where 10 may be |" in card
    assert "Drift: No drift is seen" in card
    assert "planted itself, which are no real ones: unseen event 1.000" in card
    unmeasured = evaluation | {"measured": False, "why_not_measured": "no labels", "metrics": None}
    card = card_of(replace(trained, evaluation=unmeasured))
    assert "Not measured: no labels." in card
    assert "| f1 |" not in card


def test_where_all_later_sessions_are_anomalous_nothing_is_said_of_drift_and_nothing_is_planted(
    trained: Model, dataset: Dataset
) -> None:
    evaluation = evaluate(trained, with_labels(dataset, [row >= 500 for row in range(1_000)]))
    assert evaluation["measured"]
    assert evaluation["metrics"]["precision"]["value"] == 1
    assert evaluation["drift"]["drifted"] == []
    assert "an unknown part of the later sessions" in evaluation["drift"]["says"]
    assert all(part["planted"] == 0 for part in evaluation["planted"])
    assert "planted" not in of_evaluation(evaluation | {"choice": None}), "what is said of detectors is of training"


@pytest.mark.parametrize(("supported", "advised"), [(734.8, True), (20.0, False)])
def test_too_few_calibration_sessions_are_said_with_what_to_do(
    evaluation: dict[str, Any], supported: float, advised: bool
) -> None:
    few = evaluation["budget"] | {"extrapolated": True, "supported_per_thousand": supported}
    assert ("give more logs, or smaller sessions" in of_evaluation(evaluation | {"budget": few})) == advised

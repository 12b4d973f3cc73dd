"""A rewording is recognised by its place and told once, never where the old line is still written or a failure told."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.anomalies import grouped
from isang.detection.drift import taken_for
from isang.detection.release import new_lines
from isang.detection.rewordings import judge_reworded
from isang.logs.store import Dataset
from tests.synthetic import STEPS

LATER, NEW = np.arange(500, 1_000), 50
BANK = STEPS.index("bank confirmed")


def with_another_line(dataset: Dataset, text: str, rows: range, event: int = BANK) -> Dataset:
    """In the sessions `rows` one line has another text."""
    row = {"event": NEW, "template": text, "level": "INFO", "count": 0}
    events = [
        [NEW if own == event and place in rows else own for own in session]
        for place, session in enumerate(dataset.sessions["events"].to_list())
    ]
    sessions = dataset.sessions.with_columns(events=pl.Series(events, dtype=pl.List(pl.Int32)))
    templates = pl.concat([dataset.templates, pl.DataFrame([row], schema=dataset.templates.schema)])
    return replace(dataset, sessions=sessions, templates=templates)


def having(dataset: Dataset) -> np.ndarray:
    return np.array([NEW in events for events in dataset.sessions["events"].gather(LATER).to_list()])


def flags(model: Model, dataset: Dataset) -> tuple[np.ndarray, list[tuple[str, str]]]:
    _, judged, taken = judge_reworded(model, dataset, LATER)
    flagged = np.array([decision.anomalous for decision in judged.decisions])
    return flagged, [(each.template, each.known) for each in taken]


@pytest.mark.parametrize("begin", [0, 500, 700])
def test_a_line_in_the_place_of_a_vanished_one_is_taken_for_it_and_told_once(
    trained: Model, dataset: Dataset, begin: int
) -> None:
    """Whether the log begins with the release or not."""
    changed = with_another_line(dataset, "bank: all fine", range(begin, 1_000))
    before, _ = flags(trained, dataset)
    flagged, taken = flags(trained, changed)
    assert taken == [("bank: all fine", STEPS[BANK])]
    assert np.flatnonzero(flagged & ~before).tolist() in ([], [np.flatnonzero(having(changed))[0]])
    assert flagged[np.flatnonzero(having(changed))[0]]


@pytest.mark.parametrize("text", ["bank refused", "bank: not confirmed", "the bank is down", "no reply yet"])
def test_an_outage_in_the_place_of_a_success_stays_an_alert(trained: Model, dataset: Dataset, text: str) -> None:
    """Its words tell of a failure, or have nothing in common."""
    changed = with_another_line(dataset, text, range(500, 1_000))
    flagged, taken = flags(trained, changed)
    assert taken == []
    assert flagged[having(changed)].all()


@pytest.mark.parametrize("text", ["bank: all fine", "bank confirmed it"])
def test_a_line_beside_which_the_known_one_is_still_written_is_new(trained: Model, dataset: Dataset, text: str) -> None:
    """An outage that ends, whatever its words."""
    changed = with_another_line(dataset, text, range(600, 700))
    flagged, taken = flags(trained, changed)
    assert taken == []
    assert flagged[having(changed)].all()


def test_a_setting_undoes_it(trained: Model, dataset: Dataset) -> None:
    detection = replace(trained.config.detection, rewordings=False)
    strict = replace(trained, config=replace(trained.config, detection=detection))
    changed = with_another_line(dataset, "bank confirmed it", range(500, 1_000))
    assert flags(trained, changed)[1] == [("bank confirmed it", STEPS[BANK])]
    flagged, taken = flags(strict, changed)
    assert taken == []
    assert flagged[having(changed)].all()


def test_what_was_taken_is_said(trained: Model, dataset: Dataset) -> None:
    changed = with_another_line(dataset, "bank: all fine", range(500, 1_000))
    _, _, taken = judge_reworded(trained, changed, LATER)
    said = taken_for(taken)
    assert said is not None
    assert "“bank: all fine” for “bank confirmed”" in said
    assert "--no-rewordings" in said
    assert taken_for([]) is None


def test_new_lines_of_one_cause_are_one_group(trained: Model, dataset: Dataset) -> None:
    changed = with_another_line(dataset, "wholly other words", range(700, 1_000))
    model, judged, _ = judge_reworded(trained, changed, LATER)
    new = new_lines(model, changed, judged)
    assert new is not None
    assert new.templates == ("wholly other words",)
    assert new.sessions == having(changed).sum()
    first = int(np.flatnonzero(having(changed))[0])
    assert new.of == len(LATER) - first
    assert f"since {str(changed.sessions['start'][500 + first])[:19]}" in new.says


def test_sessions_with_the_same_new_lines_are_alike_whatever_else_is_said_of_them() -> None:
    def record(*said: tuple[str, str]) -> dict[str, object]:
        return {"reasons": [{"detector": detector, "line": {"template": line}} for detector, line in said]}

    release = record(("unseen_event", "new"), ("transition", "a")), record(("unseen_event", "new"))
    fault = record(("unseen_event", "new"), ("unseen_event", "disk failed"))
    other = record(("transition", "a"))
    found = grouped([*release, fault, other, record(("unseen_event", "rare"))], new=["new"])
    assert [each["group"] for each in found] == [1, 1, 2, 3, 4]
    assert [each["group"] for each in grouped([*release])] == [1, 2]


def test_nothing_is_reworded_where_nothing_is_new(trained: Model, dataset: Dataset) -> None:
    _, judged, taken = judge_reworded(trained, dataset, LATER)
    assert taken == []
    assert new_lines(trained, dataset, judged) is None, "the planted line is frequent but tells of a failure"

"""A rewording is recognised by its place and told once, never where the old line is still written or a failure told."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.anomalies import grouped
from isang.detection.evaluation.drift import taken_for
from isang.detection.releases.new_templates import new_lines
from isang.detection.releases.rewordings import judge_reworded
from isang.logs.store import Dataset
from tests.synthetic import STEPS

LATER, NEW = np.arange(500, 1_000), 50
BANK = STEPS.index("bank confirmed")


def with_other_lines(dataset: Dataset, texts: dict[int, str], rows: range, *, ends: bool = False) -> Dataset:
    """In the sessions `rows` some lines have another text; where one `ends` the session, what follows is not there."""
    number = {event: NEW + place for place, event in enumerate(texts)}
    added = [{"event": NEW + place, "template": text, "level": "INFO", "count": 0}
             for place, text in enumerate(texts.values())]  # fmt: skip
    sessions = dataset.sessions["events"].to_list()
    for row in rows:
        events = [number.get(event, event) for event in sessions[row]]
        cuts = [place + 1 for place, event in enumerate(events) if event >= NEW]
        sessions[row] = events[: cuts[0]] if ends and cuts else events
    templates = pl.concat([dataset.templates, pl.DataFrame(added, schema=dataset.templates.schema)])
    changed = dataset.sessions.with_columns(events=pl.Series(sessions, dtype=pl.List(pl.Int32)))
    return replace(dataset, sessions=changed.with_columns(gaps_ms=pl.lit(None, pl.List(pl.Int32))), templates=templates)


def with_another_line(dataset: Dataset, text: str, rows: range) -> Dataset:
    """In the sessions `rows` the bank's line has another text."""
    changed = with_other_lines(dataset, {BANK: text}, rows)
    return replace(changed, sessions=changed.sessions.with_columns(dataset.sessions["gaps_ms"]))


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


def test_without_a_letter_in_common_a_line_is_taken_for_another_only_amid_a_release(
    trained: Model, dataset: Dataset
) -> None:
    release = {
        0: "now received a request from the browser",
        1: "the token is valid",
        2: "cart was read (async)",
        BANK: "all went well",
    }
    amid = with_other_lines(dataset, release, range(500, 1_000))
    assert set(flags(trained, amid)[1]) == {(text, STEPS[event]) for event, text in release.items()}
    flagged, taken = flags(trained, with_another_line(dataset, "all went well", range(500, 1_000)))
    assert taken == []
    assert flagged[having(with_another_line(dataset, "all went well", range(500, 1_000)))].all()


def test_no_known_line_is_taken_twice_and_each_new_one_for_its_own(trained: Model, dataset: Dataset) -> None:
    """Of two neighbours, both reworded, each could be meant by either of the new lines."""
    reworded = {3: "stock is asked for what the cart holds", 4: "an answer of the stock", 9: "mail: one more to send"}
    _, taken = flags(trained, with_other_lines(dataset, reworded, range(500, 1_000)))
    assert {known for _, known in taken} <= {STEPS[event] for event in reworded}
    assert set(taken) <= {(text, STEPS[event]) for event, text in reworded.items()}
    assert len(taken) >= 2


def test_a_line_after_which_nothing_comes_any_more_is_no_rewording(trained: Model, dataset: Dataset) -> None:
    """Its words are harmless and the known line is gone, but so are those that came after it."""
    changed = with_other_lines(dataset, {1: "token: will see"}, range(500, 1_000), ends=True)
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

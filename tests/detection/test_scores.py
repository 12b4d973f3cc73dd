"""Laws of the detectors, on one small model trained on synthetic sessions."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from isang.artifact import Model
from isang.detection.detectors import DETECTORS
from isang.detection.detectors.contract import Detector
from isang.detection.detectors.counts.nearest_counts import nearest_normal
from isang.detection.detectors.counts.repeated_event import most_repeated
from isang.detection.detectors.encoder.masked_model import (
    EVENT_PASSES,
    GAP_PASSES,
    event_probabilities,
    gap_probabilities,
    surprise,
)
from isang.detection.detectors.order.event_pairs import strangest_absence, strangest_order
from isang.detection.detectors.order.transition import transition_surprise
from isang.detection.detectors.scoring import score
from isang.detection.explain import explain
from isang.detection.threshold.decisions import judge
from isang.logs.store import Dataset
from isang.model.batches import from_sequences, to_sessions
from isang.model.vocabulary import BEGIN, END, MASK, NOTHING
from tests.detection.fitting import judged_alone, named, seen
from tests.synthetic import BROWSE, ORDER, RARE_EVENT, STEPS


@pytest.fixture(params=DETECTORS, ids=lambda detector: detector.name)
def detector(request: pytest.FixtureRequest) -> Detector:
    chosen: Detector = request.param
    return chosen


def session(model: Model, dataset: Dataset, events: list[int]) -> np.ndarray:
    table = model.vocabulary.tokens(dataset)
    return np.array([BEGIN, *(table[event] for event in events), END], dtype=np.int32)


def test_scores_are_finite_one_per_session_and_the_same_twice(
    trained: Model, dataset: Dataset, detector: Detector
) -> None:
    sessions = to_sessions(dataset, trained.vocabulary)
    once, twice = score(detector, seen(trained, sessions)), score(detector, seen(trained, sessions))
    assert once.shape == (len(sessions),)
    assert np.isfinite(once).all()
    assert (once == twice).all()


def test_a_session_scores_the_same_alone_and_in_company(trained: Model, dataset: Dataset, detector: Detector) -> None:
    sessions = to_sessions(dataset, trained.vocabulary)
    together = score(detector, seen(trained, sessions))
    for row in (0, 7, 100, len(sessions) - 1):
        alone = score(detector, seen(trained, sessions.take(np.array([row]))))
        assert alone[0] == pytest.approx(together[row], abs=1e-4)


def test_no_sessions_have_no_scores(trained: Model, detector: Detector) -> None:
    assert score(detector, seen(trained, from_sequences([]))).shape == (0,)


def test_planted_faults_score_above_normal_sessions(trained: Model, dataset: Dataset) -> None:
    """Each planted fault is the business of some detector."""
    normal = from_sequences([session(trained, dataset, list(events)) for events in (ORDER, BROWSE)])
    faults = {
        "unseen_event": [0, 1, 2, 3, RARE_EVENT, 5, 6, 7, 8, 9],
        "event_counts": [0, 1, 2, 3, 4, 5, 8, 9],
        "transition": [0, 1, 2, 3],
        "masked_event": [0, 1, 2, 3, 4, 11, 6, 7, 8, 9],
        "missing_event": [0, 1, 2, 3, 4, 5, 7, 8, 9],
        "early_end": [0, 1, 2, 3],
        "repeated_event": [0, 1, 2, 3, 4, 5, *[6] * 6, 7, 8, 9],
        "event_order": [0, 1, 2, 3, 4, 5, 7, 6, 8, 9],
        "companion": [0, 1, 2, 3, 4, 5, 6, 8, 9],
    }
    for detector in DETECTORS:
        if detector.name in ("rare_event", "failure_lines", "context_order", "time_gap", "burst"):
            continue  # nothing is rare, neither orders nor times vary: see test_rarity, _contexts, _gaps, _bursts
        fault = from_sequences([session(trained, dataset, faults[detector.name])])
        assert score(detector, seen(trained, fault))[0] > score(detector, seen(trained, normal)).max(), detector.name


def test_surprise_equals_asking_by_hand(trained: Model, dataset: Dataset) -> None:
    """One session, pass by pass."""
    tokens = session(trained, dataset, list(BROWSE))
    event, gap, end = surprise(trained, from_sequences([tokens]))
    assert np.isnan(event[[0, -1]]).all()
    assert np.isnan(end[:-1]).all()
    assert np.isnan(gap[0])
    places = range(1, len(tokens))
    for turn in range(EVENT_PASSES):
        events = [place for place in places[:-1] if place % EVENT_PASSES == turn]
        asked = tokens.copy()
        asked[events] = MASK
        for place in events:
            assert event[place] == pytest.approx(-np.log(by_hand(trained, asked, place)[tokens[place]]), abs=1e-3)
    for turn in range(GAP_PASSES):
        gaps = [place for place in places if place % GAP_PASSES == turn]
        asked = np.insert(tokens, gaps, MASK).astype(np.int32)
        for number, place in enumerate(gaps):
            expected = by_hand(trained, asked, place + number)
            assert gap[place] == pytest.approx(-np.log(expected[expected <= expected[NOTHING]].sum()), abs=1e-3)
    asked = np.append(tokens[:-1], np.int32(MASK))
    assert end[-1] == pytest.approx(-np.log(by_hand(trained, asked, len(asked) - 1)[END]), abs=1e-3)


def test_what_was_expected_is_asked_with_nothing_else_hidden(trained: Model, dataset: Dataset) -> None:
    tokens = session(trained, dataset, list(BROWSE))
    for position in range(1, len(tokens)):
        hidden = tokens.copy()
        hidden[position] = MASK
        expected = by_hand(trained, hidden, position)
        assert event_probabilities(trained, tokens, position) == pytest.approx(expected, abs=1e-4)
        widened = np.insert(tokens, position, MASK).astype(np.int32)
        assert gap_probabilities(trained, tokens, position) == pytest.approx(
            by_hand(trained, widened, position), abs=1e-4
        )


def by_hand(model: Model, tokens: np.ndarray, position: int) -> np.ndarray:
    """The probabilities of all answers at one position."""
    with torch.inference_mode():
        states = model.encoder(torch.from_numpy(tokens), np.array([len(tokens)]))
        answer: np.ndarray = torch.softmax(model.encoder.logits(states[position]), dim=-1).numpy()
    return answer


def test_sessions_longer_than_the_model_are_scored_whole(trained: Model, dataset: Dataset) -> None:
    longer = session(trained, dataset, [*ORDER] * 20)
    sessions = from_sequences([session(trained, dataset, list(ORDER)), longer])
    answers = surprise(trained, sessions)
    marks = np.isin(sessions.flat, [BEGIN, END])
    assert (np.isnan(answers.event_T) == marks).all()
    assert (np.isnan(answers.end_T) == (sessions.flat != END)).all()
    pieces = -(-len(longer) // trained.config.model.positions)
    assert np.isnan(answers.gap_T).sum() == 1 + pieces


def test_transition_surprise_worked_out_by_hand(trained: Model, dataset: Dataset) -> None:
    """P(b after a) = (visits of a to b + kinds after a * P(b)) / (visits of a + kinds after a) (Witten, Bell 1991)."""
    tokens = session(trained, dataset, [*BROWSE, 6])
    size = trained.vocabulary.size
    surprise_T = transition_surprise(trained.fitted, from_sequences([tokens]))
    visits = np.zeros((size, size))
    for row in range(len(trained.normal)):
        for before, after in pairwise(trained.normal[row]):
            visits[before, after] += trained.normal_counts[row]
    ends = visits.sum(axis=0) + 0.5
    kinds = (visits > 0).sum(axis=1)
    assert np.isnan(surprise_T[0])
    for position, (before, after) in enumerate(pairwise(tokens), start=1):
        many = max(1, kinds[before])
        probability = (visits[before, after] + many * ends[after] / ends.sum()) / (visits[before].sum() + many)
        assert surprise_T[position] == pytest.approx(-np.log(probability))


def test_pairs_worked_out_by_hand(trained: Model, dataset: Dataset) -> None:
    """All n orders pay (6) and then get the bank's answer (7): in no session the other way, which is a share of
    .1 / (n + .2) in all sessions and of that over n + 1 in those alike, and -log(.5 / (n + 1)) without it."""
    orders = sum(
        int(times) for row, times in enumerate(trained.normal_counts) if len(trained.normal[row]) > len(BROWSE) + 2
    )
    table = trained.vocabulary.tokens(dataset)
    turned = strangest_order(trained.fitted, session(trained, dataset, [0, 1, 2, 3, 4, 5, 7, 6, 8, 9]))
    assert turned.share == pytest.approx(0.1 / (orders + 0.2))
    assert turned.surprise == pytest.approx(-np.log(turned.share / (orders + 1)))
    assert (turned.alike, turned.alike_so) == (orders, 0)
    assert (turned.first, turned.second) == (table[7], table[6])
    unanswered = strangest_absence(trained.fitted, session(trained, dataset, [0, 1, 2, 3, 4, 5, 6, 8, 9]))
    assert unanswered.surprise == pytest.approx(-np.log(0.5 / (orders + 1)))
    assert unanswered.second == table[7]


def test_the_most_repeated_event_is_named_with_its_numbers(trained: Model, dataset: Dataset) -> None:
    payment = trained.vocabulary.tokens(dataset)[6]
    tokens = session(trained, dataset, [0, 1, 2, 3, 4, 5, *[6] * 6, 7, 8, 9])
    assert most_repeated(trained.fitted, tokens) == (payment, 6, 1)


def test_the_repeated_lines_are_blamed_and_not_a_later_one_of_their_kind(trained: Model, dataset: Dataset) -> None:
    events = [0, *[1] * 14, 2, 3, 4, 5, 6, 7, 1, 8, 9]
    sessions = from_sequences([session(trained, dataset, events)])
    judged = judged_alone(trained, sessions)
    reasons = {reason.detector: reason for reason in explain(trained, judged, 0, events, most=9)}
    extra = {item["template"]: item["position"] for item in reasons["event_counts"].detail["extra"]}
    assert extra[STEPS[1]] == 14


def test_the_nearest_normal_session_by_counts_worked_out_by_hand(trained: Model, dataset: Dataset) -> None:
    """An order without its payment (2 of 10 events) lacks 2 of 8 + 10."""
    asked = [session(trained, dataset, events) for events in ([0, 1, 2, 3, 4, 5, 8, 9], [2, 1, 0, 10, 11])]
    distance, nearest = nearest_normal(trained.fitted, from_sequences(asked), weighted=False)
    assert distance[0] == pytest.approx(2 / 18)
    assert distance[1] == 0, "the counts know no order"
    assert sorted(trained.normal[int(nearest[0])][1:-1]) == sorted(session(trained, dataset, list(ORDER))[1:-1])


def test_an_event_that_varies_among_normal_sessions_weighs_less(trained: Model, dataset: Dataset) -> None:
    """Orders ask the stock one to three times but always pay: a fourth question is less strange than no payment."""
    asked_again = session(trained, dataset, [0, 1, 2, *[3, 4] * 4, 5, 6, 7, 8, 9])
    without_payment = session(trained, dataset, [0, 1, 2, *[3, 4] * 3, 5, 8, 9])
    again, without = score(named("event_counts"), seen(trained, from_sequences([asked_again, without_payment])))
    assert 0 < again < without


def test_reasons_name_the_line_and_what_is_missing(trained: Model, dataset: Dataset) -> None:
    labels = dataset.sessions["label"].to_numpy()
    judged = judge(trained, dataset)
    flagged = np.array([decision.anomalous for decision in judged.decisions])
    assert flagged[labels].mean() > 0.9
    said = {"unseen": 0, "missing": 0}
    for index in np.nonzero(flagged & labels)[0]:
        events = dataset.sessions["events"][int(index)].to_list()
        reasons = explain(trained, judged, int(index), events, most=5)
        assert 1 <= len(reasons) <= 5
        for reason in reasons:
            assert reason.position is None or 0 <= reason.position < len(events)
        if RARE_EVENT in events:
            named = [reason.position for reason in reasons if reason.detector == "unseen_event"]
            assert named == [events.index(RARE_EVENT)]
            said["unseen"] += 1
        if events == [0, 1, 2, 3, 4, 5, 8, 9]:
            missing = {item["template"] for reason in reasons for item in reason.detail.get("missing", ())}
            assert missing == {STEPS[6], STEPS[7]}
            said["missing"] += 1
    assert min(said.values()) > 0, "both kinds of fault were looked at"


def test_lines_of_one_template_are_one_reason_with_their_number(trained: Model, dataset: Dataset) -> None:
    events = [0, 1, RARE_EVENT, 2, RARE_EVENT, 3, RARE_EVENT, 4]
    sessions = from_sequences([session(trained, dataset, events)])
    judged = judged_alone(trained, sessions)
    unseen = [
        reason for reason in explain(trained, judged, 0, events, most=5) if reason.detector == "unseen_event"
    ]  # fmt: skip
    assert [(reason.position, reason.detail) for reason in unseen] == [(2, {"times": 3})]

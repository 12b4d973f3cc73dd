"""The order of two events is held against what else the session has."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.detection.detectors.order.context_order import NO_CONTEXT, context_surprise, strangest_context
from isang.detection.detectors.order.event_pairs import strangest_order
from isang.model.batches import Tokens, from_sequences
from isang.model.fitted import Fitted
from isang.model.vocabulary import BEGIN, END, MARKS
from tests.detection.fitting import with_normal
from tests.test_artifact import some_model

EXPRESS, RESERVED, CHARGED, DONE = range(len(MARKS), len(MARKS) + 4)
PLAIN, FIRST_CHARGED = (RESERVED, CHARGED, DONE), (EXPRESS, CHARGED, RESERVED, DONE)
PLAIN_TIMES, EXPRESS_TIMES = 300, 100


def session(*events: int) -> Tokens:
    return np.array([BEGIN, *events, END], dtype=np.int32)


def model_of(sessions: list[Tokens], times: list[int]) -> Fitted:
    return with_normal(some_model(), from_sequences(sessions), np.array(times)).fitted


@pytest.fixture(scope="module")
def model() -> Fitted:
    return model_of([session(*PLAIN), session(*FIRST_CHARGED)], [PLAIN_TIMES, EXPRESS_TIMES])


def test_what_no_session_alike_does_is_strange_though_others_do_it(model: Fitted) -> None:
    """A quarter of all sessions charge first, none of the 300 without an express order."""
    found = strangest_context(model, session(CHARGED, RESERVED, DONE))
    assert found.surprise == pytest.approx(-np.log(0.25 / (PLAIN_TIMES + 1)))
    assert (found.first, found.second, found.other, found.with_other) == (CHARGED, RESERVED, EXPRESS, False)
    assert (found.share, found.alike, found.alike_so) == (0.25, PLAIN_TIMES, 0)


def test_the_other_way_round(model: Fitted) -> None:
    found = strangest_context(model, session(EXPRESS, RESERVED, CHARGED, DONE))
    assert found.surprise == pytest.approx(-np.log(0.75 / (EXPRESS_TIMES + 1)))
    assert (found.first, found.second, found.other, found.with_other) == (RESERVED, CHARGED, EXPRESS, True)


@pytest.mark.parametrize("events", [PLAIN, FIRST_CHARGED])
def test_normal_sessions_are_no_stranger_than_their_order(model: Fitted, events: tuple[int, ...]) -> None:
    found = strangest_context(model, session(*events))
    assert found.surprise <= -np.log(found.share) + 1e-9


@pytest.mark.parametrize("events", [(), (RESERVED,), (RESERVED, DONE), (END,)])
def test_without_two_events_that_stand_in_both_orders_nothing_is_said(model: Fitted, events: tuple[int, ...]) -> None:
    assert strangest_context(model, session(*events)) == NO_CONTEXT


def test_a_rare_order_and_few_sessions_are_the_business_of_others() -> None:
    rare = model_of([session(*PLAIN), session(*FIRST_CHARGED)], [PLAIN_TIMES, 5])
    few = model_of([session(*PLAIN), session(*FIRST_CHARGED)], [10, 5])
    for model in (rare, few):
        assert strangest_context(model, session(CHARGED, RESERVED, DONE)) == NO_CONTEXT


def test_an_order_is_held_against_sessions_with_the_same_events(model: Fitted) -> None:
    order = strangest_order(model, session(CHARGED, RESERVED, DONE))
    assert (order.first, order.second, order.alike, order.alike_so) == (CHARGED, RESERVED, PLAIN_TIMES, 0)
    assert order.surprise == pytest.approx(-np.log(order.share / (PLAIN_TIMES + 1)))


@pytest.mark.parametrize(("milliseconds", "judged"), [(0.0, False), (1.0, True), (np.nan, True)])
def test_two_lines_of_the_same_time_have_no_order(model: Fitted, milliseconds: float, judged: bool) -> None:
    tokens, gaps = session(CHARGED, RESERVED, DONE), np.array([np.nan, np.nan, milliseconds, 5.0, np.nan])
    found = strangest_context(model, tokens, gaps)
    assert found == (strangest_context(model, tokens) if judged else NO_CONTEXT)


def test_what_lies_between_two_lines_of_the_same_time_changes_nothing(model: Fitted) -> None:
    tokens = session(CHARGED, DONE, RESERVED)
    assert strangest_context(model, tokens, np.array([np.nan, np.nan, 0.0, 0.0, np.nan])) == NO_CONTEXT
    assert strangest_context(model, tokens, np.array([np.nan, np.nan, 0.0, 1.0, np.nan])).surprise > 0


EVENTS = st.lists(st.sampled_from([EXPRESS, RESERVED, CHARGED, DONE]), max_size=6)
GAPS = st.lists(st.sampled_from([0.0, 0.0, 1.0, np.nan]), min_size=8, max_size=8)


@given(drawn=st.lists(st.tuples(EVENTS, GAPS), max_size=6))
def test_many_sessions_at_once_are_asked_what_each_is_asked_alone(
    model: Fitted, drawn: list[tuple[list[int], list[float]]]
) -> None:
    sessions = from_sequences([session(*events) for events, _ in drawn])
    gaps = [np.array([np.nan, np.nan, *gaps])[: len(events) + 2] for events, gaps in drawn]
    alone = [strangest_context(model, sessions[index], gaps[index]).surprise for index in range(len(sessions))]
    assert context_surprise(model, sessions, np.concatenate([np.empty(0), *gaps])).tolist() == alone

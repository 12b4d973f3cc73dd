"""The order of two events is held against what else the session has."""

from dataclasses import replace

import numpy as np
import pytest

from isang.artifact import Model
from isang.detection.contexts import NO_CONTEXT, strangest_context
from isang.detection.pairs import strangest_order
from isang.model.batches import Tokens, from_sequences
from isang.model.vocabulary import BEGIN, END, MARKS
from tests.test_artifact import some_model

EXPRESS, RESERVED, CHARGED, DONE = range(len(MARKS), len(MARKS) + 4)
PLAIN, FIRST_CHARGED = (RESERVED, CHARGED, DONE), (EXPRESS, CHARGED, RESERVED, DONE)
PLAIN_TIMES, EXPRESS_TIMES = 300, 100


def session(*events: int) -> Tokens:
    return np.array([BEGIN, *events, END], dtype=np.int32)


def model_of(sessions: list[Tokens], times: list[int]) -> Model:
    return replace(some_model(), normal=from_sequences(sessions), normal_counts=np.array(times))


@pytest.fixture(scope="module")
def model() -> Model:
    return model_of([session(*PLAIN), session(*FIRST_CHARGED)], [PLAIN_TIMES, EXPRESS_TIMES])


def test_what_no_session_alike_does_is_strange_though_others_do_it(model: Model) -> None:
    """A quarter of all sessions charge first, none of the 300 without an express order."""
    found = strangest_context(model, session(CHARGED, RESERVED, DONE))
    assert found.surprise == pytest.approx(-np.log(0.25 / (PLAIN_TIMES + 1)))
    assert (found.first, found.second, found.other, found.with_other) == (CHARGED, RESERVED, EXPRESS, False)
    assert (found.share, found.alike, found.alike_so) == (0.25, PLAIN_TIMES, 0)


def test_the_other_way_round(model: Model) -> None:
    found = strangest_context(model, session(EXPRESS, RESERVED, CHARGED, DONE))
    assert found.surprise == pytest.approx(-np.log(0.75 / (EXPRESS_TIMES + 1)))
    assert (found.first, found.second, found.other, found.with_other) == (RESERVED, CHARGED, EXPRESS, True)


@pytest.mark.parametrize("events", [PLAIN, FIRST_CHARGED])
def test_normal_sessions_are_no_stranger_than_their_order(model: Model, events: tuple[int, ...]) -> None:
    found = strangest_context(model, session(*events))
    assert found.surprise <= -np.log(found.share) + 1e-9


@pytest.mark.parametrize("events", [(), (RESERVED,), (RESERVED, DONE), (END,)])
def test_without_two_events_that_stand_in_both_orders_nothing_is_said(model: Model, events: tuple[int, ...]) -> None:
    assert strangest_context(model, session(*events)) == NO_CONTEXT


def test_a_rare_order_and_few_sessions_are_the_business_of_others() -> None:
    rare = model_of([session(*PLAIN), session(*FIRST_CHARGED)], [PLAIN_TIMES, 5])
    few = model_of([session(*PLAIN), session(*FIRST_CHARGED)], [10, 5])
    for model in (rare, few):
        assert strangest_context(model, session(CHARGED, RESERVED, DONE)) == NO_CONTEXT


def test_an_order_is_held_against_sessions_with_the_same_events(model: Model) -> None:
    order = strangest_order(model, session(CHARGED, RESERVED, DONE))
    assert (order.first, order.second, order.alike, order.alike_so) == (CHARGED, RESERVED, PLAIN_TIMES, 0)
    assert order.surprise == pytest.approx(-np.log(order.share / (PLAIN_TIMES + 1)))

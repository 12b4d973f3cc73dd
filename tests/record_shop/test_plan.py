"""The schedule of a recording."""

import re

import journeys
import plan
import pytest


@pytest.fixture(scope="module")
def schedule() -> plan.Plan:
    return plan.make(seed=3, minutes=8)


def test_the_same_seed_makes_the_same_schedule(schedule: plan.Plan) -> None:
    assert plan.make(seed=3, minutes=8).to_json() == schedule.to_json()


def test_another_seed_makes_another_schedule(schedule: plan.Plan) -> None:
    assert plan.make(seed=4, minutes=8).to_json() != schedule.to_json()


def test_every_kind_of_fault_comes_once_in_the_second_part_with_free_stretches(schedule: plan.Plan) -> None:
    assert sorted(fault.kind for fault in schedule.faults) == sorted(plan.KINDS)
    assert schedule.faults[0].start >= plan.FAULT_FREE_PART * 8 * 60
    for fault, following in zip(schedule.faults, schedule.faults[1:], strict=False):
        assert fault.start < fault.end < following.start


def test_the_clock_runs_on_and_stands_still_at_each_edge_of_a_fault(schedule: plan.Plan) -> None:
    for fault in schedule.faults:
        for edge in (fault.start, fault.end):
            assert schedule.clock(edge) - schedule.clock(edge - 0.001) == pytest.approx(plan.PAUSE_SECONDS + 0.001)


def test_nothing_is_sent_in_a_pause(schedule: plan.Plan) -> None:
    for fault in schedule.faults:
        resumes = schedule.clock(fault.start)
        assert schedule.hold(resumes - 0.5 * plan.PAUSE_SECONDS) == pytest.approx(resumes)
        assert schedule.hold(resumes + 0.001) == pytest.approx(resumes + 0.001)


def test_a_fault_is_found_by_the_time_that_a_request_took(schedule: plan.Plan) -> None:
    fault = schedule.faults[2]
    begin, end = schedule.clock(fault.start), schedule.clock(fault.end)
    assert plan.fault_at(schedule, begin, begin + 1, 0.0) == fault
    assert plan.fault_at(schedule, begin - 30, begin + 1, 0.0) == fault
    assert plan.fault_at(schedule, end + 0.5, end + 0.6, 0.0) is None
    assert plan.fault_at(schedule, end + 0.5, end + 0.6, 1.0) == fault


def test_the_load_rises_and_falls_like_a_day() -> None:
    starts = [journey.start for journey in plan.make(seed=1, minutes=10).journeys if journey.kind != "probe"]
    night = sum(at % plan.DAY_SECONDS < 60 for at in starts)
    noon = sum(120 <= at % plan.DAY_SECONDS < 180 for at in starts)
    assert noon > 2 * night


def test_every_step_expects_steps_that_can_be_matched(schedule: plan.Plan) -> None:
    for journey in schedule.journeys:
        for step in journey.steps:
            re.compile(step.steps)
            assert step.at >= journey.start - 0.001


def test_expected_errors_are_part_of_ordinary_traffic(schedule: plan.Plan) -> None:
    ordinary = [step for journey in schedule.journeys if journey.kind != "scanner" for step in journey.steps]
    assert {400, 401, 402, 404, 409} <= {step.status for step in ordinary}


def test_an_order_expects_one_reservation_for_each_product_that_is_not_digital(schedule: plan.Plan) -> None:
    checkouts = [step for journey in schedule.journeys for step in journey.steps if step.name == "checkout"]
    assert checkouts
    for step in checkouts:
        assert step.reserved in (None, step.steps.count("stock\\.reserved"))


def test_a_cached_answer_may_be_a_hit_or_a_miss() -> None:
    step = journeys.Step(0.0, "list", "GET", "/", None, 200, journeys._cached("list"))
    assert journeys.matches(step, "list.hit")
    assert journeys.matches(step, "list.miss list.stored")
    assert not journeys.matches(step, "list.miss")

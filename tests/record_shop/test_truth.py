"""The rule that makes a request anomalous, and the comparison of recordings."""

from pathlib import Path

import compare
import plan
import pytest
import truth
from journeys import Journey, Step
from traffic import Outcome

CHECKOUT = Step(10.0, "checkout", "POST", "/api/orders", {}, 201, "stock\\.reserved charged", reserved=1)
GOOD = {"abc": truth.Effect(reserved=1, charged_first=False)}


def outcome(
    *, status: int = 201, steps: str = "stock.reserved charged", begin: float = 10.0, seconds: float = 0.1,
    step: Step = CHECKOUT,
) -> Outcome:  # fmt: skip
    journey = Journey(1, "buy", 1, "device", 10.0, (step,))
    return Outcome(journey, step, "abc", begin, begin + seconds, status, steps)


def test_what_goes_as_planned_does_not_deviate() -> None:
    assert truth.deviations(outcome(), GOOD) == []


@pytest.mark.parametrize(
    ("seen", "effects", "expected"),
    [
        (outcome(status=503, steps=""), {}, ["status", "steps"]),
        (outcome(steps="charged stock.reserved"), GOOD, ["steps"]),
        (outcome(seconds=1.2), GOOD, ["delay"]),
        (outcome(), {"abc": truth.Effect(reserved=0, charged_first=False)}, ["effect"]),
        (outcome(), {"abc": truth.Effect(reserved=1, charged_first=True)}, ["effect"]),
        (outcome(), {}, ["effect"]),
        (outcome(step=Step(10.0, "scan", "GET", "/", None, 0, "")), GOOD, ["sent"]),
    ],
)
def test_each_way_to_deviate(seen: Outcome, effects: dict[str, truth.Effect], expected: list[str]) -> None:
    assert truth.deviations(seen, effects) == expected


def test_a_deviation_is_anomalous_only_where_a_fault_is(tmp_path: Path) -> None:
    schedule = plan.Plan(1, 1, (plan.Fault("bank_hangs", "payment", 20.0, 30.0),), (), (20.0, 30.0), ())
    late = outcome(begin=schedule.clock(21.0), seconds=2.0)
    early = outcome(begin=5.0, seconds=2.0)
    made = truth.rows(schedule, 0.0, [late, early, outcome(begin=schedule.clock(22.0))], GOOD)
    assert [(row[7], row[8], row[9]) for row in made] == [
        ("delay", "false", ""), ("delay", "true", "bank_hangs"), ("", "false", ""),
    ]  # fmt: skip


def test_moments_are_utc_with_milliseconds() -> None:
    assert truth.moment(0.25) == "1970-01-01T00:00:00.250Z"


def recording(folder: Path, schedule: str, faults: list[str]) -> Path:
    folder.mkdir()
    (folder / "plan.json").write_text(schedule)
    rows = [f"id{number},{number},{fault}" for number, fault in enumerate(faults, 1)]
    (folder / "requests.csv").write_text("\n".join(["request_id,journey,fault", *rows]) + "\n")
    return folder


def test_two_recordings_are_compared_by_schedule_and_journey(tmp_path: Path) -> None:
    one = recording(tmp_path / "one", "{}", ["", "disk_full", ""])
    same = recording(tmp_path / "same", "{}", ["", "disk_full", ""])
    other = recording(tmp_path / "other", "[]", ["", "", ""])
    assert compare.compare(one, same) == compare.Agreement(True, 3, {})
    assert compare.compare(one, other) == compare.Agreement(False, 3, {"2": ("disk_full", "")})

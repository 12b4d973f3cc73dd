"""Incidents: one for each cause, named so that it is found again, and told in words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.detection.causes.episodes import joining_seconds
from isang.detection.causes.grouping import IncidentBaseline, incident_score, incidents_of
from isang.detection.causes.severity import Weighed, severity
from isang.detection.causes.symptoms import Symptom
from isang.detection.causes.titles import headline
from isang.detection.incidents import SCHEMA, document

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = IncidentBaseline(2_000, 10_385, NOON, NOON + timedelta(hours=1), sources=3)


def reason(detector: str, template: str, seconds: float | None, **more: Any) -> dict[str, Any]:
    line = {
        "source": more.pop("source", "orders.log"), "number": 7, "level": more.pop("level", None),
        "time": None if seconds is None else (NOON + timedelta(seconds=seconds)).isoformat(),
        "text": template.replace("<*>", "12"), "template": template,
    }  # fmt: skip
    as_high = {"normal_sessions": 0, "of": 900}
    return {"detector": detector, "line": line, "after_line": False, "says": "", "as_high": as_high, **more}


def anomaly(seconds: float | None, *reasons: dict[str, Any], p_value: float = 1e-5) -> dict[str, Any]:
    start = None if seconds is None else (NOON + timedelta(seconds=seconds)).isoformat()
    return {
        "session_id": f"s{seconds}", "source": "orders.log", "start": start, "end": start, "p_value": p_value,
        "score": 5.0, "in_training_period": False, "reasons": list(reasons),
    }  # fmt: skip


def new(seconds: float | None, template: str, **more: Any) -> dict[str, Any]:
    return anomaly(seconds, reason("unseen_event", template, seconds, **more))


def test_sessions_of_one_outage_are_one_incident_named_after_its_first_line_of_failure() -> None:
    outage = [
        anomaly(
            1000 + step,
            reason("unseen_event", "request finished <*>", 1000 + step, source="gateway.log"),
            reason("unseen_event", "invoice could not be written, it stays", 1000 + step + 0.1),
        )
        for step in range(31)
    ]
    (incident,) = incidents_of([*outage, anomaly(1005, reason("burst", "order <*> placed", 1005))], HOUR)
    assert incident.sessions == 32
    assert incident.title == (
        "Invoice could not be written: 32 sessions since 12:16, in orders; before, none of 10,385"
    )
    assert incident.title_in("ko") == (
        "Invoice could not be written: 12:16부터 세션 32개, orders에서; 이전에는 정상 세션 10,385개 중 없음"
    )
    assert all(record["incident"] == incident.fingerprint for record in outage)
    assert [symptom["kind"] for symptom in incident.symptoms] == ["new", "new", "crowd"]


@pytest.mark.parametrize(
    ("missing", "extra", "says"),
    [
        ((26, 26), (29, 70), "Missing: Heartbeat"),  # others stand in its place
        ((19, 70), (12, 1), "Too many: Door opened"),
        ((1, 1), (1, 0), "Too many: Door opened"),  # what is there says more than what is not
    ],
)
def test_what_changed_most_names_the_incident(missing: tuple[int, int], extra: tuple[int, int], says: str) -> None:
    shown = reason("event_counts", "", 100) | {
        "line": None,
        "missing": [{"template": "heartbeat", "count": missing[0], "usual": missing[1]}],
        "extra": [{"template": "door opened", "count": extra[0], "usual": extra[1]}],
    }
    assert incidents_of([anomaly(100, shown)], HOUR)[0].title.startswith(says)


def test_of_new_lines_the_loudest_names_the_incident() -> None:
    found = anomaly(
        100,
        reason("unseen_event", "seats on hold released", 100, level="WARN"),
        reason("unseen_event", "charge not confirmed", 101, level="ERROR"),
    )
    assert incidents_of([found], HOUR)[0].title.startswith("Charge not confirmed:")


def test_a_line_like_none_in_training_is_new_whichever_detector_found_it() -> None:
    record = anomaly(100, reason("failure_lines", "no space left", 100, level="ERROR"))
    assert incidents_of([record], HOUR)[0].title.startswith("Not where it belongs: No space left")
    record["reasons"][0]["line"]["never_seen"] = True
    (incident,) = incidents_of([record], HOUR)
    assert incident.title == "No space left: 1 session at 12:01, in orders; before, none of 10,385"
    assert incident.fingerprint == incidents_of([new(5, "no space left")], HOUR)[0].fingerprint


def test_what_comes_far_apart_and_shows_other_things_is_another_incident() -> None:
    one, other = new(100, "disk is full"), new(2000, "bank does not answer")
    assert len(incidents_of([one, other], HOUR)) == 2
    assert one["incident"] != other["incident"]


def test_sessions_with_the_same_new_line_are_of_one_cause_whatever_else_they_show() -> None:
    """Many alarms leave little time that joins by itself; a line that was never there before is no chance."""
    many = [anomaly(90 * step, reason("burst", f"kind {chr(97 + step)}", 90 * step)) for step in range(20)]
    cache = "cache refused a write, out of memory"
    login, basket = (
        anomaly(at, reason("unseen_event", f"{page} failed, 503", at), reason("unseen_event", cache, at + 0.1))
        for at, page in ((2000, "login"), (2020, "basket"))
    )
    incidents_of([*many, login, basket, new(2040, "bank does not answer")], HOUR)
    assert login["incident"] == basket["incident"]
    assert sum(record["incident"] == login["incident"] for record in [*many, login, basket]) == 2


def test_episodes_that_a_later_session_shows_to_be_one_are_one_incident() -> None:
    """Two pages fail, each in its own way and at its own time, before a session shows both."""
    many = [anomaly(90 * step, reason("burst", f"kind {chr(97 + step)}", 90 * step)) for step in range(20)]
    admin, search = new(2000, "no such page, admin"), new(2012, "search is not allowed")
    both = anomaly(
        2024, reason("unseen_event", "search is not allowed", 2024), reason("unseen_event", "no such page, admin", 2024)
    )
    incidents_of([*many, admin, search, both], HOUR)
    assert admin["incident"] == search["incident"] == both["incident"]


def test_the_same_cause_later_is_the_same_incident_with_two_episodes() -> None:
    records = [new(second, "disk is full") for second in (100, 101, 102, 3000, 3001)]
    (incident,) = incidents_of(records, HOUR)
    assert [episode["sessions"] for episode in incident.episodes] == [3, 2]
    assert incident.state == "resolved"


def test_an_incident_that_came_just_now_is_firing() -> None:
    (incident,) = incidents_of([new(3550, "disk is full")], HOUR)
    assert incident.state == "firing"


def test_without_a_clock_sessions_with_the_same_leading_line_are_one_incident() -> None:
    records = [new(None, "disk is full"), new(None, "disk is full"), new(None, "bank does not answer")]
    found = incidents_of(records, IncidentBaseline(100, 50))
    assert sorted(incident.sessions for incident in found) == [1, 2]
    assert all(incident.first_seen is None and incident.state == "firing" for incident in found)


@pytest.mark.parametrize("other", ["Order <*> failed after 8 tries", "order 17 failed: after <*> tries"])
def test_a_fingerprint_is_of_the_words_alone(other: str) -> None:
    assert Symptom("new", other).fingerprint == Symptom("new", "Order 3 failed after <*> tries").fingerprint
    assert Symptom("slow", other).fingerprint != Symptom("new", other).fingerprint


@given(st.lists(st.floats(0, 3600), min_size=1, max_size=30), st.randoms())
def test_grouping_does_not_hang_on_the_order_of_the_records(seconds: list[float], random: Any) -> None:
    def causes(records: list[dict[str, Any]]) -> dict[str, str]:
        incidents_of(records, HOUR)
        return {record["session_id"]: record["incident"] for record in records}

    records = [new(second, "disk is full" if second % 2 < 1 else "bank is down") for second in sorted(set(seconds))]
    shuffled = [dict(record) for record in records]
    random.shuffle(shuffled)
    assert causes(records) == causes(shuffled)


def test_independent_alarms_are_not_joined_by_time() -> None:
    """Alarms every 90 s, the whole hour long, say nothing of each other."""
    times = [NOON + timedelta(seconds=90 * step) for step in range(40)]
    assert joining_seconds(times, 3600) < 90


def test_the_score_of_one_session_is_what_is_expected_by_chance() -> None:
    assert incident_score([1e-9], 1000) == pytest.approx(6.0, abs=0.5)
    assert incident_score([0.5], 1000) == 0
    assert incident_score([1e-4] * 5, 1000) > incident_score([1e-4], 1000) + 2


def test_severity_follows_its_table() -> None:
    assert severity(Weighed(0, False, 1, 1, 0, False)) == "low"
    assert severity(Weighed(7, False, 1, 1, 0, False)) == "medium"
    assert severity(Weighed(7, True, 12, 1, 0, False)) == "high"
    assert severity(Weighed(7, True, 12, 3, 900, False)) == "critical"
    assert severity(Weighed(7, True, 1, 1, 0, noisy=True)) == "medium"


def test_what_comes_from_a_log_is_escaped() -> None:
    (incident,) = incidents_of([new(1, "<script>alert(1)</script> failed \x1b[31m")], HOUR)
    page = incident._repr_html_()
    assert "<script>" not in page
    assert "\x1b" not in incident.title


def test_the_document_is_plain_json() -> None:
    incidents = incidents_of([new(1, "disk is full")], HOUR)
    found = json.loads(json.dumps(document(incidents)))
    assert found["schema"] == SCHEMA
    assert found["incidents"][0]["fingerprint"] == incidents[0].fingerprint
    assert found["incidents"][0]["feedback"] is None
    assert "disk is full" in repr(incidents[0]).lower()


def test_a_headline_is_the_first_clause() -> None:
    assert headline("payment of order <*> could not be booked, tried <*> times") == (
        "Payment of order … could not be booked"
    )
    assert headline("so, it ends") == "so, it ends"
    assert len(headline("word " * 100)) <= 90


def test_a_line_that_no_template_stands_for_names_no_incident() -> None:
    """What reasons call "(a line never seen before)" says nothing to a person; the next line or no line names it."""
    unseen = {"template": "(a line never seen before)", "line": None}
    known = {"template": "retry of order <*>", "line": None}
    counts = reason("event_counts", "retry of order <*>", 5, missing=[], extra=[unseen, known])
    assert incidents_of([anomaly(5, counts)], HOUR)[0].title.startswith("Too many: Retry of order …")
    alone = reason("event_counts", "", 5, missing=[], extra=[unseen])
    alone["line"] = None
    assert incidents_of([anomaly(5, alone)], HOUR)[0].title.startswith("Sessions like none before")


def test_a_reworded_line_keeps_its_fingerprint() -> None:
    """The release says it in other words, and the model takes the line for the one before."""
    before = anomaly(100, reason("time_gap", "charge card <*>", 100))
    after = anomaly(2000, reason("time_gap", "card <*> is being charged", 2000))
    after["reasons"][0]["line"]["taken_for"] = "charge card <*>"
    (incident,) = incidents_of([before, after], HOUR)
    assert before["incident"] == after["incident"] == incident.fingerprint
    other = anomaly(100, reason("time_gap", "card <*> is being charged", 100))
    assert incidents_of([other], HOUR)[0].fingerprint != incident.fingerprint

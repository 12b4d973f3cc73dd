"""Answers: what they cover and what not, the file they stand in, and what they measure."""

import json
import math
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.artifact import FEEDBACK
from isang.config import from_dict
from isang.detection.causes.grouping import incidents_of
from isang.detection.feedback.answers import Answer, Scope, Verdict, answer_to, entry_of, in_effect, undo_of
from isang.detection.feedback.coverage import SURPRISE, Answers, as_many_as
from isang.detection.feedback.desk import give, moment_of, undo
from isang.detection.feedback.ledger import append, ledger_of, read_ledger
from isang.detection.feedback.measured import false_alarms, reviewed_alone, reviewed_by, with_labels
from isang.detection.feedback.silencing import AnsweredIncidents, told_incidents
from isang.errors import InputError, UsageError
from isang.stages import detect, evaluate, run
from tests.detection.test_incidents import HOUR, NOON, anomaly, new, reason
from tests.service.conftest import SETTINGS
from tests.synthetic import shop_dataset, shop_log

QUIET = "cache was warmed up in <*>"


@pytest.fixture(scope="module")
def judged_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answered")
    (folder / "shop.log").write_text(shop_log(shop_dataset(600, anomalous_every=10)))
    run([folder / "shop.log"], folder / "out", config=from_dict(SETTINGS))
    return folder


@pytest.fixture
def answered_shop(judged_shop: Path, tmp_path: Path) -> Path:
    """`shop.log`, and `out`, what `isang run` made of it."""
    shutil.copytree(judged_shop, tmp_path / "shop")
    return tmp_path / "shop"


def slow(seconds: float, template: str) -> dict[str, Any]:
    return anomaly(seconds, reason("time_gap", template, seconds))


def answered(records: list[dict[str, Any]], verdict: Verdict = "normal", place: int = 0, **more: Any) -> Answer:
    """The answer to one of the incidents of these records."""
    incident = incidents_of(json.loads(json.dumps(records)), HOUR)[place]
    own = json.loads(json.dumps(records))
    incidents_of(own, HOUR)
    return answer_to(
        incident.to_dict(), [one for one in own if one["incident"] == incident.fingerprint], verdict, **more
    )


def told(records: list[dict[str, Any]], *answers: Answer) -> AnsweredIncidents:
    return told_incidents(json.loads(json.dumps(records)), HOUR, Answers(in_effect(answers)))


def test_normal_silences_the_cause_and_nothing_else() -> None:
    answer = answered([new(10, QUIET)])
    found = told([new(600, QUIET), new(650, "disk is full"), slow(700, QUIET)], answer)
    assert [one.silenced_by for one in found.silenced] == [answer.id]
    assert {symptom["kind"] for one in found.incidents for symptom in one.symptoms} == {"new", "slow"}
    assert sum(one.sessions for one in found.incidents) == 2


def test_what_else_is_wrong_with_such_a_session_is_told_and_names_the_incident() -> None:
    answer = answered([new(10, QUIET)])
    both = anomaly(600, reason("unseen_event", QUIET, 600), reason("time_gap", "charge card <*>", 601))
    (incident,) = told([both], answer).incidents
    assert incident.symptoms[0]["kind"] == "slow"
    assert [entry["detector"] for entry in incident.examples[0]["silenced_reasons"]] == ["unseen_event"]


def test_what_came_with_the_cause_is_covered_in_its_company_alone() -> None:
    both = anomaly(10, reason("unseen_event", QUIET, 10), reason("time_gap", "read cart", 11))
    answer = answered([both])
    again = anomaly(900, reason("unseen_event", QUIET, 900), reason("time_gap", "read cart", 901))
    found = told([again, slow(2000, "read cart")], answer)
    assert len(found.silenced) == len(found.incidents) == 1
    assert found.incidents[0].symptoms[0]["kind"] == "slow"


def test_a_false_alarm_of_the_same_minute_hides_no_incident() -> None:
    """Both would be one episode, named after the new line of failure that somebody called normal."""
    noise = "could not refresh banner <*>"
    answer = answered([new(10, noise)])
    outage = [slow(600 + step, "charge card <*>") for step in range(20)]
    found = told([new(601, noise), *outage, new(615, noise)], answer)
    assert [one.sessions for one in found.incidents] == [20]
    assert [one.sessions for one in found.silenced] == [2]


def test_a_surge_of_what_was_normal_is_told() -> None:
    answer = answered([slow(10, "read cart")])
    few = [slow(600 + step, "read cart") for step in range(as_many_as(1))]
    assert not told(few, answer).incidents
    many = [slow(600 + step, "read cart") for step in range(as_many_as(1) + 1)]
    found = told(many, answer)
    assert [one.sessions for one in found.incidents] == [len(many)]
    assert found.incidents[0].feedback == answer.shown() | {"covers_sessions": as_many_as(1)}
    spread = [slow(600 + 60 * step, "read cart") for step in range(len(many))]
    assert not told(spread, answer).incidents


@pytest.mark.parametrize("seen", [0, 1, 5, 60, 700, 3_000])
def test_how_many_are_covered_is_the_predictive_quantile(seen: int) -> None:
    """At most k failures before seen + 1 successes: at least seen + 1 successes in seen + 1 + k throws of a coin."""

    def at_most(k: int) -> float:
        throws = seen + 1 + k
        return 1 - sum(math.comb(throws, heads) for heads in range(seen + 1)) / 2**throws

    covered = as_many_as(seen)
    near = 0 if seen < 1_000 else 20
    assert 1 - at_most(covered + near) <= SURPRISE
    assert 1 - at_most(covered - 1 - near) > SURPRISE


def test_an_answer_ends_when_it_says_by_the_time_in_the_logs() -> None:
    answer = answered([new(10, QUIET)], until=NOON + timedelta(seconds=900))
    found = told([new(800, QUIET), new(3000, QUIET)], answer)
    assert [one.first_seen for one in found.incidents] == [(NOON + timedelta(seconds=3000)).isoformat()]


@pytest.mark.parametrize(("scope", "silent"), [("incident", [0]), ("template", [0, 1]), ("detector", [0, 2])])
def test_a_scope_says_how_much_is_normal(scope: Scope, silent: list[int]) -> None:
    answer = answered([slow(10, "read cart")], scope=scope)
    records = [slow(500, "read cart"), new(1500, "read cart"), slow(2500, "ask stock"), new(3500, "disk is full")]
    found = told(records, answer)
    assert sorted(one.first_seen or "" for one in found.silenced) == sorted(records[place]["start"] for place in silent)


def test_what_is_called_an_anomaly_later_is_not_silent_and_undo_restores() -> None:
    at = datetime(2026, 3, 3, tzinfo=UTC)
    normal = answered([new(10, QUIET)], now=at)
    real = answered([new(10, QUIET)], "anomaly", now=at + timedelta(hours=1))
    assert len(told([new(600, QUIET)], normal, real).incidents) == 1
    assert len(Answers(in_effect([normal, real, undo_of(real)])).answers) == 1
    assert told_incidents([new(600, QUIET)], HOUR, Answers(in_effect([normal, undo_of(real), real]))).incidents == []
    assert told_incidents([new(600, QUIET)], HOUR, Answers(in_effect([normal, undo_of(normal)]))).silenced == []


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(["a line", "disk is full", "late one"])), min_size=1),
    st.lists(st.sampled_from(["normal", "anomaly", "acknowledged"]), max_size=3),
)
def test_no_session_is_lost_by_answers(came: list[tuple[int, str]], verdicts: list[Verdict]) -> None:
    records = [new(second, text) for second, text in came]
    answers = [answered(records, verdict) for verdict in verdicts]
    found = told(records, *answers)
    assert sum(one.sessions for one in (*found.incidents, *found.silenced)) == len(records)
    without = told(records)
    assert {one.fingerprint for one in (*found.incidents, *found.silenced)} <= {
        symptom["fingerprint"] for one in without.incidents for symptom in one.symptoms
    }


def test_the_file_is_read_as_it_was_written_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "model" / FEEDBACK
    path.parent.mkdir()
    answer = answered([new(10, "<script>\x1b[31m\u2028 fiel")])
    append(path, [answer])
    append(path, [answer])  # it is there already
    assert read_ledger(path) == [answer]
    assert b"\x1b" not in path.read_bytes()
    with path.open("ab") as file:
        file.write(b'{"schema": 1, "id": "torn')
    assert read_ledger(path) == [answer]
    append(path, [undo_of(answer)])
    assert in_effect(read_ledger(path)) == []
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"verdict": "maybe"}, "verdict must be 'normal' or 'anomaly'"),
        ({"until": "tomorrow"}, "until must be a time such as"),
        ({"at": "2026-03-02"}, "at must be a time such as"),
        ({"sessions": [{"session_id": "s", "start": None}] * 1001}, "at most 1000 members"),
        ({"title": "x" * 3000}, "at most 2000 characters"),
        ({"schema": 2}, "schema must be 1"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    path = tmp_path / FEEDBACK
    path.write_text(json.dumps(answered([new(10, QUIET)]).to_dict() | change) + "\n")
    with pytest.raises(InputError, match=r"feedback\.jsonl:1 cannot be used") as refused:
        read_ledger(path)
    assert says in str(refused.value)


def test_until_is_understood() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert moment_of("7d", now) == now + timedelta(days=7)
    assert moment_of("2026-04-01") == datetime(2026, 4, 1, tzinfo=UTC)
    with pytest.raises(UsageError, match="--until must be a date"):
        moment_of("soon")


def test_confirmed_false_alarms_stand_beside_the_budget() -> None:
    records = [new(10, QUIET), new(900, "disk is full"), new(2000, "other")]
    found = told(records, answered(records[:1]), answered(records[1:2], "anomaly"))
    measured = false_alarms([one.to_dict() for one in (*found.incidents, *found.silenced)], 2_000, 1.0)
    assert (measured["false_alarms_told"], measured["anomalies_told"], measured["without_answer"]) == (1, 1, 1)
    assert measured["per_thousand"]["value"] == 0.5
    assert measured["per_thousand"]["low"] < 0.5 < measured["at_most_per_thousand"]["value"]


def test_what_came_since_the_last_answer_is_no_part_of_the_rate() -> None:
    """Two results: people answered to the first, and the second goes on after it."""
    records = [new(10, QUIET), new(900, "disk is full"), new(2000, QUIET), new(2100, "other")]
    first = answer_to(told(records[:1]).incidents[0].to_dict(), records[:1], "normal",
                      reviewed=(NOON.isoformat(), (NOON + timedelta(seconds=1000)).isoformat()))  # fmt: skip
    found = told_incidents(records, HOUR, Answers([first]))
    whole = [one.to_dict() for one in (*found.incidents, *found.silenced)]
    incidents, elsewhere = reviewed_alone(whole, records, reviewed_by([first]))
    assert elsewhere == 2
    measured = false_alarms(incidents, 2_000, 1.0, reviewed=500)
    assert (measured["false_alarms_told"], measured["without_answer"]) == (1, 1)
    assert (measured["sessions"], measured["reviewed_sessions"]) == (2_000, 500)
    assert measured["per_thousand"]["value"] == 2.0
    nobody = false_alarms(reviewed_alone(whole, records, [])[0], 2_000, 1.0, reviewed=0)
    assert (nobody["false_alarms_told"], nobody["per_thousand"]["value"]) == (0, None)
    assert reviewed_alone(whole, records, reviewed_by([answered([new(10, QUIET)])]))[1] == 0, "an older answer"
    again = entry_of(first.to_dict())
    assert again == first


def test_answers_are_labels_where_there_are_none() -> None:
    dataset = shop_dataset(100)
    rows = dataset.sessions.select("session_id", "start").rows()
    named = [{"session_id": name, "start": start.isoformat()} for name, start in (rows[3], rows[7])]
    records = [anomaly(0, reason("time_gap", "x", 0)) | one for one in named]
    answers = [answered(records[:1]), answered(records[1:], "anomaly")]
    labels = with_labels(dataset, answers).sessions["label"]
    assert labels[3] is False
    assert labels[7] is True
    assert labels.null_count() == 98
    assert with_labels(dataset, answers).sessions.drop("label").equals(dataset.sessions.drop("label"))


def test_an_answer_offline_silences_from_the_next_detect_on(answered_shop: Path) -> None:
    log = [answered_shop / "shop.log"]
    first = detect(answered_shop / "out", log)
    shown = give(answered_shop / "out", first.incidents[0].fingerprint[:8], "normal", dry_run=True)
    assert not shown.accepted
    assert not ledger_of(answered_shop / "out").exists()
    assert shown.effect["would_silence"][0]["fingerprint"] == first.incidents[0].fingerprint
    done = give(answered_shop / "out", first.incidents[0].fingerprint, "normal")
    second = detect(answered_shop / "out", log)
    assert [one.fingerprint for one in second.silenced] == [first.incidents[0].fingerprint]
    assert len(second.anomalies) == len(first.anomalies)
    assert sum(one.sessions for one in (*second.incidents, *second.silenced)) == len(first.anomalies)
    measured = second.false_alarms()
    assert measured is not None
    assert measured["false_alarms_told"] == done.effect["sessions"] == second.silenced[0].sessions
    undo(answered_shop / "out", done.answer.id)
    assert [one.fingerprint for one in detect(answered_shop / "out", log).incidents] == [
        one.fingerprint for one in first.incidents
    ]
    with pytest.raises(UsageError, match="has no answer"):
        undo(answered_shop / "out", done.answer.id)


def test_an_answer_survives_evaluation_and_makes_it_measured(answered_shop: Path) -> None:
    """The evaluation writes the model folder anew."""
    out = answered_shop / "out"
    found = json.loads((out / "incidents.json").read_text())["incidents"]
    for place, verdict in ((0, "anomaly"), (1, "normal")):
        give(out, found[place]["fingerprint"], verdict)  # type: ignore[arg-type]
    before = ledger_of(out).read_bytes()
    assert evaluate(out, out / "data")["measured"]
    assert ledger_of(out).read_bytes() == before
    ledger_of(out).unlink()
    assert not evaluate(out, out / "data")["measured"]

"""When a candidate is suggested: hand-made histories of what came, and what came to a real model."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from isang.artifact import load_model, rules_of
from isang.config import LifecycleConfig
from isang.detection.evaluation.metrics import share
from isang.detection.live import LookedAt
from isang.detection.threshold.decisions import judge
from isang.languages import Both
from isang.logs.prepare import prepare
from isang.logs.stream.session_stream import EndedSessions
from isang.service.metrics import Metrics
from isang.service.models.advice import AGAIN_SESSIONS, Advice
from isang.service.models.history import BIN_SESSIONS, MOST_BINS, Bin, History, counts_of, high_limits
from isang.service.models.suggestions import Usual, measured, suggestion
from isang.service.models.versions import Versions
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database
from tests.languages import assert_tell_the_same
from tests.service.test_web import Parts, ask, parts
from tests.synthetic import shop_dataset, shop_log

__all__ = ["parts"]

TRAINED = datetime(2026, 1, 1, tzinfo=UTC)
USUAL = Usual(1.0, share(1, 1000), {"event_counts": share(50, 1000), "time_gap": share(50, 1000)}, TRAINED, 14.0)


DAYS = [f"2026-01-{day:02d}" for day in range(1, 31)]


def history(bins: int = 12, days: float = 1.0, **each: Any) -> list[Bin]:
    """Bins of one kind, which end so many days after training."""
    end = (TRAINED + timedelta(days=days)).isoformat()
    return [Bin(**{"sessions": 250, "last": end, "high": {"event_counts": 12, "time_gap": 13}, **each})] * bins


def kinds(bins: list[Bin], **rest: Any) -> list[str]:
    found = suggestion(bins, USUAL, **rest)
    return [] if found is None else [reason["kind"] for reason in found["reasons"]]


@pytest.mark.parametrize(
    ("bins", "wanted"),
    [
        (history(), []),
        (history(new=30, templates={"shipped parcel <*>": 30}), ["new_templates"]),
        (history(high={"event_counts": 60, "time_gap": 12}), ["scores"]),
        (history(alerts=2), ["budget"]),
        (history(days=20.0), ["age"]),
        (history(days=20.0, new=30, alerts=3), ["new_templates", "budget", "age"]),
        (history(3, new=30), []),
    ],
    ids=["as ever", "new lines", "scores", "budget", "age", "all", "too few sessions"],
)
def test_drift_and_age_are_reasons(bins: list[Bin], wanted: list[str]) -> None:
    assert kinds(bins) == wanted


def test_one_burst_or_outage_is_no_drift() -> None:
    burst = Bin(sessions=250, new=250, alerts=200, high={"event_counts": 250}, last=TRAINED.isoformat())
    assert kinds([*history(6), burst, *history(6)]) == []


def test_alerts_that_people_called_anomalies_exceed_no_budget() -> None:
    assert kinds(history(alerts=2)) == ["budget"]
    assert kinds(history(alerts=2), real=22) == []


def test_the_expected_effect_says_what_is_not_learned() -> None:
    found = suggestion(history(new=30, new_alerts=28, alerts=28), USUAL)
    assert found is not None
    assert "of 360 sessions with new lines it would learn 24" in found["expected"]
    assert "336 are alerts that nobody called normal" in found["expected"]
    assert found["learnable_sessions"] == 24
    quiet = suggestion(history(new=30, silenced=28), USUAL)
    assert quiet is not None
    assert "call them normal" not in quiet["expected"]


def test_measures_are_one_where_all_is_usual() -> None:
    found = measured(history(high={"event_counts": 12.5, "time_gap": 5}, days=7.0), USUAL)
    assert found == {"new_templates": 0.0, "scores": pytest.approx(1.0), "budget": 0.0, "age": pytest.approx(0.5)}
    assert measured([], USUAL) == {}


def test_a_history_survives_a_restart_and_not_another_version(tmp_path: Path) -> None:
    database = Database(tmp_path / "isang.db")
    kept = History(database, "0001")
    for _ in range(MOST_BINS + 3):
        kept.add(Bin(sessions=BIN_SESSIONS, alerts=1, templates={"a": 1}))
    assert len(kept.bins) == MOST_BINS
    again = History(database, "0001")
    assert again.bins == kept.bins
    assert again.bins[0].templates == {"a": 1}
    assert History(database, "0002").bins == []
    database.close()


def test_high_rates_are_read_as_numbers() -> None:
    found = suggestion(history(alerts=60), USUAL)
    assert found is not None
    said = [text for reason in found["reasons"] for text in (reason["says"], reason["says_ko"])]
    said += [found["expected"], found["expected_ko"]]
    assert any("240" in text for text in said)
    assert not any("e+" in text for text in said), said


def test_few_sessions_at_a_time_fill_one_bin(tmp_path: Path) -> None:
    database = Database(tmp_path / "isang.db")
    kept = History(database, "0001")
    full = [kept.add(Bin(sessions=10, first=day, last=day)) for day in DAYS]
    assert full.count(True) == 1
    assert [one.sessions for one in kept.bins] == [250, 50]
    assert (kept.bins[0].first, kept.bins[1].last) == ("2026-01-01", "2026-01-30")
    database.close()


class Adviser:
    """The advice of a service whose history is given."""

    def __init__(self, home: Path, promote: str = "person") -> None:
        self.database = Database(home / "isang.db")
        self.versions = Versions(self.database)
        self.outage: Both | None = None
        self.begun: list[str] = []
        settings = ServiceSettings(home=home, lifecycle=LifecycleConfig(promote=promote))
        self.advice = Advice(settings, self.database, self.versions, Metrics(), self.train, lambda: self.outage)

    def train(self, reason: Both) -> None:
        assert_tell_the_same(*reason)
        self.begun.append(reason.en)
        self.versions.begin(f"{1 + len(self.begun):04d}", Path(), reason.en)

    def came(self, bins: list[Bin]) -> None:
        """Keep a history and take it up, as a restart does."""
        kept = History(self.database, "0001")
        kept.bins = bins
        kept.save()
        self.advice._usual, self.advice._history = USUAL, History(self.database, "0001")


@pytest.fixture
def adviser(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Adviser]:
    made = Adviser(tmp_path, **getattr(request, "param", {}))
    yield made
    made.database.close()


def test_an_outage_is_a_reason_to_wait_and_a_candidate_under_way_ends_the_suggestion(adviser: Adviser) -> None:
    adviser.came(history(alerts=2))
    adviser.outage = Both("1 grave incident fires: x", "심각한 인시던트 1건이 진행 중입니다: x")
    found = adviser.advice.suggested()
    assert found is not None
    assert (found["waits"], found["waits_ko"]) == adviser.outage
    adviser.versions.begin("0002", Path(), "asked for")
    assert adviser.advice.suggested() is None


def test_nothing_is_trained_without_a_person(adviser: Adviser) -> None:
    adviser.came(history(alerts=2))
    counted = LookedAt(*[None] * 3)  # type: ignore[arg-type]
    adviser.advice._model = None
    adviser.advice.looked(counted)
    assert adviser.begun == []


@pytest.mark.parametrize("adviser", [{"promote": "auto"}], indirect=True)
def test_auto_trains_with_the_reason_and_not_again_at_once(adviser: Adviser) -> None:
    adviser.came(history(alerts=2))
    adviser.outage = Both("1 grave incident fires: x", "심각한 인시던트 1건이 진행 중입니다: x")
    adviser.advice.train_alone()
    assert adviser.begun == []
    adviser.outage = None
    adviser.advice.train_alone()
    adviser.advice.close()
    assert len(adviser.begun) == 1
    assert "alerts per 1,000 sessions" in adviser.begun[0]
    adviser.versions.move("0002", "failed", refused=["x"])
    adviser.came(adviser.advice._history.bins)  # type: ignore[union-attr]
    adviser.advice._history.tried_after = AGAIN_SESSIONS - 1  # type: ignore[union-attr]
    adviser.advice.train_alone()
    assert len(adviser.begun) == 1
    adviser.advice._history.tried_after = AGAIN_SESSIONS  # type: ignore[union-attr]
    adviser.advice.train_alone()
    adviser.advice.close()
    assert len(adviser.begun) == 2


def test_a_model_counts_what_it_judges(adviser: Adviser, shop: Path) -> None:
    model = load_model(shop / "out")
    log = shop / "changed.log"
    log.write_text(shop_log(shop_dataset(300, seed=3)).replace("ship", "hand over to a courier and ship"))
    dataset = prepare([str(log)], model.config.logs, rules=rules_of(model)).dataset
    ended = EndedSessions(dataset, pl.DataFrame(), [], ["end"] * len(dataset.sessions), pl.DataFrame(), None)  # type: ignore[arg-type]
    judged = judge(model, dataset)
    flagged = [row for row, one in zip(judged.rows, judged.decisions, strict=True) if one.anomalous]
    rows = dataset.sessions[flagged].select("session_id", "start").rows()
    records = [{"session_id": name, "start": start.isoformat()} for name, start in rows]
    counted = counts_of(model, LookedAt(ended, judged, records))
    assert (counted.sessions, counted.alerts, counted.silenced) == (300, len(records), 0)
    assert counted.new_alerts <= counted.new
    assert set(counted.high) == set(high_limits(model))
    adviser.advice.use(model, "0001")
    adviser.advice.looked(LookedAt(ended, judged, records))
    assert adviser.advice._history is not None
    assert adviser.advice._history.bins[-1].sessions == 300
    assert measured(adviser.advice._history.bins, USUAL)["new_templates"] >= 0


def test_the_page_and_the_interface_say_it(parts: Parts) -> None:
    parts.suggestion = suggestion(history(new=30, alerts=3), USUAL) | {"waits": "an outage <b>"}  # type: ignore[operator]
    assert ask(parts, "GET", "/api/v1/models").json()["suggestion"]["reasons"][0]["kind"] == "new_templates"
    english = ask(parts, "GET", "/models", headers={"Accept": "text/html"}).text
    assert "A new model is worth training" in english
    assert "an outage &lt;b&gt;" in english
    korean = ask(parts, "GET", "/models?lang=ko", headers={"Accept": "text/html"}).text
    assert "학습에서 본 적 없는 줄이 있습니다" in korean

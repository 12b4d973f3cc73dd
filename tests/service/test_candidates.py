"""Candidates: what they learn from, the gates that bad ones fail, and the shadow."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from isang.artifact import load_model, model_folder, rules_of
from isang.config import to_dict
from isang.detection.feedback.answers import Answer
from isang.detection.live import LookedAt
from isang.detection.threshold.decisions import judge
from isang.files import to_json
from isang.languages import Both
from isang.logs.prepare import prepare
from isang.logs.store import Dataset, write_dataset
from isang.logs.stream.session_stream import EndedSessions
from isang.service.feedback import Refused
from isang.service.models.candidates import Candidates, Shadow
from isang.service.models.kept import KeptSessions, merged
from isang.service.models.material import material
from isang.service.models.training import ANSWERS, DATA, HELD_OUT, SPEC, work
from tests.languages import assert_tell_the_same
from tests.service.test_web import INCIDENT, Parts, parts
from tests.synthetic import shop_dataset, shop_log

__all__ = ["parts"]


@pytest.fixture(scope="module")
def later(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """900 more sessions of the shop, as its model reads them."""
    log = tmp_path_factory.mktemp("later") / "shop.log"
    log.write_text(shop_log(shop_dataset(900, seed=7)))
    model = load_model(shop / "out")
    dataset = prepare([str(log)], model.config.logs, rules=rules_of(model)).dataset
    return Dataset(dataset.sessions, dataset.templates, {"schema": 1, "rules": rules_of(model).to_dict()})


def part(dataset: Dataset, start: int, stop: int) -> Dataset:
    return Dataset(dataset.sessions[start:stop], dataset.templates, dataset.meta)


def version(folder: Path, shop: Path, learned: Dataset, held_out: Dataset, **training: Any) -> Path:
    """The folder of a candidate that is ready to be trained."""
    model = load_model(shop / "out")
    settings = replace(model.config.training, train_fraction=1.0, **training)
    write_dataset(learned, folder / DATA)
    write_dataset(held_out, folder / HELD_OUT)
    (folder / ANSWERS).write_text("")
    config = to_dict(replace(model.config, training=settings))
    spec = {"schema": 1, "present": str(model_folder(shop / "out")), "config": config}
    (folder / SPEC).write_text(to_json(spec))
    return folder


def shuffled(dataset: Dataset) -> Dataset:
    """Events of each session in a random order, and long times between them: not the times of the logs."""
    chance = np.random.default_rng(0)
    events = [chance.permutation(events).tolist() for events in dataset.sessions["events"].to_list()]
    gaps = [[0, *(1_000 * chance.integers(1, 60, len(gaps) - 1)).tolist()] for gaps in dataset.sessions["gaps_ms"]]
    sessions = dataset.sessions.with_columns(
        events=pl.Series(events, dtype=pl.List(pl.Int32)), gaps_ms=pl.Series(gaps, dtype=pl.List(pl.Int32))
    )
    return Dataset(sessions, dataset.templates, dataset.meta)


def outage(dataset: Dataset) -> Dataset:
    """Every session breaks off after two events."""
    short = dataset.sessions.with_columns(pl.col("events", "gaps_ms").list.head(2))
    return Dataset(short, dataset.templates, dataset.meta)


@pytest.mark.parametrize(
    ("spoilt", "settings", "gates"),
    [
        (None, {}, set()),
        (None, {"learning_rate": 1.0, "epochs": 8}, {"training", "surprise", "planted"}),
        (outage, {}, {"material"}),
        (shuffled, {}, {"material"}),
    ],
    ids=["good", "learning rate x 100", "trained during an outage", "shuffled time"],
)
def test_a_bad_candidate_is_refused_with_a_reason(
    tmp_path: Path, shop: Path, later: Dataset, spoilt: Callable[[Dataset], Dataset] | None,
    settings: dict[str, Any], gates: set[str],
) -> None:  # fmt: skip
    learned = part(later, 0, 700)
    folder = version(tmp_path, shop, learned if spoilt is None else spoilt(learned), part(later, 700, 900), **settings)
    outcome = work(folder)
    failed = {gate["name"]: gate["says"] for gate in outcome["gates"] if not gate["passed"]}
    assert bool(failed) == bool(gates), failed
    assert not gates or gates & set(failed), failed
    assert all(len(says) > 20 for says in failed.values())
    for gate in outcome["gates"]:
        assert_tell_the_same(gate["says"], gate["says_ko"])
    json.dumps(outcome)


def test_kept_sessions_come_back_once_and_the_oldest_go_first(tmp_path: Path, later: Dataset) -> None:
    kept = KeptSessions(tmp_path, most_bytes=1 << 30, most_days=1)
    kept.add(part(later, 0, 20), [])
    kept.flush()
    first = later.sessions.row(20, named=True)
    record = {"session_id": first["session_id"], "start": first["start"].isoformat(), "silenced_by": "a"}
    kept.add(part(later, 10, 40), [record])
    kept.flush()
    together = merged(KeptSessions(tmp_path, most_bytes=1 << 30, most_days=1).read())
    assert together.sessions["session_id"].to_list() == later.sessions["session_id"][:40].to_list()
    assert together.sessions.filter("flagged", "silenced")["session_id"].to_list() == [first["session_id"]]
    texts = dict(together.templates.select("event", "template").iter_rows())
    known = dict(later.templates.select("event", "template").iter_rows())
    for events, own in zip(later.sessions["events"][:40], together.sessions["events"], strict=True):
        assert [known[event] for event in events] == [texts[event] for event in own]
    few = KeptSessions(tmp_path, most_bytes=1, most_days=1)
    few.flush()
    assert len(few.read()) == 1


def test_what_is_learned_leaves_alerts_out_and_ages(shop: Path, later: Dataset) -> None:
    rules = rules_of(load_model(shop / "out"))
    flags = [place % 3 == 0 for place in range(600)]
    sessions = later.sessions[:600].with_columns(flagged=pl.Series(flags), silenced=pl.lit(False))
    rows = sessions.select("session_id", "start").rows()
    told = [answer_about("normal", rows[0]), answer_about("anomaly", rows[1])]
    found = material(None, [Dataset(sessions, later.templates, {})], rules, told, 1e5)
    names = set(found.sessions["session_id"])
    assert rows[0][0] in names
    assert rows[1][0] not in names
    assert len(names) == 400
    span = (rows[-1][1] - rows[0][1]).total_seconds() / 86_400
    aged = material(None, [Dataset(sessions, later.templates, {})], rules, told, span / 2)
    halves = aged.sessions["start"] < rows[300][1]
    assert 0 < halves.sum() < 0.7 * (~halves).sum()


def answer_about(verdict: Any, row: tuple[str, datetime]) -> Answer:
    return Answer("i" + row[0], verdict, "incident", "f", "new", "x", "unseen_event", (), 1,
                  ((row[0], row[1].isoformat()),), "t", datetime.now(UTC).isoformat())  # fmt: skip


def test_a_candidate_goes_from_kept_sessions_to_the_shadow_and_not_during_an_outage(
    parts: Parts, shop: Path, later: Dataset
) -> None:
    promoted: list[str] = []
    candidates = Candidates(parts.settings, parts.database, parts.versions, parts.feedback,
                            lambda name, by: promoted.append(name))  # fmt: skip
    present = model_folder(shop / "out")
    with pytest.raises(Refused, match="no sessions have been kept"):
        candidates.train(present, Both("a test", "시험"), force=False)
    candidates.kept.add(later, [])
    parts.database.put_incident({**INCIDENT, "severity": "critical"}, 0)
    with pytest.raises(Refused, match="an outage is not learned from"):
        candidates.train(present, Both("a test", "시험"), force=False)
    name = candidates.train(present, Both("a test", "시험"), force=True)["id"]
    with pytest.raises(Refused, match="in training already"):
        candidates.train(present, Both("a test", "시험"), force=True)
    until = time.monotonic() + 300
    while parts.versions.one(name)["state"] == "training" and time.monotonic() < until:
        time.sleep(0.2)
    made = parts.versions.one(name)
    assert made["state"] == "shadow", made["refused"]
    assert {gate["name"] for gate in made["gates"]} == {"training", "material", "planted", "surprise", "budget"}
    model = load_model(present)
    sample = part(later, 0, 50)
    ended = EndedSessions(sample, pl.DataFrame(), [], ["end"] * 50, pl.DataFrame(), None)  # type: ignore[arg-type]
    shadow = Shadow(name, load_model(Path(made["folder"]) / "run"))
    shadow.look(LookedAt(ended, judge(model, sample), []))
    said = shadow.to_dict()
    assert said["sessions"] == 50
    for which in ("candidate", "present"):
        assert said[f"only_{which}_sessions"] == len(said[f"only_{which}"])
    assert not shadow.may_be_promoted()
    candidates.close()
    assert later.sessions["start"].max() - later.sessions["start"].min() > timedelta(0)  # type: ignore[operator]

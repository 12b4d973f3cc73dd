"""What detection costs grows no faster than what there is to look at, counted in questions rather than seconds."""

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.detectors import DETECTORS, detectors_of
from isang.detection.detectors.contract import Evidence
from isang.detection.detectors.encoder import masked_model
from isang.detection.detectors.order.event_order import EventOrder
from isang.detection.evaluation import synthetic_anomalies
from isang.detection.releases import template_contexts
from isang.detection.releases.rewordings import judge_reworded
from isang.detection.threshold.decisions import judge
from isang.logs.store import Dataset
from isang.model.answered import Answered
from isang.model.batches import Floats, from_sequences, to_sessions


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many sessions the encoder was asked about as a whole, and how many places of templates."""
    counts: Counter[str] = Counter()
    whole, place = masked_model.surprise_of_batch, template_contexts.event_probabilities

    def of_batch(encoder: object, tokens_GL: np.ndarray) -> object:
        counts["sessions"] += len(tokens_GL)
        return whole(encoder, tokens_GL)  # type: ignore[arg-type]

    def at_place(model: Model, tokens: np.ndarray, position: int) -> object:
        counts["places"] += 1
        return place(model, tokens, position)

    monkeypatch.setattr(masked_model, "surprise_of_batch", of_batch)
    monkeypatch.setattr(template_contexts, "event_probabilities", at_place)
    return counts


def anew(model: Model) -> Model:
    """The model before anybody asked it."""
    return replace(model, answered=Answered())


def times_as_long(dataset: Dataset, times: int) -> Dataset:
    """The sessions several times, each time under other names."""
    parts = [
        dataset.sessions.with_columns(session_id=pl.col("session_id") + f"-{number}", source=pl.lit(f"log{number}"))
        for number in range(times)
    ]
    return replace(dataset, sessions=pl.concat(parts))


def test_nothing_is_asked_twice(trained: Model, dataset: Dataset, asked: Counter[str]) -> None:
    model = anew(trained)
    rows = np.arange(500, 700, dtype=np.int64)
    first = judge(model, dataset, rows)
    once = asked["sessions"]
    assert 0 < once <= len(rows)
    again = judge(replace(model, facts=dict(model.facts)), dataset, rows)
    assert asked["sessions"] == once, "a changed copy of the model goes on with what was answered"
    assert np.array_equal(first.scores_DS, again.scores_DS)
    other = replace(model, onnx=masked_model.ScoringEncoder(model.needed_encoder()))  # type: ignore[arg-type]
    judge(other, dataset, rows)
    assert asked["sessions"] == 2 * once, "another encoder answers for itself"


def test_repeated_sessions_are_asked_about_once(trained: Model, dataset: Dataset, asked: Counter[str]) -> None:
    counts = []
    for times in (1, 2, 4):
        asked.clear()
        judge(anew(trained), times_as_long(dataset, times))
        counts.append(asked["sessions"])
    assert counts[0] == counts[1] == counts[2]


def test_what_is_planted_is_bounded(
    trained: Model, dataset: Dataset, asked: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthetic_anomalies, "MOST_SESSIONS", 20)
    counts = []
    for times in (1, 2, 4):
        many = times_as_long(dataset, times)
        model = anew(trained)
        judged = judge(model, many)
        asked.clear()
        synthetic_anomalies.plant(model, many, judged, np.ones(len(judged.rows), dtype=bool))
        counts.append(asked["sessions"])
    assert max(counts) <= 20 * len(synthetic_anomalies.KINDS) * 3, "each as it is planted, explained and undone"


def with_new_lines(dataset: Dataset, number: int) -> Dataset:
    """So many templates that training never had, each in ten later sessions, in the words of known ones and others."""
    known = dataset.templates["template"].to_list()
    first = int(dataset.templates["event"].max()) + 1  # type: ignore[arg-type]
    new = dataset.templates.head(0).clear()
    rows = [
        {"event": first + place, "template": f"{known[place % len(known)]} now {place} w{place}", "level": "INFO",
         "count": 10}
        for place in range(number)
    ]  # fmt: skip
    new = pl.DataFrame(rows, schema=dataset.templates.schema)
    later = dataset.sessions.slice(500)
    events = [
        [*session[:1], first + place % number, *session[2:]] for place, session in enumerate(later["events"].to_list())
    ]
    sessions = later.with_columns(events=pl.Series(events, dtype=dataset.sessions.schema["events"]))
    return Dataset(sessions, pl.concat([dataset.templates, new]), dataset.meta)


def test_new_lines_are_asked_about_in_proportion(trained: Model, dataset: Dataset, asked: Counter[str]) -> None:
    counts = []
    for number in (5, 10, 20):
        asked.clear()
        judge_reworded(anew(trained), with_new_lines(dataset, number))
        counts.append(asked["places"])
    most = template_contexts.ASKED_PLACES
    for number, count in zip((5, 10, 20), counts, strict=True):
        known = len(trained.vocabulary.templates)
        assert count <= most * (number + known), "each new and each known template at most once"


def test_answers_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of one owner, and of these the ones that somebody asked for last."""
    answered = Answered()
    sessions = from_sequences([np.arange(3, dtype=np.int32) + number for number in range(3)])
    names, owner = answered.names(sessions), (object(),)
    assert not answered.known("kind", owner, names)
    answered.keep("kind", owner, names, np.array([0, 1]), [np.zeros((2, 3)), np.ones((2, 3))])
    assert set(answered.known("kind", owner, names)) == {0, 1}
    assert not answered.known("another", owner, names)
    answered.keep("kind", (object(),), names, np.array([2]), [np.ones(1)])
    assert set(answered.known("kind", owner, names)) == {0, 1}
    monkeypatch.setattr("isang.model.answered.MOST_NUMBERS", 12)
    answered.known("kind", owner, names[:1])
    answered.keep("kind", owner, names, np.array([2]), [np.full(6, 2.0)])
    assert set(answered.known("kind", owner, names)) == {0, 2}
    answered.keep("kind", owner, names, np.array([1]), [np.ones(13)])
    assert set(answered.known("kind", owner, names)) == {0, 2}
    assert not answered.known("kind", (object(),), names)


@pytest.mark.parametrize("times", [1, 2, 4])
def test_planting_and_judging_again_score_what_is_new_alone(trained: Model, dataset: Dataset, times: int) -> None:
    """However often sessions are repeated, and whoever judges them again, a sequence is scored once."""
    model, scored = anew(trained), Counter[str]()

    class Counted(EventOrder):
        def score(self, evidence: Evidence) -> Floats:
            scored["sequences"] += len(evidence.sessions)
            return super().score(evidence)

    longer, different = times_as_long(dataset, times), len(to_sessions(dataset, model.vocabulary).distinct()[0])
    model.kept.once(detectors_of, lambda: tuple(Counted() if one.name == "event_order" else one for one in DETECTORS))
    judge(model, longer)
    assert 0 < scored["sequences"] <= different + times
    before = scored["sequences"]
    judge(model, longer)
    assert scored["sequences"] == before

"""What detection costs grows no faster than what there is to look at, counted in questions rather than seconds."""

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.detectors.encoder import masked_model
from isang.detection.evaluation import synthetic_anomalies
from isang.detection.releases import template_contexts
from isang.detection.releases.rewordings import judge_reworded
from isang.detection.threshold.decisions import judge
from isang.logs.store import Dataset
from isang.model.answered import MOST_TOKENS, Answered
from isang.model.batches import from_sequences


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


def test_answers_are_kept_within_bounds() -> None:
    answered = Answered()
    sessions = from_sequences([np.arange(3, dtype=np.int32) + number for number in range(3)])
    names, encoder = answered.names(sessions), object()
    assert not answered.known(encoder, names)
    answered.keep(encoder, names, np.array([0, 1]), [np.zeros((2, 3)), np.ones((2, 3))])
    assert set(answered.known(encoder, names)) == {0, 1}
    assert not answered.known(object(), names)
    room = [np.zeros((1, MOST_TOKENS + 1))]
    answered.keep(encoder, names, np.array([2]), room)
    assert not answered.known(encoder, names)


def test_long_sessions_are_drawn_as_far_as_they_are_affordable(dataset: Dataset) -> None:
    rows = np.arange(len(dataset.sessions), dtype=np.int64)
    long = dataset.sessions.with_columns(pl.col("events").list.head(1).list.gather([0] * 100))
    for sessions, least in ((dataset.sessions, 300), (long, 150)):
        drawn = synthetic_anomalies._drawn(replace(dataset, sessions=sessions), rows, np.random.default_rng(0))
        assert len(drawn) == least
        assert len(set(drawn.tolist())) == least
    longer = dataset.sessions.with_columns(pl.col("events").list.head(1).list.gather([0] * 1_000))
    drawn = synthetic_anomalies._drawn(replace(dataset, sessions=longer), rows, np.random.default_rng(0))
    assert len(drawn) == synthetic_anomalies.LEAST_SESSIONS

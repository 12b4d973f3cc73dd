"""Laws for every detector, layout, finding and reader, built in or plugged in; run them in your package's tests.

from isang.testing import check_detector, dataset_of

def test_it_keeps_the_laws():
    normal = dataset_of([["log in", "read", "log out"]] * 200)
    faulty = dataset_of([["log in", "log out"]] * 5)
    check_detector(MyDetector(), normal=normal, faulty=faulty)

def test_the_layout_does_too():
    check_layout(MY_LAYOUT, ["a line", "another one", "a third one"])

def test_the_finding_does_too():
    check_finding(MyFinding(), healthy=run_of(np.geomspace(3, 1, 200)), faulty=run_of(np.full(200, 3.0)))
"""

import io
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.config import Config
from isang.detection.detectors import fit
from isang.detection.detectors.contract import Case, Detector, Evidence, Reason
from isang.detection.detectors.scoring import score
from isang.detection.detectors.timed_sessions import TimedSessions, timed_sessions, untimed
from isang.detection.threshold.calibration import ScoreTail, fit_tail
from isang.logs.input.chunks import Chunk
from isang.logs.parsing.layouts import Layout
from isang.logs.parsing.records import parse_chunk, recognise_source
from isang.logs.store import SESSIONS_SCHEMA, TEMPLATES_SCHEMA, Dataset
from isang.model.batches import Rows, from_sequences
from isang.model.fitted import Fitted
from isang.model.vocabulary import vocabulary_of
from isang.runs.findings.laws import check_finding, run_of
from isang.runs.read.readers.laws import check_reader

__all__ = ["check_detector", "check_finding", "check_layout", "check_reader", "dataset_of", "run_of"]

FOREIGN_LINES = (
    "2026-01-05 09:00:00,000 INFO [main] shop.Orders: order 7 stored",
    '{"time": "2026-01-05T09:00:00Z", "level": "info", "message": "order 7 stored"}',
    "Jan  5 09:00:00 host sshd[7]: Accepted password for root",
    "time=2026-01-05T09:00:00Z level=info msg=stored order=7",
    "order 7 stored",
)
"""Lines of common layouts, which no other layout may match."""
_TOLD = re.compile(r"“[^”]*”|\d+(?:[.,]\d+)*(?:\s(?:(?:ms|s|min|h)(?![A-Za-z])|%))?")
"""Matches the quotes and numbers of a sentence."""
BUDGET = 0.001
"""Share of normal sessions that may raise an alert; at this budget a planted fault must raise one."""


def dataset_of(
    sessions: Sequence[Sequence[str]],
    *,
    gaps_ms: Sequence[Sequence[int]] | None = None,
    every_seconds: float = 60.0,
    levels: Mapping[str, str] | None = None,
) -> Dataset:
    """A dataset from the templates of each session's lines, in order of time.

    `gaps_ms` are the milliseconds before each line of each session, 10 if None; sessions start `every_seconds` apart;
    `levels` gives the level of templates that are not INFO.
    """
    texts = sorted({text for session in sessions for text in session} | set(levels or {}))
    number = {text: index for index, text in enumerate(texts)}
    gaps = gaps_ms or [[0] + [10] * (len(session) - 1) for session in sessions]
    starts = [datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=every_seconds * n) for n in range(len(sessions))]
    rows = [
        {"session_id": f"s{place:06d}", "source": "test.log", "start": start,
         "end": start + timedelta(milliseconds=sum(times)), "events": [number[text] for text in session],
         "gaps_ms": list(times), "label": None}
        for place, (session, start, times) in enumerate(zip(sessions, starts, gaps, strict=True))
    ]  # fmt: skip
    templates = {
        "event": range(len(texts)),
        "template": texts,
        "level": [(levels or {}).get(text, "INFO") for text in texts],
        "count": [sum(list(session).count(text) for session in sessions) for text in texts],
    }
    return Dataset(
        pl.DataFrame(rows, schema=SESSIONS_SCHEMA), pl.DataFrame(templates, schema=TEMPLATES_SCHEMA), {"schema": 1}
    )


def check_detector(
    detector: Detector,
    *,
    normal: Dataset,
    faulty: Dataset,
    culprits: Sequence[int] | None = None,
    model: Model | None = None,
) -> None:
    """Raise an AssertionError that says which law the detector breaks.

    It is fitted to the first half of the `normal` sessions; the third quarter sets its threshold, and the last quarter
    must stay below it. Every session of `faulty`, each with the fault that the detector exists for, must be above. If
    `culprits` gives the index of the faulty line of each of them (0 is the first line), the reasons must name it.
    `model` provides the encoder and vocabulary for a detector that uses the encoder.
    """
    _check_attributes(detector)
    vocabulary = model.vocabulary if model else vocabulary_of(normal, np.unique(_events(normal, _half(normal))))
    known, held_out, later, faults = (
        timed_sessions(dataset, vocabulary, rows)
        for dataset, rows in (
            (normal, _half(normal)), (normal, _quarter(normal, 2)), (normal, _quarter(normal, 3)),
            (faulty, _all(faulty)),
        )
    )  # fmt: skip
    fitted = _round_trip(detector, fit((detector,), known))
    if model is None:
        model = Model(
            encoder=cast(Any, None), vocabulary=vocabulary, config=Config(), rules=None,
            template_table=normal.templates, fitted=fitted, calibration=pl.DataFrame(), facts={},
        )  # fmt: skip
    model = replace(model, fitted=fitted)
    tail = fit_tail(score(detector, Evidence(model, held_out)), detector.least_scale, detector.allowance)
    _check_normal(detector, model, later, tail)
    _check_faults(detector, model, faults, tail, culprits)
    for sessions in (later, faults):
        _check_pure(detector, model, sessions)
    nothing = untimed(from_sequences([]), vocabulary.size)
    assert score(detector, Evidence(model, nothing)).shape == (0,), f"{detector.name}: no sessions have no scores"


def _check_attributes(detector: Detector) -> None:
    assert isinstance(detector, Detector), f"{detector!r} lacks attributes or methods of the protocol Detector"
    name = detector.name
    assert name.isidentifier(), f"{name!r}: a name has letters, digits and underscores only"
    assert name == name.lower(), f"{name!r}: a name has lower-case letters"
    assert detector.unit, f"{name}: its scores have a unit"
    assert detector.least_scale > 0, f"{name}: least_scale must be > 0, got {detector.least_scale}"
    assert detector.allowance >= 0, f"{name}: allowance must be 0 or more, got {detector.allowance}"


def _check_normal(detector: Detector, model: Model, later: TimedSessions, tail: ScoreTail) -> None:
    highest = float(score(detector, Evidence(model, later)).max())
    most = float(tail.ordered[-1]) + detector.allowance
    assert highest <= most, (
        f"{detector.name}: a later normal session scores {highest:.3g} {detector.unit}, more than the highest of "
        f"calibration and its allowance, {most:.3g}"
    )


def _check_faults(
    detector: Detector, model: Model, faults: TimedSessions, tail: ScoreTail, culprits: Sequence[int] | None
) -> None:
    """Each fault is found, and the reasons name it."""
    beside = Evidence(model, faults)
    p_values = tail.p_values(score(detector, beside))
    missed = np.flatnonzero(p_values > tail.share(BUDGET))
    assert not len(missed), (
        f"{detector.name}: {len(missed)} of {len(faults)} planted faults are no alert, the first in session "
        f"{missed[0]} with a p-value of {p_values[missed[0]]:.3g}"
    )
    for index in range(len(faults)):
        case = Case(Evidence(model, faults.only(index)), beside, index, set(), lambda sessions: True)
        reasons = detector.reasons(case)
        assert reasons, f"{detector.name}: it alerts for session {index} and gives no reason"
        lines = len(case.tokens) - 2
        for reason in reasons:
            assert isinstance(reason, Reason), f"{detector.name}: reasons must be isang's Reason, got {type(reason)}"
            assert reason.says.strip(), f"{detector.name}: a reason says something"
            _check_korean(detector, reason)
            in_range = reason.position is None or 0 <= reason.position < lines
            assert in_range, f"{detector.name}: a reason names line {reason.position} of {lines}"
        named = {reason.position for reason in reasons}
        named |= {
            item["position"] for reason in reasons for item in reason.detail.get("extra", ()) if "position" in item
        }
        assert culprits is None or culprits[index] in named, (
            f"{detector.name}: line {culprits and culprits[index]} of session {index} is at fault, its reasons name "
            f"{sorted(place for place in named if place is not None)}"
        )


def _check_korean(detector: Detector, reason: Reason) -> None:
    """Both sentences state the same: their numbers and quotes are equal."""
    if not reason.says_ko:
        return
    english, korean = (sorted(_TOLD.findall(sentence)) for sentence in (reason.says, reason.says_ko))
    assert re.search("[가-힣]", reason.says_ko), (
        f"{detector.name}: the Korean sentence is not Korean: {reason.says_ko!r}"
    )
    assert english == korean, f"{detector.name}: its sentences differ: {reason.says!r} and {reason.says_ko!r}"


def _check_pure(detector: Detector, model: Model, sessions: TimedSessions) -> None:
    """Scores are reproducible: repeated, one session alone, with one and two threads, and in two threads at once."""
    import torch

    expected = score(detector, Evidence(model, sessions))

    def same(*_: object) -> bool:
        return np.array_equal(score(detector, Evidence(model, sessions)), expected)

    assert same(), f"{detector.name}: the same sessions have other scores when they are asked about again"
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            assert same(), f"{detector.name}: {threads} threads of torch give other scores"
    finally:
        torch.set_num_threads(before)
    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(same, range(4))), f"{detector.name}: two threads at once give other scores"
    if not detector.timed:
        alone = [
            float(score(detector, Evidence(model, sessions.only(index)))[0]) for index in range(min(5, len(expected)))
        ]
        assert np.allclose(alone, expected[:5], atol=1e-3), f"{detector.name}: a session scores otherwise alone"


def _round_trip(detector: Detector, fitted: Fitted) -> Fitted:
    """The fitted tables after saving to and loading from a model folder."""
    table = fitted[detector.name]
    assert isinstance(table, pl.DataFrame), f"{detector.name}: fit must return a polars DataFrame, got {type(table)}"
    if table.width:
        file = io.BytesIO()
        table.write_parquet(file)
        file.seek(0)
        table = pl.read_parquet(file)
    return Fitted(fitted.normal, fitted.counts, fitted.size, {detector.name: table})


def _events(dataset: Dataset, rows: Rows) -> Rows:
    return dataset.sessions["events"].gather(rows).explode().to_numpy().astype(np.int64)


def _all(dataset: Dataset) -> Rows:
    return np.arange(len(dataset.sessions), dtype=np.int64)


def _half(dataset: Dataset) -> Rows:
    return _all(dataset)[: len(dataset.sessions) // 2]


def _quarter(dataset: Dataset, number: int) -> Rows:
    return np.array_split(_all(dataset), 4)[number]


def check_layout(layout: Layout, lines: Sequence[str]) -> None:
    """Raise AssertionError if a layout of lines breaks a law. `lines` are at least three one-line records.

    With all other layouts known, a log of these lines must be read by this one; each line is one record with a message,
    and with a time if the layout has a group of that name; the layout matches no lines of common layouts; the result
    for
    a line does not depend on the lines around it.
    """
    texts = pl.Series(lines, dtype=pl.String)
    assert texts.str.contains(layout.pattern).all(), f"{layout.name} does not fit all of its lines"
    foreign = [line for line in FOREIGN_LINES if pl.Series([line]).str.contains(layout.pattern)[0]]
    assert layout.vague or not foreign, f"{layout.name} fits a line of another layout: {foreign[:1]}"
    source = recognise_source(texts, given=None, zone="UTC", reference=datetime(2026, 1, 5))
    names = [found.name for found, _ in source.layouts]
    assert names == [layout.name], f"a log of these lines is read by {', '.join(names)}; is {layout.name} installed?"
    records = parse_chunk(Chunk("\n".join(lines), 1, None), source).frame
    assert records["line"].to_list() == list(range(1, len(lines) + 1)), (
        f"{layout.name} makes other records of its lines"
    )
    if "(?P<time>" in layout.pattern:
        assert not records["time"].null_count(), f"{layout.name} has a time that is not understood"
    backwards = parse_chunk(Chunk("\n".join(reversed(lines)), 1, None), source).frame.reverse().drop("line")
    assert backwards.equals(records.drop("line")), f"what {layout.name} reads in a line depends on the others"

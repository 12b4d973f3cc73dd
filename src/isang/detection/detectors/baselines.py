"""Trivial detectors, always reported beside the model as baselines that it must beat, and often does not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from isang.artifact import Model
from isang.detection.detectors.counts.nearest_counts import nearest_normal
from isang.logs.parsing.inferred.levels import ERROR_LEVELS
from isang.logs.store import Dataset
from isang.model.batches import Floats, Rows, Sessions, Tokens

NEAREST_AMONG = 1_000
"""Maximum number of normal sessions, the most frequent, that the edit distance compares with."""
EDIT_ROWS = 2_000
"""Sessions whose edit distances are computed at once."""
FIRST_CHARACTER = 0x10000
"""From this code point on, every number up to the highest is a character: enough for a million templates."""


@dataclass(frozen=True)
class Baseline:
    """A rule without a network: scores of the sessions `rows` of a dataset, higher is more anomalous."""

    name: str
    score: Callable[[Model, Dataset, Rows, Sessions], Floats]
    resolution: float


def everything(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Every session is flagged."""
    return np.ones(len(sessions))


def error_line(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Number of lines at an error level."""
    errors = dataset.templates.filter(pl.col("level").str.to_uppercase().is_in([*ERROR_LEVELS]))["event"]
    return _lines_of(dataset, rows, pl.element().is_in(errors.implode()))


def unseen_template(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Number of lines whose template is in no training session, judged only by the template's text."""
    templates = dataset.templates
    known = templates.filter(pl.col("template").is_in(list(model.vocabulary.templates)))["event"]
    return _lines_of(dataset, rows, ~pl.element().is_in(known.implode()))


def length(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Difference of the number of events from the median of the normal sessions."""
    sizes = np.repeat(model.normal.lengths, model.normal_counts)
    return np.abs(sessions.lengths - np.median(sizes)).astype(np.float64)


def count_vector(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Plain distance of the event counts from those of the nearest normal session."""
    distinct, inverse = sessions.distinct()
    return nearest_normal(model.fitted, distinct, weighted=False)[0][inverse]


def two_gram(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Number of steps from one event to the next, BEGIN and END included, that are in no training session."""
    size = model.vocabulary.size
    unseen = ~np.isin(_steps(sessions.flat, size), _steps(model.normal.flat, size))
    unseen[sessions.offsets[1:-1] - 1] = False  # the end of a session and the beginning of the next are not a step
    of_session = np.repeat(np.arange(len(sessions)), sessions.lengths)[:-1]
    return np.bincount(of_session, weights=unseen, minlength=len(sessions)).astype(np.float64)


def edit_distance(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Minimum number of insertions, deletions and substitutions to a normal session, divided by the longer length.

    The nearest normal session is searched among the NEAREST_AMONG most frequent ones (Levenshtein 1966; computed by
    rapidfuzz bit-parallel).
    """
    frequent = np.argsort(-model.normal_counts, kind="stable")[:NEAREST_AMONG]
    normal = _as_texts(model.normal.take(frequent))
    distinct, inverse = sessions.distinct()
    texts = _as_texts(distinct)
    nearest = np.ones(len(texts))
    for start in range(0, len(texts), EDIT_ROWS):
        rows_of_texts = texts[start : start + EDIT_ROWS]
        distances = cdist(rows_of_texts, normal, scorer=Levenshtein.normalized_distance, dtype=np.float64)
        nearest[start : start + EDIT_ROWS] = distances.min(axis=1)
    return nearest[inverse]


BASELINES = (
    Baseline("flag_everything", everything, 1.0),
    Baseline("error_line", error_line, 1.0),
    Baseline("unseen_template", unseen_template, 1.0),
    Baseline("length", length, 1.0),
    Baseline("count_vector", count_vector, 0.02),
    Baseline("two_gram", two_gram, 1.0),
    Baseline("edit_distance", edit_distance, 0.02),
)
"""Besides these, each of the DETECTORS is reported alone."""


def _lines_of(dataset: Dataset, rows: Rows, chosen: pl.Expr) -> Floats:
    """The number of `chosen` events in each of the sessions `rows`."""
    counts = dataset.sessions["events"].gather(rows).list.eval(chosen.cast(pl.Int32)).list.sum()
    return counts.fill_null(0).to_numpy().astype(np.float64)


def _steps(flat: Tokens, size: int) -> Rows:
    """Each step from one token to the next as one number, shape: len(flat) - 1."""
    return flat[:-1].astype(np.int64) * size + flat[1:]


def _as_texts(sessions: Sessions) -> list[str]:
    """Each session as a text with one character per event, from a Unicode plane without special characters."""
    return ["".join(map(chr, sessions[index][1:-1] + FIRST_CHARACTER)) for index in range(len(sessions))]

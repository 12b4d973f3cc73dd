"""Sessions to decisions, and the calibration that the decisions rest on."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.artifact import Model
from isang.detection.detectors.baselines import BASELINES
from isang.detection.detectors.burst import NOTHING_BEFORE, Bursts, Remembered, count_bursts, ends_ms, find_bursts
from isang.detection.detectors.masked_model import Floats
from isang.detection.detectors.open_ends import leave_open
from isang.detection.detectors.open_event_counts import longest_waits_after_ms
from isang.detection.detectors.scores import DETECTORS, score_all
from isang.detection.detectors.time_gap import count_gaps, gaps_before
from isang.detection.threshold.budget_allocation import budget_shares
from isang.detection.threshold.calibration import (
    Decision,
    ScoreTail,
    combine,
    decide,
    effective_number,
    fit_tail,
    limits,
)
from isang.detection.threshold.contamination import suspects
from isang.logs.store import Dataset
from isang.model.batches import Rows, Sessions, to_sessions
from isang.model.vocabulary import UNSEEN

FOLDS = 4
"""Parts of the training sessions, by time, that are held out in turn."""

SHARED_AT = 0.001
"""At this share of false alarms among normal sessions it is seen what each detector finds of what was planted."""


@dataclass(frozen=True)
class Judged:
    """S sessions with what each of D detectors says of them."""

    rows: Rows
    """Which sessions of the dataset they are, shape S."""
    sessions: Sessions
    unfinished_S: NDArray[np.bool_]
    """Which of them may go on; they have an open end in `sessions`, and nothing that may still come is missed."""
    scores_DS: Floats
    p_values_DS: Floats
    decisions: list[Decision]
    gaps_T: Floats | None = None
    """Milliseconds between each token of `sessions` and the one before, at an open end the silence so far; NaN where
    that is not known; None: no clock."""
    bursts: Bursts | None = None
    """The crowds that the sessions stand in."""

    def gaps_of(self, index: int) -> Floats:
        """The times of one session, shape: its tokens."""
        start, end = self.sessions.offsets[index : index + 2]
        return np.full(end - start, np.nan) if self.gaps_T is None else self.gaps_T[start:end]

    def burst_of(self, index: int) -> Bursts | None:
        """The crowd that one session stands in, where that is known."""
        return None if self.bursts is None else self.bursts.of(index)


def calibrate(model: Model, dataset: Dataset, training: Rows, held_out: Rows) -> pl.DataFrame:
    """Scores of normal sessions that were held out, one row per session of the training period, in order of time.

    Everything is scored on the sessions `held_out` from training. The detectors that need no trained model are fitted
    anew without a fourth of the `training` sessions (a stretch of time) to score that fourth, so that their tails come
    from the whole period; for the others these sessions are null. Sessions that look like anomalies nobody labelled
    (`suspects`) are left out.
    """
    rows = np.concatenate([training, held_out])
    folds = [*np.array_split(training, FOLDS), held_out]
    refitted = tuple(detector for detector in DETECTORS if not detector.learned)
    parts = []
    for fold in folds:
        fitted, sessions = fitted_without(model, dataset, fold, np.setdiff1d(rows, fold))
        used = DETECTORS if fold is held_out else refitted
        bursts = find_bursts(fitted, sessions, ends_ms(dataset, fold))
        scores_DS = score_all(used, fitted, sessions, gaps_before(dataset, fold), bursts)
        columns = dict(zip((detector.name for detector in used), scores_DS, strict=True))
        if fold is held_out:
            columns |= {baseline.name: baseline.score(fitted, dataset, fold, sessions) for baseline in BASELINES}
        parts.append(pl.DataFrame(columns))
    calibration = pl.concat(parts, how="diagonal").select(parts[-1].columns)
    unlabelled = dataset.sessions["label"].gather(rows).is_null().to_numpy()
    return calibration.filter(~suspects(calibration, unlabelled, model.config.detection))


def fitted_without(model: Model, dataset: Dataset, fold: Rows, others: Rows) -> tuple[Model, Sessions]:
    """The model as if only the sessions `others` were normal, and the sessions `fold` as it would see them."""
    reference = to_sessions(dataset, model.vocabulary, others)
    normal, place = reference.distinct()
    gaps = None if model.gaps is None else count_gaps(reference, gaps_before(dataset, others))
    bursts = None if model.bursts is None else count_bursts(reference, ends_ms(dataset, others))
    counts = np.bincount(place, minlength=len(normal))
    fitted = replace(model, normal=normal, normal_counts=counts, gaps=gaps, bursts=bursts)
    sessions = to_sessions(dataset, model.vocabulary, fold)
    known = np.isin(sessions.flat, normal.flat)
    return fitted, Sessions(np.where(known, sessions.flat, np.int32(UNSEEN)), sessions.offsets)


def calibration_scores(model: Model, name: str) -> Floats:
    """What the held-out normal sessions scored with one detector or baseline; 0 where the model does not know it."""
    if name not in model.calibration.columns:
        return np.zeros(len(model.calibration))
    return model.calibration[name].drop_nulls().to_numpy()


def judge(
    model: Model,
    dataset: Dataset,
    rows: Rows | None = None,
    *,
    unfinished_S: NDArray[np.bool_] | None = None,
    until: datetime | None = None,
    before: Remembered = NOTHING_BEFORE,
) -> Judged:
    """Decide about the sessions `rows` of `dataset` (all where None), within the model's alert budget.

    `unfinished_S` says which of them may go on; None: those that `may_go_on` when the dataset ends. `until` is
    when the logs ended; None: with the last session. `before` are sessions that came before these.
    """
    if rows is None:
        rows = np.arange(len(dataset.sessions), dtype=np.int64)
    if unfinished_S is None:
        unfinished_S = may_go_on(model, dataset, rows)
    sessions = leave_open(to_sessions(dataset, model.vocabulary, rows), unfinished_S)
    gaps_T = gaps_before(dataset, rows)
    gaps_T[sessions.offsets[1:][unfinished_S] - 1] = _silence_ms(dataset, rows[unfinished_S], until)
    bursts = find_bursts(model, sessions, ends_ms(dataset, rows), before)
    return Judged(rows, sessions, unfinished_S, *judge_sessions(model, sessions, gaps_T, bursts), gaps_T, bursts)


def may_go_on(model: Model, dataset: Dataset, rows: Rows) -> NDArray[np.bool_]:
    """Which sessions may not have been over when the logs ended, shape: rows.

    They were not silent for longer than usual, nor longer than any normal session that went on after such a line. A
    window of lines or of time is over when it is full, so the last one of a log is not where it has fewer lines; else,
    without a clock, nothing is known and every session is over.
    """
    usual = model.facts.get("usual_silence_seconds")
    open_S = np.zeros(len(rows), dtype=bool)
    if usual is None or model.rules.get("session", {}).get("kind") in ("lines", "seconds"):
        return _short_last_windows(model, dataset, rows)
    silent_ms_S = _silence_ms(dataset, rows, None)
    recent = np.flatnonzero(silent_ms_S < 1000 * float(usual))
    if len(recent):
        sessions = to_sessions(dataset, model.vocabulary, rows[recent])
        last = sessions.flat[np.maximum(sessions.offsets[1:] - 2, sessions.offsets[:-1])]
        open_S[recent] = silent_ms_S[recent] < longest_waits_after_ms(model)[last]
    return open_S


def _short_last_windows(model: Model, dataset: Dataset, rows: Rows) -> NDArray[np.bool_]:
    """Which of the sessions are windows of lines that the end of their log cut short, shape: rows."""
    rule = (model.rules or {}).get("session", {})
    if rule.get("kind") != "lines" or not rule.get("size"):
        return np.zeros(len(rows), dtype=bool)
    table = dataset.sessions.select("source", number=pl.col("session_id").str.extract(r":(\d+)$").cast(pl.Int64))
    last = table.select(pl.col("number") == pl.col("number").max().over("source")).to_series().fill_null(False)
    return (last.to_numpy() & (dataset.sizes < int(rule["size"])))[rows]


def _silence_ms(dataset: Dataset, rows: Rows, until: datetime | None) -> Floats:
    """How long the sessions `rows` had been silent when the logs ended; NaN without a clock."""
    last = until or dataset.sessions["end"].max()
    ends = dataset.sessions.select("end")[rows]
    until_end = pl.lit(last, dtype=pl.Datetime("us", "UTC")) - pl.col("end")
    silence = ends.select(silence=until_end.dt.total_milliseconds().cast(pl.Float64))["silence"]
    return silence.fill_null(np.nan).to_numpy()


def judge_sessions(
    model: Model, sessions: Sessions, gaps_T: Floats | None = None, bursts: Bursts | None = None
) -> tuple[Floats, Floats, list[Decision]]:
    """Scores and p-values of each detector, both of shape (D, S), and the decisions; equal sessions are scored once.

    `gaps_T` and `bursts` as in Judged; None: there is no clock, and what stands beside the sessions is not known.
    """
    scores_DS = score_all(DETECTORS, model, sessions, gaps_T, bursts)
    p_values_DS = np.stack([tail.p_values(scores_S) for tail, scores_S in zip(tails(model), scores_DS, strict=True)])
    return scores_DS, p_values_DS, decide_at(model, p_values_DS, model.config.detection.alerts_per_thousand)


def decide_at(model: Model, p_values_DS: Floats, alerts_per_thousand: float) -> list[Decision]:
    """The decisions from each detector's p-values, had this alert budget been asked for."""
    combined = combine(p_values_DS, limits_at(model, alerts_per_thousand), alerts_per_thousand / 1000)
    return decide(combined, alerts_per_thousand)


@lru_cache(maxsize=4)
def limits_at(model: Model, alerts_per_thousand: float) -> Floats:
    """Up to which p-value each detector alerts where this alert budget is asked for, shape D.

    The detectors share every budget as they share one of SHARED_AT, by what they then find of the anomalies planted
    into the held-out sessions; equally in models that know no such.
    """
    asked, number = alerts_per_thousand / 1000, detectors_in_effect(model)
    planted = [] if model.planted is None else model.planted.partition_by("kind", maintain_order=True)
    p_values = [
        np.stack([tail.p_values(scores_N) for tail, scores_N in zip(tails(model), _by_detector(kind), strict=True)])
        for kind in planted
    ]
    return limits(tails(model), asked, number, budget_shares(p_values, tails(model), SHARED_AT, number))


@lru_cache(maxsize=2)
def tails(model: Model) -> tuple[ScoreTail, ...]:
    """How each detector's scores are distributed among normal sessions.

    One that the model was calibrated without, by an earlier version, finds nothing rare.
    """
    never = np.full(len(model.calibration), np.inf)
    return tuple(
        fit_tail(calibration_scores(model, detector.name), detector.least_scale, detector.allowance)
        if detector.name in model.calibration.columns
        else ScoreTail(never, never, detector.least_scale, 1, detector.allowance)
        for detector in DETECTORS
    )


@lru_cache(maxsize=2)
def detectors_in_effect(model: Model) -> float:
    """How many independent detectors would alert as often as all of them together, see `effective_number`."""
    return effective_number(_by_detector(model.calibration), tails(model))


def _by_detector(scores: pl.DataFrame) -> Floats:
    """The scores of sessions that all detectors scored, shape (D, sessions); 0 by detectors the model does not know."""
    names = [detector.name for detector in DETECTORS]
    unknown = [pl.lit(0.0).alias(name) for name in names if name not in scores.columns]
    return scores.with_columns(unknown).select(names).drop_nulls().to_numpy().T

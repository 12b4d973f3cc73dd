"""Sessions to decisions, and the calibration behind the decisions."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.artifact import Model
from isang.detection.detectors import detectors_of, fit
from isang.detection.detectors.baselines import BASELINES
from isang.detection.detectors.contract import Evidence
from isang.detection.detectors.counts.open_counts import longest_waits_after_ms
from isang.detection.detectors.open_ends import leave_open
from isang.detection.detectors.scoring import score_all
from isang.detection.detectors.timed_sessions import (
    NOTHING_EARLIER,
    EarlierSessions,
    TimedSessions,
    as_unseen,
    timed_sessions,
)
from isang.detection.threshold.budget_allocation import budget_shares
from isang.detection.threshold.calibration import (
    TOO_COARSE,
    Decision,
    ScoreTail,
    attainable_per_thousand,
    combine,
    decide,
    effective_number,
    fit_tail,
    limits,
)
from isang.detection.threshold.contamination import suspects, without_suspects
from isang.detection.threshold.everyday import everyday
from isang.detection.threshold.planted_finds import needed, with_power
from isang.logs.store import Dataset
from isang.model.batches import Floats, Rows, Sessions, to_sessions

FOLDS = 4
"""Number of parts of the training sessions, by time, that are held out in turn."""

SHARED_AT = 0.001
"""Share of false alarms at which the power of each detector on planted anomalies is measured."""


@dataclass(frozen=True)
class Judged:
    """S sessions with the results of D detectors."""

    rows: Rows
    """Their rows in the dataset, shape S."""
    timed: TimedSessions
    """The sessions as judged: those that may continue have an open end, and nothing that may still come counts as
    missing."""
    beside: Evidence
    """All of them together, with the detectors' cached results."""
    unfinished_S: NDArray[np.bool_]
    """Which of them may continue."""
    scores_DS: Floats
    p_values_DS: Floats
    decisions: list[Decision]

    @property
    def sessions(self) -> Sessions:
        """Their tokens."""
        return self.timed.tokens


def cross_fitted_scores(model: Model, dataset: Dataset, training: Rows, held_out: Rows) -> pl.DataFrame:
    """Held-out scores of the sessions of the training period, one row for each, in order of time.

    All detectors score the sessions `held_out` from training. The detectors that need no trained model are also
    refitted without a quarter of the `training` sessions (a stretch of time) to score that quarter, so that their tails
    come from the whole period; for the others these sessions are null.
    """
    rows = np.concatenate([training, held_out])
    folds = [*np.array_split(training, FOLDS), held_out]
    detectors = detectors_of(model)
    refitted = tuple(detector for detector in detectors if not detector.learned)
    parts = []
    for fold in folds:
        fitted, sessions = fitted_without(model, dataset, fold, np.setdiff1d(rows, fold))
        used = detectors if fold is held_out else refitted
        scores_DS = score_all(used, Evidence(fitted, sessions))
        columns = dict(zip((detector.name for detector in used), scores_DS, strict=True))
        if fold is held_out:
            columns |= {baseline.name: baseline.score(fitted, dataset, fold, sessions.tokens) for baseline in BASELINES}
        parts.append(pl.DataFrame(columns))
    return pl.concat(parts, how="diagonal").select(parts[-1].columns)


def trusted_scores(
    model: Model, scores: pl.DataFrame, unlabelled: NDArray[np.bool_]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The `scores` used for thresholds, and the detectors that trust all of them, see `everyday`.

    Sessions that look like unlabelled anomalies (`suspects`) are left out, see `without_suspects`. Detectors without
    power on planted anomalies suspect none.
    """
    detectors, config = detectors_of(model), model.config.detection
    trusting_all = replace(model, calibration=scores)
    powerful_D = with_power(_planted(trusting_all), _limits(trusting_all, SHARED_AT, None), _tested(model))
    powerless = [detector.name for detector, has in zip(detectors, powerful_D, strict=True) if not has]
    suspected = suspects(detectors, scores, unlabelled, config, powerless)
    usual = everyday(detectors, scores, suspected, config.alerts_per_thousand)
    return without_suspects(detectors, scores, suspected, usual), tuple(usual)


def fitted_without(model: Model, dataset: Dataset, fold: Rows, others: Rows) -> tuple[Model, TimedSessions]:
    """The model as if only the sessions `others` were normal, and the sessions `fold` as it would see them."""
    fitted = fit(detectors_of(model), timed_sessions(dataset, model.vocabulary, others))
    refitted = replace(model, fitted=fitted)
    return refitted, as_unseen(timed_sessions(dataset, model.vocabulary, fold), refitted.normal)


def calibration_scores(model: Model, name: str) -> Floats:
    """The scores of the held-out normal sessions by one detector or baseline."""
    return model.calibration[name].drop_nulls().to_numpy()


def judge(
    model: Model,
    dataset: Dataset,
    rows: Rows | None = None,
    *,
    unfinished_S: NDArray[np.bool_] | None = None,
    until: datetime | None = None,
    earlier: EarlierSessions = NOTHING_EARLIER,
) -> Judged:
    """Decide about the sessions `rows` of `dataset` (None: all), within the model's alert budget.

    `unfinished_S` says which of them may continue; None: as by `may_go_on` at the end of the dataset. `until` is the
    end of the logs; None: that of the last session. `earlier` are sessions that came before these.
    """
    if rows is None:
        rows = np.arange(len(dataset.sessions), dtype=np.int64)
    if unfinished_S is None:
        unfinished_S = may_go_on(model, dataset, rows)
    timed = timed_sessions(dataset, model.vocabulary, rows)
    timed.gaps_T[timed.tokens.offsets[1:][unfinished_S] - 1] = _silence_ms(dataset, rows[unfinished_S], until)
    timed = replace(timed, tokens=leave_open(timed.tokens, unfinished_S), earlier=earlier)
    evidence = Evidence(model, timed)
    return Judged(rows, timed, evidence, unfinished_S, *judge_evidence(evidence))


def may_go_on(model: Model, dataset: Dataset, rows: Rows) -> NDArray[np.bool_]:
    """Which sessions may not have ended when the logs ended, shape: rows.

    They were silent neither for longer than usual, nor for longer than any normal session that continued after such a
    line. A window of lines or of time ends when it is full, so the last one of a log has not ended if it has fewer
    lines;
    otherwise, without timestamps, every session counts as ended.
    """
    usual = model.facts.get("usual_silence_seconds")
    open_S = np.zeros(len(rows), dtype=bool)
    if usual is None or (model.rules or {}).get("session", {}).get("kind") in ("lines", "seconds"):
        return _short_last_windows(model, dataset, rows)
    silent_ms_S = _silence_ms(dataset, rows, None)
    recent = np.flatnonzero(silent_ms_S < 1000 * float(usual))
    if len(recent):
        sessions = to_sessions(dataset, model.vocabulary, rows[recent])
        last = sessions.flat[np.maximum(sessions.offsets[1:] - 2, sessions.offsets[:-1])]
        open_S[recent] = silent_ms_S[recent] < longest_waits_after_ms(model.fitted)[last]
    return open_S


def _short_last_windows(model: Model, dataset: Dataset, rows: Rows) -> NDArray[np.bool_]:
    """Which sessions are windows of lines cut short by the end of their log, shape: rows."""
    rule = (model.rules or {}).get("session", {})
    if rule.get("kind") != "lines" or not rule.get("size"):
        return np.zeros(len(rows), dtype=bool)
    table = dataset.sessions.select("source", number=pl.col("session_id").str.extract(r":(\d+)$").cast(pl.Int64))
    last = table.select(pl.col("number") == pl.col("number").max().over("source")).to_series().fill_null(False)
    return (last.to_numpy() & (dataset.sizes < int(rule["size"])))[rows]


def _silence_ms(dataset: Dataset, rows: Rows, until: datetime | None) -> Floats:
    """How long the sessions `rows` had been silent when the logs ended; NaN without timestamps."""
    last = until or dataset.sessions["end"].max()
    ends = dataset.sessions.select("end")[rows]
    until_end = pl.lit(last, dtype=pl.Datetime("us", "UTC")) - pl.col("end")
    silence = ends.select(silence=until_end.dt.total_milliseconds().cast(pl.Float64))["silence"]
    return silence.fill_null(np.nan).to_numpy()


def judge_sessions(model: Model, sessions: TimedSessions) -> tuple[Floats, Floats, list[Decision]]:
    """Scores and p-values of each detector, both of shape (D, S), and the decisions; equal sessions are scored once."""
    return judge_evidence(Evidence(model, sessions))


def judge_evidence(evidence: Evidence) -> tuple[Floats, Floats, list[Decision]]:
    """As `judge_sessions`, for evidence that is used again later."""
    model = evidence.model
    scores_DS = score_all(detectors_of(model), evidence)
    p_values_DS = np.empty_like(scores_DS)
    for tail, scores_S, p_values_S in zip(tails(model), scores_DS, p_values_DS, strict=True):
        p_values_S[:] = tail.p_values(scores_S)
    return scores_DS, p_values_DS, decide_at(model, p_values_DS, model.config.detection.alerts_per_thousand)


def decide_at(model: Model, p_values_DS: Floats, alerts_per_thousand: float) -> list[Decision]:
    """The decisions from each detector's p-values with this alert budget."""
    combined = combine(p_values_DS, limits_at(model, alerts_per_thousand), alerts_per_thousand / 1000)
    return decide(combined, alerts_per_thousand)


def limits_at(model: Model, alerts_per_thousand: float) -> Floats:
    """The p-value up to which each detector alerts with this alert budget, shape D; 0 if the detector is not needed.

    A detector that finds no planted anomaly that the others miss would only add false alarms, see `needed`.
    """

    def found() -> NDArray[np.bool_]:
        shared_D = speaking_limits_at(model, 1000 * SHARED_AT)
        return needed(_planted(model), shared_D, _tested(model), tails(model))

    return np.where(model.kept.once(limits_at, found), speaking_limits_at(model, alerts_per_thousand), 0.0)


def speaking_limits_at(model: Model, alerts_per_thousand: float) -> Floats:
    """The p-value up to which each detector gives reasons for alerts, shape D.

    Every budget is divided as one of SHARED_AT would be, by the anomalies found among those planted into the held-out
    sessions; equally if none were planted.
    """

    def found() -> Floats:
        return budget_shares(_planted(model), tails(model), SHARED_AT, detectors_in_effect(model))

    return _limits(model, alerts_per_thousand / 1000, model.kept.once(speaking_limits_at, found))


def _limits(model: Model, asked: float, shares_D: Floats | None) -> Floats:
    return limits(tails(model), asked, detectors_in_effect(model), shares_D)


def _tested(model: Model) -> NDArray[np.bool_]:
    return np.array([detector.tested for detector in detectors_of(model)])


def _planted(model: Model) -> list[Floats]:
    """The p-values of sessions with planted anomalies, (D, N) for each kind."""
    planted = [] if model.planted is None else model.planted.partition_by("kind", maintain_order=True)
    return [
        np.stack(
            [tail.p_values(scores_N) for tail, scores_N in zip(tails(model), _by_detector(model, kind), strict=True)]
        )
        for kind in planted
    ]


def tails(model: Model) -> tuple[ScoreTail, ...]:
    """The distribution of each detector's scores on normal sessions."""

    def fitted() -> tuple[ScoreTail, ...]:
        return tuple(
            fit_tail(calibration_scores(model, detector.name), detector.least_scale, detector.allowance)
            for detector in detectors_of(model)
        )

    return model.kept.once(tails, fitted)


def detectors_in_effect(model: Model) -> float:
    """The number of independent detectors that would alert as often as all together, see `effective_number`."""
    return model.kept.once(
        detectors_in_effect, lambda: effective_number(_by_detector(model, model.calibration), tails(model))
    )


def _by_detector(model: Model, scores: pl.DataFrame) -> Floats:
    """The scores of sessions that all detectors scored, shape (D, sessions)."""
    return scores.select(detector.name for detector in detectors_of(model)).drop_nulls().to_numpy().T


def hardly_calibrated(model: Model) -> str | None:
    """A warning about a model with too few calibration sessions to tell an anomaly from chance; None otherwise."""
    sessions = len(model.calibration.drop_nulls())
    if attainable_per_thousand(sessions, detectors_in_effect(model)) <= TOO_COARSE:
        return None
    return (
        f"this model was calibrated on {sessions:,} sessions, too few to tell an anomaly from chance; "
        "isang compare GOOD_LOGS --with THESE_LOGS says what these have that good ones have not"
    )

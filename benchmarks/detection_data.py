"""The labelled datasets of the detection benchmark, and what is done to them: halves, contamination."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import zstandard

from isang import samples
from isang.config import LogsConfig
from isang.logs.prepare import prepare
from isang.logs.store import Dataset, read_dataset, write_dataset

FAULT_TIME = timedelta(minutes=2)
"""A trainticket trace is touched by an exception if the pod logs an error for it this close to the injection."""


def hdfs(data: Path) -> Dataset:
    """Blocks of the 2 % sample with the published labels."""
    return _prepared([data / "hdfs" / "HDFS_2pct.log.zst"], labels=data / "hdfs" / "anomaly_label.csv")


def bgl(data: Path) -> Dataset:
    """Windows of 100 lines; one with an alert line is anomalous."""
    return _prepared([data / "bgl" / "BGL_100k.log.gz"], config=LogsConfig(window_lines=100))


def shop(data: Path) -> Dataset:
    """The recorded shop; `data` is not needed, the sample ships with the package."""
    sample = samples.shop()
    return _prepared(sample.logs, labels=sample.labels)


def trainticket(data: Path) -> Dataset:
    """Traces of a shop with injected faults, labelled as far as the list of injections reaches.

    Anomalous: the pod that throws an injected exception logs an error for the trace within FAULT_TIME of it (so that
    `error_line` is part of the label here). Normal: no trace that enters by the same service ever has a line of the pod
    whose fault is the nearest in time. All others went, or could have gone, through a faulty pod without leaving a
    trace of it, or through one whose fault is a wrong return value: unknown. They are learned from where they are in
    the training period, as a user would, since whole journeys would be missing without them; later they do not count.
    """
    folder = data / "trainticket"
    dataset = _prepared([folder / "normal", folder / "faults"])
    faults = pl.read_csv(folder / "faults.csv", try_parse_dates=True)
    errors = {pod: _errors(folder / "faults" / f"{pod}.log.zst") for pod in faults["pod"].unique()}
    injections = [Injection(when.replace(tzinfo=UTC), kind, pod) for when, kind, pod in faults.iter_rows()]
    sessions = dataset.sessions.with_columns(entry=pl.col("source").str.extract(r"(ts-[a-z0-9-]+-service)"))
    traces = list(sessions["session_id", "start", "entry"].iter_rows())
    reached = {(entry, pod) for name, _, entry in traces for pod in errors if name in errors[pod]}
    labels = []
    for name, start, entry in traces:
        near = min(injections, key=lambda injection: abs(injection.when - start))
        times = errors[near.pod].get(name, [])
        if near.kind == "exception" and any(abs(time - near.when) <= FAULT_TIME for time in times):
            labels.append(True)
        else:
            labels.append(None if (entry, near.pod) in reached else False)
    return replace(dataset, sessions=dataset.sessions.with_columns(label=pl.Series(labels, dtype=pl.Boolean)))


class Injection(NamedTuple):
    """One line of the list of faults."""

    when: datetime
    kind: str
    pod: str


def _prepared(logs: Sequence[Path], config: LogsConfig | None = None, labels: Path | None = None) -> Dataset:
    return prepare([str(path) for path in logs], config or LogsConfig(), labels=labels).dataset


def _errors(path: Path) -> Mapping[str, list[datetime]]:
    """For each trace with a line in a pod's log, the times of its errors there."""
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read().decode()
    errors: dict[str, list[datetime]] = {}
    for line in text.splitlines():
        trace = re.search(r"TraceID: ([0-9a-f]{32})", line)
        if trace:
            times = errors.setdefault(trace[1], [])
            when = re.search(r'"time":"([^".]+)', line)
            if " ERROR " in line and when:
                times.append(datetime.fromisoformat(when[1]).replace(tzinfo=UTC))
    return errors


@dataclass(frozen=True)
class Part:
    """One row of the benchmark: a dataset and how much of it, by time, the model may learn from."""

    title: str
    read: Callable[[Path], Dataset]
    train_fraction: float
    contaminated: float = 0.0
    """Share of the training sessions that are anomalies without a label."""
    reworded: float = 0.0
    """Share of the templates that get another text after the training period."""


PARTS: Mapping[str, Part] = {
    "hdfs50": Part("HDFS 2 %, first 50 % for training", hdfs, 0.5),
    "hdfs10": Part("HDFS 2 %, first 10 % for training", hdfs, 0.1),
    "bgl": Part("BGL 100k, windows of 100 lines, first half for training", bgl, 0.5),
    "shop": Part("the recorded shop, first half for training", shop, 0.5),
    "trainticket": Part("trainticket, first half for training", trainticket, 0.5),
    "contamination": Part("HDFS 2 %, 50 %, 1 % of it unlabelled anomalies", hdfs, 0.5, contaminated=0.01),
    "rewording": Part("HDFS 2 %, 50 %, then 20 % of the templates reworded", hdfs, 0.5, reworded=0.2),
    "shop-rewording": Part("the recorded shop, then 20 % of the templates reworded", shop, 0.5, reworded=0.2),
}


def dataset_of(part: Part, data: Path, work: Path, *, development: bool, seed: int) -> Dataset:
    """The dataset of a part, prepared once and kept in `work`; for development, its first half alone."""
    folder = work / "data" / part.read.__name__
    if not folder.exists():
        write_dataset(part.read(data), folder)
    dataset = read_dataset(folder)
    if development:
        dataset = replace(dataset, sessions=dataset.sessions.head(len(dataset.sessions) // 2))
    if part.contaminated:
        dataset = contaminate(dataset, train_fraction(part, development=development), part.contaminated, seed)
    return with_kinds(dataset) if part.read is shop else dataset


def train_fraction(part: Part, *, development: bool) -> float:
    """For development, a tenth of the whole is a fifth of the half; a half is the half of the half."""
    return 0.2 if development and part.train_fraction == 0.1 else part.train_fraction


def with_kinds(dataset: Dataset) -> Dataset:
    """The shop's sessions with the kind of fault that each met."""
    labels = pl.read_csv(samples.shop().labels, infer_schema=False)
    kinds = dict(labels.filter(pl.col("fault").is_not_null())["request_id", "fault"].iter_rows())
    names = dataset.sessions["session_id"].str.replace(r"#\d+$", "")
    kind = pl.Series("kind", [kinds.get(name) for name in names], dtype=pl.String)
    return replace(dataset, sessions=dataset.sessions.with_columns(kind))


def contaminate(dataset: Dataset, fraction: float, share: float, seed: int) -> Dataset:
    """Take the labels from some anomalies of the training period, so that `share` of what is learned is anomalous.

    They are anomalies that really happened there; the later sessions are as they were.
    """
    labels = dataset.sessions["label"].to_list()
    period = int(len(labels) * fraction)
    anomalous = [row for row, label in enumerate(labels[:period]) if label]
    wanted = round(share * (period - len(anomalous)) / (1 - share))
    if len(anomalous) < wanted:
        raise SystemExit(f"the training period holds {len(anomalous)} anomalies, {wanted} are needed")
    for row in np.random.default_rng(seed).choice(anomalous, wanted, replace=False):
        labels[row] = None
    return replace(dataset, sessions=dataset.sessions.with_columns(label=pl.Series(labels, dtype=pl.Boolean)))

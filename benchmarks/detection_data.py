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
"""A trainticket trace is touched by a fault if the pod logs an error for it this close to the injection."""
TRACE_LINE = re.compile(r'TraceID: (?P<trace>[0-9a-f]{32}) SpanID: \S+ (?P<message>.*)"time":"(?P<time>[^".]+)')


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

    Anomalous, of the kind `exception` or `return`: the faulty pod logs for the trace, within FAULT_TIME of the
    injection, an error that its service does not log on the normal day. Normal: no trace that enters by the same
    service ever has a line of the pod whose fault is the nearest in time. All others went, or could have gone, through
    a faulty pod without leaving a trace of it: unknown. They are learned from where they are in the training period, as
    a user would, since whole journeys would be missing without them; later they do not count.
    """
    folder = data / "trainticket"
    dataset = _prepared([folder / "normal", folder / "faults"])
    faults = pl.read_csv(folder / "faults.csv", try_parse_dates=True)
    injections = [Injection(when.replace(tzinfo=UTC), kind, pod) for when, kind, pod in faults.iter_rows()]
    errors = {pod: _fault_errors(folder, pod) for pod in set(faults["pod"])}
    entries = dataset.sessions["source"].str.extract(r"(ts-[a-z0-9-]+-service)")
    traces = list(zip(*dataset.sessions["session_id", "start"], entries, strict=True))
    reached = {(entry, pod) for name, _, entry in traces for pod in errors if name in errors[pod]}
    kinds: list[str | None] = []
    labels: list[bool | None] = []
    for name, start, entry in traces:
        near = min(injections, key=lambda injection: abs(injection.when - start))
        touched = any(abs(time - near.when) <= FAULT_TIME for time in errors[near.pod].get(name, ()))
        kinds.append(near.kind if touched else None)
        labels.append(True if touched else None if (entry, near.pod) in reached else False)
    columns = pl.Series("label", labels, dtype=pl.Boolean), pl.Series("kind", kinds, dtype=pl.String)
    return replace(dataset, sessions=dataset.sessions.with_columns(*columns))


class Injection(NamedTuple):
    """One line of the list of faults."""

    when: datetime
    kind: str
    pod: str


def _prepared(logs: Sequence[Path], config: LogsConfig | None = None, labels: Path | None = None) -> Dataset:
    return prepare([str(path) for path in logs], config or LogsConfig(), labels=labels).dataset


def _errors(path: Path) -> Mapping[str, list[tuple[datetime, str]]]:
    """For each trace with a line in a pod's log, the times of its errors there and their messages without numbers."""
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file).read().decode()
    errors: dict[str, list[tuple[datetime, str]]] = {}
    for line in text.splitlines():
        found = TRACE_LINE.search(line)
        if found:
            of_trace = errors.setdefault(found["trace"], [])
            if " ERROR " in line:
                when = datetime.fromisoformat(found["time"]).replace(tzinfo=UTC)
                of_trace.append((when, re.sub(r"[0-9a-f-]{8,}|\d+", "#", found["message"])))
    return errors


def _fault_errors(folder: Path, pod: str) -> Mapping[str, list[datetime]]:
    """For each trace with a line in a pod's log, the times of errors that are not among those of the normal day."""
    normal = [_errors(path) for path in (folder / "normal").glob(f"{pod.rsplit('-', 2)[0]}-*.log.zst")]
    ordinary = {message for traces in normal for errors in traces.values() for _, message in errors}
    faulty = _errors(folder / "faults" / f"{pod}.log.zst")
    return {trace: [when for when, text in errors if text not in ordinary] for trace, errors in faulty.items()}


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
    maker: str = "reword"
    """Who makes these texts (see rewording.MAKERS)."""


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
    return dataset


def train_fraction(part: Part, *, development: bool) -> float:
    """For development, a tenth of the whole is a fifth of the half; a half is the half of the half."""
    return 0.2 if development and part.train_fraction == 0.1 else part.train_fraction


def contaminate(dataset: Dataset, fraction: float, share: float, seed: int) -> Dataset:
    """Take the labels from some anomalies of the training period, so that `share` of what is learned is anomalous.

    They are anomalies that really happened there; the later sessions are as they were. No session of the training
    period is labelled normal, so that the labels do not give them away.
    """
    labels = dataset.sessions["label"].to_list()
    period = int(len(labels) * fraction)
    anomalous = [row for row, label in enumerate(labels[:period]) if label]
    labels[:period] = [label or None for label in labels[:period]]
    wanted = round(share * (period - len(anomalous)) / (1 - share))
    if len(anomalous) < wanted:
        raise SystemExit(f"the training period holds {len(anomalous)} anomalies, {wanted} are needed")
    for row in np.random.default_rng(seed).choice(anomalous, wanted, replace=False):
        labels[row] = None
    return replace(dataset, sessions=dataset.sessions.with_columns(label=pl.Series(labels, dtype=pl.Boolean)))

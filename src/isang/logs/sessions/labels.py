"""Labels files: which sessions are known to be normal or anomalous."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.errors import InputError
from isang.logs.input.chunks import read_all

_ID_NAMES = (
    "session_id", "session", "sessionid", "id", "block_id", "blockid", "block", "trace_id", "traceid", "trace",
    "request_id", "requestid", "request", "key",
)  # fmt: skip
_LABEL_NAMES = (
    "label",
    "anomalous",
    "anomaly",
    "is_anomaly",
    "isanomaly",
    "is_anomalous",
    "abnormal",
    "class",
    "target",
)
_KIND_NAMES = ("kind", "fault", "fault_kind", "fault_type", "anomaly_type", "type")
_NORMAL = ("normal", "0", "false", "-", "no", "n", "benign", "ok", "success")
_ANOMALOUS = ("anomaly", "anomalous", "abnormal", "1", "true", "yes", "y", "fail", "failure", "fault")
_MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class Labels:
    """Known sessions."""

    table: pl.DataFrame
    """`session_id` str (each once), `label` bool (true = anomalous), `kind` str: what is wrong with an anomalous one;
    null where the file does not say."""
    source: str
    """The file."""
    duplicates: int
    """Rows that repeated an id with the same label."""


def read_labels(path: Path) -> Labels:
    """A CSV, TSV, Parquet or JSON lines file, maybe compressed, with an id column and a label column.

    Raises InputError for a file that cannot be read, columns or values that are not understood, and an id that is
    labelled both ways.
    """
    table = _read_table(path)
    names = {name.strip().lower(): name for name in table.columns}
    session, label = _column(path, names, "session id", _ID_NAMES), _column(path, names, "label", _LABEL_NAMES)
    kind = next((names[name] for name in _KIND_NAMES if name in names), label)
    rows = table.select(
        session_id=pl.col(session).cast(pl.String).str.strip_chars(),
        text=pl.col(label).cast(pl.String).str.strip_chars().str.to_lowercase(),
        kind=pl.col(kind).cast(pl.String).str.strip_chars(),
    ).filter(pl.col("session_id").is_not_null() & pl.col("text").is_not_null())  # fmt: skip
    rows = rows.with_columns(label=_meaning(path, rows["text"]))
    names_a_kind = pl.col("label") & ~pl.col("kind").str.to_lowercase().is_in([*_NORMAL, *_ANOMALOUS, ""])
    rows = rows.select("session_id", "label", kind=pl.when(names_a_kind).then("kind"))
    unique = rows.unique("session_id", keep="first", maintain_order=True)
    contradicting = rows.unique(["session_id", "label"]).filter(pl.col("session_id").is_duplicated())
    if contradicting.height:
        first = contradicting["session_id"].sort()[0]
        raise InputError(f"{path} labels {first!r} both normal and anomalous; each session needs one label")
    if unique.is_empty():
        raise InputError(f"{path} holds no labels")
    return Labels(unique, str(path), rows.height - unique.height)


_COUNTED = ("labelled", "anomalous", "by_file", "by_alerts", "by_both", "unlabelled")


@dataclass
class LabelCounts:
    """What came of attaching labels to some of the sessions."""

    used: NDArray[np.bool_]
    """For each label, whether a session got it."""
    first_id: str | None = None
    """The first of these sessions."""
    of: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))

    def add(self, later: "LabelCounts") -> None:
        """Add the counts of the sessions that follow."""
        self.used = self.used | later.used
        self.first_id = self.first_id or later.first_id
        for name, count in later.of.items():
            self.of[name] += count


class LabelJoin:
    """Attaches labels to sessions, part by part, and counts what came of it.

    A session is anomalous if the file or the alert column of its lines says so, normal if one says so and the other
    does not contradict. All pieces of a session that was cut (`id`, `id#2`, ...), and the sessions of one identifier
    in several logs (`id@log`), get its label.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        known = labels.table.with_row_index("row")
        self._known = known.select("row", name="session_id", from_file="label", file_kind="kind")
        self.counts = LabelCounts(np.zeros(known.height, dtype=np.bool_))

    def anew(self) -> "LabelJoin":
        """One with the same labels that has counted nothing."""
        return LabelJoin(self._labels)

    def attach(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """`sessions` in the same order with their `label` and `kind`; sessions that nothing is known of have null."""
        if self.counts.first_id is None:
            self.counts.first_id = str(sessions["session_id"][0])
        row = _row_of(sessions, self._known)
        found = self._known.select("from_file", "file_kind")[row]
        self.counts.used[row.drop_nulls().to_numpy()] = True
        from_file, from_alerts = found["from_file"], sessions["label"]
        label = _either(from_file, from_alerts)
        self._count(from_file, from_alerts, label)
        return sessions.with_columns(label.alias("label"), found["file_kind"].alias("kind"))

    def report(self) -> dict[str, Any]:
        """The counts. Raises InputError where no label fits any session."""
        known, counts = self._labels.table, self.counts.of
        if not self.counts.used.any():
            raise InputError(
                f"none of the {known.height:,} labels in {self._labels.source} belongs to a session: a label's id is "
                f"{known['session_id'][0]!r}, a session's id is {self.counts.first_id!r}; "
                "choose the session key with --session-by"
            )
        return {
            "source": self._labels.source,
            "labelled": counts["labelled"],
            "anomalous": counts["anomalous"],
            "anomalous_by_file": counts["by_file"],
            "anomalous_by_alerts": counts["by_alerts"],
            "anomalous_by_both": counts["by_both"],
            "labels_without_session": int((~self.counts.used).sum()),
            "sessions_without_label": counts["unlabelled"],
            "duplicates": self._labels.duplicates,
        }

    def _count(self, from_file: pl.Series, from_alerts: pl.Series, label: pl.Series) -> None:
        by_file, by_alerts = from_file.fill_null(False), from_alerts.fill_null(False)
        found = {
            "labelled": label.is_not_null().sum(),
            "anomalous": label.sum(),
            "by_file": by_file.sum(),
            "by_alerts": by_alerts.sum(),
            "by_both": (by_file & by_alerts).sum(),
            "unlabelled": label.null_count(),
        }
        for name, count in found.items():
            self.counts.of[name] += int(count)


def attach_labels(sessions: pl.DataFrame, labels: Labels) -> tuple[pl.DataFrame, dict[str, Any]]:
    """(`sessions` with their labels, the counts); see LabelJoin. Raises InputError where no label fits any session."""
    join = LabelJoin(labels)
    return join.attach(sessions), join.report()


def _row_of(sessions: pl.DataFrame, known: pl.DataFrame) -> pl.Series:
    """The row of `known` (`row`, `name`) for each session; null if there is none. If several of a session's names are
    known, the longest counts."""
    whole = pl.col("session_id")
    without_part = whole.str.replace(r"#\d+$", "")
    names = sessions.select(
        whole, without_part=without_part, key=without_part.str.strip_suffix(pl.lit("@") + pl.col("source"))
    )
    rows = [
        names.join(known, left_on=name, right_on="name", how="left", maintain_order="left")["row"]
        for name in names.columns
    ]
    return pl.select(pl.coalesce(rows)).to_series()


def _either(one: pl.Series, other: pl.Series) -> pl.Series:
    """True where one of them is, else False where one of them is, else null."""
    return pl.select(pl.coalesce(one | other, one, other)).to_series()


def _read_table(path: Path) -> pl.DataFrame:
    content = read_all(path, max_bytes=_MAX_BYTES)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    try:
        if content[:4] == b"PAR1":
            return pl.read_parquet(io.BytesIO(content))
        if content.lstrip()[:1] == b"{":
            return pl.read_ndjson(io.BytesIO(content), infer_schema_length=None)
        head = content.split(b"\n", 1)[0]
        separator = "\t" if ".tsv" in suffixes or head.count(b"\t") > head.count(b",") else ","
        if separator == "," and head.count(b";") > head.count(b","):
            separator = ";"
        return pl.read_csv(io.BytesIO(content), separator=separator, infer_schema=False)
    except (pl.exceptions.PolarsError, ValueError) as error:
        why = str(error).partition("\n")[0]  # what follows is advice for those who call polars
        raise InputError(f"{path} is no table of labels (CSV, TSV, Parquet or JSON lines): {why}") from error


def _column(path: Path, names: dict[str, str], what: str, understood: tuple[str, ...]) -> str:
    for name in understood:
        if name in names:
            return names[name]
    raise InputError(
        f"{path} has no {what} column; its columns are {', '.join(names.values()) or 'none'}, "
        f"understood are {', '.join(understood)}"
    )


def _meaning(path: Path, texts: pl.Series) -> pl.Series:
    """True for anomalous; in a column with `-`, every other text is the name of an anomaly."""
    dash_means_normal = (texts == "-").any()
    anomalous = ~texts.is_in(_NORMAL)
    strange = texts.filter(anomalous & ~texts.is_in(_ANOMALOUS))
    if strange.len() and not dash_means_normal:
        raise InputError(
            f"{path}: the label {strange[0]!r} is not understood; use Normal/Anomaly, 0/1, true/false or -/NAME"
        )
    return anomalous

"""Labels files: which sessions are known to be normal or anomalous."""

import io
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from isang.errors import InputError
from isang.logs.read import read_all

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
    """`session_id` str (each once), `label` bool (true = anomalous), `kind` str or null."""
    source: str
    """The file."""
    duplicates: int
    """Rows that repeated an id with the same label."""


@dataclass(frozen=True)
class LabelsReport:
    """What came of attaching labels."""

    labelled: int
    """Sessions that got a label."""
    anomalous: int
    """Of these, anomalous ones."""
    labels_without_session: int
    sessions_without_label: int
    duplicates: int

    def to_dict(self) -> dict[str, int]:
        """Plain values."""
        return asdict(self)


def read_labels(path: Path) -> Labels:
    """A CSV, TSV, Parquet or JSON lines file, maybe compressed, with an id column and a label column.

    Raises InputError for a file that cannot be read, columns or values that are not understood, and an id that is
    labelled both ways.
    """
    table = _read_table(path)
    names = {name.strip().lower(): name for name in table.columns}
    session, label = _column(path, names, "session id", _ID_NAMES), _column(path, names, "label", _LABEL_NAMES)
    kind = next((names[name] for name in _KIND_NAMES if name in names), None)
    rows = table.select(
        session_id=pl.col(session).cast(pl.String).str.strip_chars(),
        text=pl.col(label).cast(pl.String).str.strip_chars().str.to_lowercase(),
        kind=pl.lit(None, dtype=pl.String) if kind is None else pl.col(kind).cast(pl.String),
    ).filter(pl.col("session_id").is_not_null() & pl.col("text").is_not_null())  # fmt: skip
    rows = rows.with_columns(label=_meaning(path, rows["text"])).select("session_id", "label", "kind")
    unique = rows.unique("session_id", keep="first", maintain_order=True)
    contradicting = rows.unique(["session_id", "label"]).filter(pl.col("session_id").is_duplicated())
    if contradicting.height:
        first = contradicting["session_id"].sort()[0]
        raise InputError(f"{path} labels {first!r} both normal and anomalous; each session needs one label")
    if unique.is_empty():
        raise InputError(f"{path} holds no labels")
    return Labels(unique, str(path), rows.height - unique.height)


def attach_labels(sessions: pl.DataFrame, labels: Labels) -> tuple[pl.DataFrame, LabelsReport]:
    """`sessions` with their labels, in the same order; sessions that the file does not name get null.

    All pieces of a session that was cut (`id`, `id#2`, ...) get its label. Raises InputError where no label fits any
    session.
    """
    known = labels.table.select("session_id", known="label")
    bases = sessions.select(
        "session_id", base=pl.col("session_id").str.replace(r"#\d+$", "")
    ).join(known, on="session_id", how="left", maintain_order="left").join(
        known.rename({"session_id": "base", "known": "base_label"}), on="base", how="left", maintain_order="left"
    )  # fmt: skip
    found = bases.select(pl.coalesce("known", "base_label")).to_series()
    labelled = found.is_not_null().sum()
    if labelled == 0:
        raise InputError(
            f"none of the {known.height:,} labels in {labels.source} belongs to a session: a label's id is "
            f"{known['session_id'][0]!r}, a session's id is {sessions['session_id'].first()!r}; "
            "choose the session key with --session-by"
        )
    used = known.filter(pl.col("session_id").is_in(pl.concat([bases["session_id"], bases["base"]]).implode())).height
    report = LabelsReport(
        labelled=int(labelled),
        anomalous=int(found.sum()),
        labels_without_session=known.height - used,
        sessions_without_label=int(found.null_count()),
        duplicates=labels.duplicates,
    )
    return sessions.with_columns(found.alias("label")), report


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
        raise InputError(f"{path} is no table of labels (CSV, TSV, Parquet or JSON lines): {error}") from error


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

"""What a detector finds: one anomaly, and all anomalies of a detection."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, overload

from isang.formatting import printable
from isang.html import raw_html

if TYPE_CHECKING:
    import polars as pl

    from isang.detection.incidents import Incident
    from isang.detection.threshold.stretches import Stretch

SHOWN = 20
"""Maximum number of incidents that a notebook shows."""


class Anomaly(Mapping[str, Any]):
    """One anomalous session: the record of docs/formats.md as a mapping, its main values as attributes."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = dict(record)

    def __getitem__(self, name: str) -> Any:
        return self._record[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)

    @property
    def session_id(self) -> str:
        """The session's name."""
        return str(self._record["session_id"])

    @property
    def score(self) -> float:
        """-log10 of the p-value of all detectors together."""
        return float(self._record["score"])

    @property
    def p_value(self) -> float:
        """The share of normal sessions that are at least as unusual as this one."""
        return float(self._record["p_value"])

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """Why it is anomalous, the strongest reason first."""
        return list(self._record["reasons"])

    @property
    def lines(self) -> list[str]:
        """The raw lines named by the reasons, each once, in the order of the reasons."""
        named = (reason[name] for reason in self.reasons for name in ("line", "since") if reason.get(name))
        return list(dict.fromkeys(line["text"] for line in named))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as `isang detect --json` prints them."""
        return dict(self._record)

    def __repr__(self) -> str:
        says = self.reasons[0]["says"] if self._record["reasons"] else "no reason"
        return printable(f"<Anomaly {self.session_id}, score {self.score:.1f}: {says}>")

    def _repr_html_(self) -> str:
        rows = []
        for reason in self.reasons:
            line = reason.get("line")
            raw = "" if not line else f"{line['source']}:{line['number']}: {line['text']}"
            rows.append(f"<li>{escape(printable(reason['says']))}{raw_html([raw])}</li>")
        head = f"{self.session_id}, score {self.score:.1f}"
        return f"<div><strong>{escape(printable(head))}</strong><ul>{''.join(rows)}</ul></div>"


class Anomalies(Sequence[Anomaly]):
    """The anomalies in logs, the most unusual first, and the incidents that they belong to."""

    def __init__(
        self,
        records: Sequence[Mapping[str, Any]],
        incidents: "Sequence[Incident]",
        sessions: int,
        warnings: Sequence[str],
        smaller: "Sequence[Incident]" = (),
        whole: "Stretch | None" = None,
    ) -> None:
        self._anomalies = [Anomaly(record) for record in records]
        self.incidents = list(incidents)
        """Incidents by cause, the most severe first: those whose like is rare in normal stretches."""
        self.smaller = list(smaller)
        """The other incidents, whose like also occurs in normal stretches of a log."""
        self.whole = whole
        """The logs as a whole: `verdict`, `p_value`, `score`."""
        self.sessions = sessions
        """Sessions judged."""
        self.warnings = list(warnings)
        """Warnings about the detection as a whole."""

    @overload
    def __getitem__(self, place: int) -> Anomaly: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Anomaly]: ...
    def __getitem__(self, place: int | slice) -> Anomaly | Sequence[Anomaly]:
        return self._anomalies[place]

    def __len__(self) -> int:
        return len(self._anomalies)

    def to_frame(self) -> "pl.DataFrame":
        """One row per anomaly: session_id, source, start, end, events, score, p_value and the first reason."""
        import polars as pl

        names = ("session_id", "source", "start", "end", "events", "score", "p_value")
        rows = [
            {name: anomaly[name] for name in names}
            | {"reason": anomaly.reasons[0]["says"] if anomaly.reasons else None}
            for anomaly in self
        ]
        types = {"session_id": pl.String, "source": pl.String, "start": pl.String, "end": pl.String, "events": pl.Int64}
        floats = {"score": pl.Float64, "p_value": pl.Float64, "reason": pl.String}
        frame = pl.DataFrame(rows, schema=types | floats)
        return frame.with_columns(pl.col("start", "end").str.to_datetime("%+", time_zone="UTC", time_unit="us"))

    def __repr__(self) -> str:
        return f"<{len(self):,} anomalies of {self.sessions:,} sessions in {len(self.incidents):,} incidents>"

    def _repr_html_(self) -> str:
        parts = [incident._repr_html_() for incident in self.incidents[:SHOWN]]
        more = f"<p>and {len(self.incidents) - SHOWN:,} more incidents</p>" if len(self.incidents) > SHOWN else ""
        return f"<p>{escape(repr(self)[1:-1])}</p>{''.join(parts)}{more}"

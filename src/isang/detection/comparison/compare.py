"""Good logs against bad ones: what the bad ones have that the good ones have not, as incidents, without a model."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from isang.config import LogsConfig
from isang.detection.causes.severity import Severity
from isang.detection.causes.symptoms import Symptom
from isang.detection.comparison.clusters import Cluster, clusters_of
from isang.detection.comparison.differences import Difference, differences_of, expected_between
from isang.detection.comparison.families import Families, families_of
from isang.detection.comparison.order import order_differences
from isang.detection.comparison.told import HALVES, DifferenceFacts, told
from isang.detection.comparison.values import value_differences
from isang.detection.comparison.verdict import BY_CHANCE, Verdict, chance_score, verdict
from isang.detection.incidents import Incident, ranked
from isang.errors import InputError, UsageError
from isang.logs.event_records import EventRecords, read_event_records

PHASES = 2.0
"""Counts of two halves of a log vary this many times as much as those of two logs: a log has phases."""
REGULAR = 5
"""Minimum count of a line in the second quarter to be reported as missing from the second half."""
LEAST_RECORDS = 20
"""Minimum number of records to say anything about a log by itself."""
SHOWN = 5
"""Lines that an incident shows."""
SHOWN_CHARACTERS = 2_000
_KINDS = {"missing": "missing", "too_many": "too_many", "too_few": "missing", "out_of_order": "out_of_order"}
"""Kinds of symptoms by kinds of differences; the others are `new`."""


@dataclass(frozen=True)
class Comparison:
    """What bad logs have that good ones have not."""

    good: tuple[str, ...]
    bad: tuple[str, ...]
    lines: tuple[int, int]
    """Records of all good logs and of the bad ones."""
    templates: int
    incidents: list[Incident]
    """What good logs do not do among themselves, the most severe first."""
    differences: list[Incident]
    """Smaller differences, whose like also occurs among good logs, ranked in the same way."""

    halves: bool = False
    """The two halves of one log were compared."""

    verdict: Verdict | None = None
    """Of the bad logs as a whole; None between halves."""

    @property
    def score(self) -> float:
        """How much the bad logs differ: the incidents' scores together; 0 where they differ as good logs do."""
        return sum(incident.score for incident in self.incidents)


def compare(good: Sequence[str], bad: Sequence[str], config: LogsConfig | None = None) -> Comparison:
    """Compare the logs `bad`, together, with each of `good` (files, folders, globs).

    Raises UsageError where either is missing and InputError for logs that cannot be used.
    """
    if not good or not bad:
        raise UsageError(
            "isang compare needs good logs and, behind --with, bad ones: isang compare good.log --with bad.log"
        )
    records = read_event_records([*([path] for path in good), bad], config or LogsConfig())
    return compared(records, tuple(good), tuple(bad))


def compare_halves(logs: Sequence[str], config: LogsConfig | None = None) -> Comparison:
    """Compare the second half of logs, by time, with the first: what can be said about logs too small to learn from.

    Raises InputError for logs that cannot be used or have fewer than LEAST_RECORDS records.
    """
    records = read_event_records([logs], config or LogsConfig())
    count = records.frame.height
    if count < LEAST_RECORDS:
        raise InputError(
            f"the logs have {count:,} {'record' if count == 1 else 'records'}; from fewer than {LEAST_RECORDS} nothing "
            "can be said; give more, or compare them with good ones: isang compare GOOD --with BAD"
        )
    frame = records.frame.sort("time", "source", "line", nulls_last=True, maintain_order=True)
    frame = frame.with_columns(run=(pl.int_range(pl.len()) >= (count + 1) // 2).cast(pl.Int32))
    return compared(replace(records, frame=frame), ("the first half",), ("the second half",), halves=True)


def compared(records: EventRecords, good: tuple[str, ...], bad: tuple[str, ...], *, halves: bool = False) -> Comparison:
    """The last run of `records` beside the others, which are `good`."""
    families = families_of(records, len(good) + 1)
    good_FR, bad_F = families.counts_FR[:, :-1], families.counts_FR[:, -1]
    for name, lines in zip((*good, " ".join(bad)), families.counts_FR.sum(axis=0), strict=True):
        if not lines:
            raise UsageError(f"{name} is empty, there is nothing to compare")
    expected = expected_between(families, good_FR)
    differences = [
        *(
            _between_halves(differences_of(families, good_FR, bad_F, dispersion=PHASES), families)
            if halves
            else differences_of(families, good_FR, bad_F)
        ),
        *value_differences(records, families, len(good)),
        *order_differences(families, len(good)),
    ]
    clusters = clusters_of(differences, families, expected, _seen_at(families), int(bad_F.sum()))
    told_as = HALVES if halves else len(good)
    pairs = list(zip(_incidents(clusters, records, families, told_as), clusters, strict=True))
    return Comparison(
        good,
        bad,
        (int(good_FR.sum()), int(bad_F.sum())),
        records.templates.height,
        ranked([incident for incident, cluster in pairs if cluster.by_chance < BY_CHANCE]),
        ranked([incident for incident, cluster in pairs if cluster.by_chance >= BY_CHANCE]),
        halves,
        None if halves else verdict(families, range(len(good)), len(good)),
    )


def _between_halves(differences: Sequence[Difference], families: Families) -> list[Difference]:
    """Without what only begins a log: lines that were missing from the end of the first half on, or seldom in it."""
    half = int(families.counts_FR[:, 0].sum())
    of_first_half = families.of_record_N[half // 2 : half]
    late_F = np.bincount(of_first_half, minlength=len(families.counts_FR))
    return [d for d in differences if d.kind != "missing" or late_F[d.family] >= REGULAR]


def _seen_at(families: Families) -> Any:
    """The record that shows each family: the first of the bad logs, else of the first good log that has it."""
    in_bad = families.first_FR[:, -1]
    in_good = np.where(families.first_FR[:, :-1] < 0, np.iinfo(np.int64).max, families.first_FR[:, :-1]).min(axis=1)
    return np.where(in_bad >= 0, in_bad, in_good)


def _incidents(clusters: Sequence[Cluster], records: EventRecords, families: Families, good: int) -> list[Incident]:
    seen_at = _seen_at(families)
    shown = [
        [(d, d.record if d.record >= 0 else int(seen_at[d.family])) for d in cluster.differences[:SHOWN]]
        for cluster in clusters
    ]
    texts = _texts(records, [record for of_cluster in shown for _, record in of_cluster])
    return [
        _incident(cluster, of_cluster, records, families, texts, good)
        for cluster, of_cluster in zip(clusters, shown, strict=True)
    ]


def _texts(records: EventRecords, wanted: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The raw lines of records, by their rows."""
    rows = records.frame[sorted(set(wanted))].with_columns(row=np.array(sorted(set(wanted)), dtype=np.int64))
    found = {}
    for (source,), part in rows.group_by("source", maintain_order=True):
        raw = records.raw(int(source), part["line"].to_list())
        for row in part.iter_rows(named=True):
            found[row["row"]] = {
                "source": records.sources[int(source)].name,
                "number": row["line"],
                "time": _iso(row["time"]),
                "level": row["level"],
                "text": raw.get(row["line"], row["message"])[:SHOWN_CHARACTERS],
            }
    return found


def _incident(
    cluster: Cluster,
    shown: Sequence[tuple[Difference, int]],
    records: EventRecords,
    families: Families,
    texts: dict[int, dict[str, Any]],
    good: int,
) -> Incident:
    lead, lead_record = shown[0]
    template = families.table["template"][lead.family]
    symptoms = [_symptom(difference, families) for difference in cluster.differences]
    lines = [texts[record] | {"template": families.table["template"][d.family]} for d, record in shown]
    time = records.frame["time"][lead_record] if cluster.kind != "missing" else None
    seen = DifferenceFacts(
        cluster.kind, template, lead.lines, lead.usual, len(cluster.differences), good, time, lead.before, lead.now
    )
    title, title_ko = told(seen)
    p_value = 1 - math.exp(-cluster.by_chance)
    fingerprint = symptoms[0].fingerprint
    reasons = [_reason(d, line, p_value) for (d, _), line in zip(shown, lines, strict=True)]
    sources = tuple(dict.fromkeys(line["source"] for line in lines))
    return Incident(
        id=hashlib.sha256(f"{fingerprint}|{sources}|{lines[0]['number']}".encode()).hexdigest()[:16],
        fingerprint=fingerprint,
        stream="comparison",
        state="firing",
        severity=_severity(cluster),
        title=title,
        title_ko=title_ko,
        score=round(chance_score(cluster.by_chance), 3),
        first_seen=_iso(time),
        last_seen=_iso(time),
        sessions=sum(difference.lines for difference in cluster.differences),
        sources=sources,
        symptoms=tuple(
            {
                "fingerprint": s.fingerprint,
                "kind": s.kind,
                "template": s.template,
                "level": s.level,
                "sessions": d.lines,
            }
            for s, d in zip(symptoms, cluster.differences, strict=True)
        ),
        reasons=tuple(reasons),
        examples=(),
        episodes=(),
    )


def _symptom(difference: Difference, families: Families) -> Symptom:
    template, level = families.table.row(difference.family)[1:]
    return Symptom(_KINDS.get(difference.kind, "new"), template, level)


def _severity(cluster: Cluster) -> Severity:
    """High: new lines at ERROR or worse; medium: new warnings, and what chance makes in one of ten logs; else low."""
    if cluster.by_chance >= BY_CHANCE:
        return "low"
    if cluster.kind == "new" and cluster.loudness == 3:
        return "high"
    return "medium" if (cluster.kind == "new" and cluster.loudness == 2) or cluster.by_chance < 0.1 else "low"


def _reason(difference: Difference, line: dict[str, Any], p_value: float) -> dict[str, Any]:
    seen = DifferenceFacts(
        difference.kind,
        line["template"],
        difference.lines,
        difference.usual,
        1,
        0,
        None,
        difference.before,
        difference.now,
    )
    return {
        "detector": "comparison",
        "kind": difference.kind,
        "p_value": p_value,
        "says": told(seen)[0],
        "line": line,
        "after_line": False,
        "lines": difference.lines,
        "usual_lines": difference.usual,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()

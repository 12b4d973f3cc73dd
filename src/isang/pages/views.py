"""The input of the page templates: the contents of a page in one language, shortened to what is shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from isang.logs.templates.slots import QUANTILES
from isang.pages.contents import Contents
from isang.pages.picture import buckets
from isang.pages.session_table import note_of, session_rows, shortened, ticket_lines
from isang.pages.spread import MOST_SOURCES, reached, sessions_over_time
from isang.pages.timeline import spark
from isang.pages.words import Language

SEVERITIES = ("critical", "high", "medium", "low")
SHOWN_SYMPTOMS = 8
SHOWN_SESSIONS = 12
SHOWN_NEVER_SEEN = 100
SHOWN_VALUES = 5
"""Maximum number of values shown per slot: the most frequent."""


def heading(entry: Mapping[str, Any], contents: Contents, language: Language) -> dict[str, Any]:
    """An incident as the list shows it."""
    return {
        "id": entry["id"], "fingerprint": entry["fingerprint"], "severity": entry["severity"], "state": entry["state"],
        "title": told(entry, "title", language),
        "sessions": entry["sessions"], "counts": entry.get("counts", "sessions"),
        "first": day_time(entry["first_seen"]), "last": day_time(entry["last_seen"]),
        "buckets": buckets(entry["first_seen"], entry["last_seen"], contents.lines),
    }  # fmt: skip


def incident(entry: Mapping[str, Any], contents: Contents, language: Language) -> dict[str, Any]:
    """An incident with all details that a page shows."""
    examples = entry.get("examples", ())
    first = next((example for example in examples if example.get("lines")), examples[0] if examples else None)
    records = contents.records.get(entry["fingerprint"], examples)
    rows = [] if first is None else session_rows(first)
    return heading(entry, contents, language) | {
        "symptoms": [
            item | {"template": shortened(item["template"])} for item in entry.get("symptoms", ())[:SHOWN_SYMPTOMS]
        ],
        "reasons": reasons(_elsewhere(first) if rows and first else entry.get("reasons", ())),
        "sources": entry.get("sources", ()),
        "example": None if first is None else str(first["session_id"]),
        "rows": rows,
        "ticket": "\n".join(ticket_lines(rows)),
        "beside": bool(first and first.get("beside")),
        "beside_id": str((first.get("beside") or {}).get("session_id") or "") if first else "",
        "others": _others(records, first),
        "more": max(0, entry["sessions"] - min(len(records), SHOWN_SESSIONS + 1)),
        "spread": _spread(records, language),
        "episodes": [
            {"first": day_time(episode["first_seen"]), "last": day_time(episode["last_seen"])} | {
                "sessions": episode["sessions"]
            }
            for episode in entry.get("episodes", ())
        ],
        "lasted": _lasted(entry["first_seen"], entry["last_seen"], language),
        "spark": _spark(records, contents),
        "feedback": entry.get("feedback"),
    }  # fmt: skip


def told(entry: Mapping[str, Any], key: str, language: Language) -> Any:
    """A sentence, or several, in the page's language; results of earlier versions exist only in English."""
    korean = entry.get(f"{key}_ko") if language == "ko" else None
    return korean or entry.get(key)


def reasons(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each different sentence of the reasons, with what was expected and a raw line."""
    found: dict[str, dict[str, Any]] = {}
    for reason in given:
        line = reason.get("line")
        raw = None if line is None else f"{line['source']}:{line['number']}: {shortened(line['text'])}"
        found.setdefault(reason["says"], {"note": note_of(reason), "line": raw})
    return list(found.values())


def never_seen(contents: Contents) -> list[dict[str, Any]]:
    """The templates in no training session, with their first line."""
    return [
        {
            "template": shortened(entry["template"]), "level": entry["level"] or "", "loudness": entry["loudness"],
            "count": entry["count"], "sessions": entry["sessions"],
            "place": f"{entry['first']['source']}:{entry['first']['number']}",
            "text": shortened(entry["first"]["text"]),
        }
        for entry in contents.never_seen[:SHOWN_NEVER_SEEN]
    ]  # fmt: skip


def templates(contents: Contents) -> list[dict[str, Any]]:
    """The table of templates."""
    return [
        {
            **entry, "template": shortened(entry["template"]), "path": spark(entry["spark"]),
            "first": _short_time(entry["first"]), "last": _short_time(entry["last"]),
            "slots": [_slot(slot) for slot in entry["slots"]],
        }
        for entry in contents.templates
    ]  # fmt: skip


def sources(account: Mapping[str, Any], language: Language) -> list[dict[str, Any]]:
    """How each log was read."""
    return [
        {
            "name": source["name"], "lines": source["lines"], "used": source["used"],
            "layouts": ", ".join(layout["name"] for layout in source["layouts"]),
            "times": told(source, "times", language) or "", "not_matched": source["not_matched"],
            "doubts": told(source, "doubts", language) or (),
        }
        for source in account.get("sources", ())
    ]  # fmt: skip


def _elsewhere(example: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The reasons that refer to no line of the session."""
    shown = {line["position"] for line in example.get("lines", ())}
    return [one for one in example["reasons"] if not one.get("line") or one["line"].get("position") not in shown]


def day_time(moment: str | None) -> str:
    """An ISO 8601 time from JSON, to the second; empty if there is none."""
    return "" if moment is None else moment[:19].replace("T", " ")


def _short_time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%m-%d %H:%M:%S}"


def _others(records: Sequence[Mapping[str, Any]], first: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Further sessions of an incident, in order of time."""
    other = [record for record in records if first is None or record["session_id"] != first["session_id"]]
    return [
        {"id": str(record["session_id"]), "start": day_time(record["start"]), "source": str(record["source"])}
        for record in other[:SHOWN_SESSIONS]
    ]


def _spread(records: Sequence[Mapping[str, Any]], language: Language) -> list[dict[str, Any]]:
    """The logs in the order in which an incident reached them, with the delay after the first."""
    from isang.runs.text.writing import duration

    found = reached(records)[:MOST_SOURCES]
    begin = found[0].first if found else None
    return [
        {
            "source": entry.source, "sessions": entry.sessions,
            "time": f"{entry.first:%H:%M:%S}.{entry.first.microsecond // 1000:03d}" if entry.first else "",
            "after": duration((entry.first - begin).total_seconds(), language)
            if entry.first and begin and entry.first > begin else "",
            "line": f"{entry.line['source']}:{entry.line['number']}: {shortened(entry.line['text'])}",
        }
        for entry in found
    ]  # fmt: skip


def _lasted(first: str | None, last: str | None, language: Language) -> str:
    from isang.runs.text.writing import duration

    if first is None or last is None:
        return ""
    return duration((datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds(), language)


def _spark(records: Sequence[Mapping[str, Any]], contents: Contents) -> str:
    if contents.lines is None:
        return ""
    return spark(sessions_over_time(records, contents.lines.start, contents.lines.end))


def _slot(slot: Mapping[str, Any]) -> dict[str, Any]:
    values = list(zip(slot["values"] or (), slot["counts"] or (), strict=True))
    return {
        "name": slot["name"] or "", "distinct": slot["distinct"], "growing": slot["growing"],
        "values": [(shortened(value), count) for value, count in values[:SHOWN_VALUES]],
        "range": None if slot["low"] is None else (slot["low"], slot["high"]),
        "median": slot["quantiles"][QUANTILES.index(0.5)] if slot["quantiles"] else None,
    }  # fmt: skip

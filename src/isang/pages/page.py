"""One HTML page about analysed logs that loads nothing: styles, script and pictures are in it."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from isang.html import asset, environment, hashed, safe
from isang.pages.contents import Contents
from isang.pages.session_table import session_rows, shortened
from isang.pages.timeline import BUCKETS, LEVELS, Timeline, bars, spark
from isang.pages.words import Language, symptom, word

if TYPE_CHECKING:
    from jinja2 import Template

SHOWN_INCIDENTS = 200
"""With their sessions; further ones up to LISTED_INCIDENTS have a line each."""
LISTED_INCIDENTS = 10_000
SHOWN_SYMPTOMS = 8
SHOWN_SESSIONS = 12
PICTURE_WIDTH, ALL_HEIGHT, FAILURES_HEIGHT = 960, 70, 30
"""Of the timeline: of the panel of all lines, and of that of errors and warnings."""


def index_html(contents: Contents, language: Language) -> str:
    """The page. All text that comes from logs is escaped, and its control characters are made visible."""
    style, script = asset("isang.pages", "page.css"), asset("isang.pages", "page.js")
    shown = [_incident(entry, contents, language) for entry in contents.incidents[:SHOWN_INCIDENTS]]
    rest = [_heading(entry, contents, language) for entry in contents.incidents[SHOWN_INCIDENTS:LISTED_INCIDENTS]]
    return _template().render(
        language=language, style=safe(style), script=safe(script),
        policy=f"default-src 'none'; style-src '{hashed(style)}'; script-src '{hashed(script)}'; base-uri 'none'; "
        "form-action 'none'",
        c=contents, name=contents.name, incidents=shown, rest=rest,
        left_out=max(0, len(contents.incidents) - LISTED_INCIDENTS),
        severities={name: sum(entry["severity"] == name for entry in contents.incidents) for name in _SEVERITIES},
        picture=None if contents.lines is None else _picture(contents.lines, shown + rest),
        templates=[
            {**entry, "template": shortened(entry["template"]), "path": spark(entry["spark"])}
            for entry in contents.templates
        ],
        sources=_sources(contents.account), rule=contents.account["session_rule"]["reason"],
        quality=_quality(contents.evaluation), levels=LEVELS,
        w=lambda key, **values: word(key, language, **values), symptom=lambda kind: symptom(kind, language),
    )  # fmt: skip


_SEVERITIES = ("critical", "high", "medium", "low")


def _heading(entry: Mapping[str, Any], contents: Contents, language: Language) -> dict[str, Any]:
    """What the list says of an incident."""
    title = entry["title_ko"] if language == "ko" else entry["title"]
    return {
        "id": entry["id"], "fingerprint": entry["fingerprint"], "severity": entry["severity"], "state": entry["state"],
        "title": title, "sessions": entry["sessions"], "first": _time(entry["first_seen"]),
        "last": _time(entry["last_seen"]), "buckets": _buckets(entry, contents.lines),
        "sources": entry["sources"],
    }  # fmt: skip


def _incident(entry: Mapping[str, Any], contents: Contents, language: Language) -> dict[str, Any]:
    """All that the page says of an incident."""
    examples = entry["examples"]
    first = examples[0] if examples else None
    return _heading(entry, contents, language) | {
        "symptoms": [
            item | {"template": shortened(item["template"])} for item in entry["symptoms"][:SHOWN_SYMPTOMS]
        ],
        "reasons": _said(entry["reasons"]),
        "example": None if first is None else str(first["session_id"]),
        "rows": [] if first is None else session_rows(first),
        "beside": str(first["beside"]["session_id"]) if first and first.get("beside") else None,
        "others": [str(example["session_id"]) for example in examples[1:SHOWN_SESSIONS]],
        "more": max(0, entry["sessions"] - min(len(examples), SHOWN_SESSIONS)),
    }  # fmt: skip


def _said(reasons: Any) -> list[dict[str, Any]]:
    """Each different sentence of the reasons with a raw line."""
    found: dict[str, dict[str, Any]] = {}
    for reason in reasons:
        line = reason.get("line")
        raw = None if line is None else f"{line['source']}:{line['number']}: {shortened(line['text'])}"
        found.setdefault(reason["says"], {"says": reason["says"], "line": raw})
    return list(found.values())


def _time(moment: str | None) -> str:
    return "" if moment is None else moment[:19].replace("T", " ")


def _buckets(entry: Mapping[str, Any], lines: Timeline | None) -> tuple[int, int] | None:
    """From which to which bar of the timeline an incident lasted."""
    from datetime import datetime

    if lines is None or entry["first_seen"] is None or entry["last_seen"] is None:
        return None
    span = max(1e-9, (lines.end - lines.start).total_seconds())
    first, last = (
        min(BUCKETS - 1, max(0, int(BUCKETS * (moment - lines.start).total_seconds() / span)))
        for moment in (datetime.fromisoformat(entry["first_seen"]), datetime.fromisoformat(entry["last_seen"]))
    )
    return first, last


def _picture(lines: Timeline, incidents: list[dict[str, Any]]) -> dict[str, Any]:
    """The bars of the timeline, a mark for each incident, and five times below."""
    from isang.runs.text.writing import duration

    step = PICTURE_WIDTH / BUCKETS
    marks = [
        {
            "x": first * step, "width": (last - first + 1) * step,
            **{name: incident[name] for name in ("severity", "title", "id")},
        }
        for incident in incidents[:SHOWN_INCIDENTS] if incident["buckets"]
        for first, last in (incident["buckets"],)
    ]  # fmt: skip
    lanes: list[float] = []
    for mark in sorted(marks, key=lambda mark: mark["x"]):
        lane = next((number for number, end in enumerate(lanes) if end <= mark["x"]), len(lanes))
        lanes[lane : lane + 1] = [mark["x"] + mark["width"]]
        mark["lane"] = lane
    span = lines.end - lines.start
    clock = "%H:%M" if span.total_seconds() < 2 * 86_400 else "%m-%d %H:%M"
    ticks = [
        {"x": part * PICTURE_WIDTH / 4, "text": (lines.start + part / 4 * span).strftime(clock)} for part in range(5)
    ]
    return {
        "bars": bars(lines, ALL_HEIGHT, FAILURES_HEIGHT), "step": step, "marks": marks, "lanes": max(1, len(lanes)),
        "ticks": ticks,
        "start": f"{lines.start:%Y-%m-%d %H:%M:%S}", "end": f"{lines.end:%Y-%m-%d %H:%M:%S}",
        "bar": {language: duration(lines.bucket_seconds, language) for language in ("en", "ko")},
        "totals": {level: int(lines.by_level_LB[number].sum()) for number, level in enumerate(LEVELS)},
    }  # fmt: skip


def _sources(account: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": source["name"], "lines": source["lines"], "used": source["used"],
            "layouts": ", ".join(layout["name"] for layout in source["layouts"]),
            "times": source["times"] or "",
            "not_matched": source["not_matched"],
        }
        for source in account["sources"]
    ]  # fmt: skip


def _quality(evaluation: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The table of an evaluation, and the simple rule that does as well as everything together."""
    if evaluation is None:
        return None
    rows, best = [], None
    if evaluation["measured"]:
        own = evaluation["metrics"]
        rows = [("all_together", "", own)]
        rows += [("", part["name"], part["metrics"]) for part in evaluation["detectors"]]
        rows += [("simple_rule", part["name"], part["metrics"]) for part in evaluation["baselines"]]
        rules = [part for part in evaluation["baselines"] if part["metrics"]["f1"]["value"] is not None]
        best = max(rules, key=lambda part: part["metrics"]["f1"]["value"], default=None)
        if best is None or best["metrics"]["f1"]["value"] < (own["f1"]["value"] or 0) - 0.005:
            best = None
    budget = next(iter(evaluation.get("budgets", ())), None)
    planted = [part for part in evaluation.get("planted", ()) if part["planted"] and part["found"]["value"] is not None]
    return {"rows": rows, "best": best, "budget": budget, "planted": planted}


@cache
def _template() -> "Template":
    return environment("isang.pages").get_template("index.html.jinja")

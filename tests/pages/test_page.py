"""The page about analysed logs: complete without a script or network, and nothing in a log becomes a part of it."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import numpy as np
import polars as pl
import pytest

from isang.detection.detectors import registered
from isang.detection.detectors.baselines import BASELINES
from isang.detection.session_lines import most_similar
from isang.html import hashed
from isang.logs.store import SESSIONS_SCHEMA, TEMPLATES_SCHEMA, Dataset
from isang.pages.contents import Contents, contents_of
from isang.pages.page import LISTED_INCIDENTS, index_html
from isang.pages.picture import ticks
from isang.pages.session_table import FIRST_LINES, LAST_LINES, session_rows, shortened
from isang.pages.spread import reached
from isang.pages.timeline import BUCKETS, LEVELS, spark, timeline
from isang.pages.words import _WORDS, named

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = '</pre><script>alert(1)</script><img src=x onerror="alert(2)">\x1b[31m\u202e'


def dataset(events: list[list[int]], gaps_ms: list[list[int]] | None = None) -> Dataset:
    """One session a second, its lines 100 ms apart."""
    gaps_ms = gaps_ms or [[0] + [100] * (len(session) - 1) for session in events]
    rows = [
        {
            "session_id": f"s{place}", "source": "a.log", "start": START + timedelta(seconds=place),
            "end": START + timedelta(seconds=place, milliseconds=sum(gaps)), "events": session, "gaps_ms": gaps,
            "label": None, "kind": None,
        }
        for place, (session, gaps) in enumerate(zip(events, gaps_ms, strict=True))
    ]  # fmt: skip
    templates = [(0, "started", "INFO", 3), (1, "failed <*>", "ERROR", 2), (2, HOSTILE, None, 1)]
    meta = {
        "lines": 6, "session_rule": {"reason": f"a key {HOSTILE}"},
        "sources": [
            {"name": HOSTILE, "lines": 6, "used": 6, "layouts": [{"name": "json"}], "times": None, "not_matched": 2}
        ],
    }  # fmt: skip
    return Dataset(
        pl.DataFrame(rows, schema=SESSIONS_SCHEMA), pl.DataFrame(templates, schema=TEMPLATES_SCHEMA, orient="row"), meta
    )


def line(position: int, text: str, template: str) -> dict[str, Any]:
    return {
        "source": "a.log", "number": position + 1, "position": position, "time": START.isoformat(), "level": "INFO",
        "text": text, "template": template,
    }  # fmt: skip


def example(own: list[str], beside: list[str]) -> dict[str, Any]:
    return {
        "session_id": HOSTILE, "reasons": [{"says": "of the session as a whole", "line": None}],
        "lines": [line(place, text, text) for place, text in enumerate(own)],
        "beside": {"session_id": "s1", "lines": [line(place, text, text) for place, text in enumerate(beside)]},
    }  # fmt: skip


def incident(number: int = 0) -> dict[str, Any]:
    return {
        "id": f"i{number}", "fingerprint": f"f{number}", "severity": "high", "state": "firing",
        "title": f"Title {HOSTILE}", "title_ko": "제목", "sessions": 3, "sources": [HOSTILE],
        "first_seen": START.isoformat(), "last_seen": START.isoformat(),
        "reasons": [{"says": HOSTILE, "line": None}, {"says": "b", "line": line(0, HOSTILE, "a")}],
        "examples": [example([HOSTILE, "b"], ["b", "c"])] if number == 0 else [],
        "symptoms": [{"kind": "new", "template": HOSTILE, "level": None, "sessions": 3}],
    }  # fmt: skip


def record(source: str, second: int = 0, after_line: bool = False) -> dict[str, Any]:
    """An anomaly record whose reason names a line of a log."""
    moment = (START + timedelta(seconds=second)).isoformat()
    return {
        "session_id": f"r{second}", "incident": "f0", "start": moment, "source": source,
        "reasons": [
            {"says": HOSTILE, "line": line(0, HOSTILE, "a") | {"source": source, "time": moment},
             "after_line": after_line, "expected": [{"template": HOSTILE, "probability": 0.975}]}
        ],
    }  # fmt: skip


NEVER_SEEN = {
    "template": HOSTILE, "level": None, "loudness": "failure word", "count": 2, "sessions": 1,
    "first": {"source": HOSTILE, "number": 1, "text": HOSTILE, "session_start": None},
}  # fmt: skip
SLOT = {
    "name": HOSTILE, "distinct": 2, "growing": True, "values": [HOSTILE, "3"], "counts": [5, 1], "low": None,
    "high": None, "quantiles": None,
}  # fmt: skip


def contents(incidents: int = 1) -> Contents:
    return contents_of(
        HOSTILE, dataset([[0, 1], [0, 2], [0]]), sessions=3, anomalies=[record(HOSTILE)],
        incidents=[incident(number) for number in range(incidents)], never_seen=[NEVER_SEEN],
        slots={"failed <*>": [SLOT]}, links={"report": "run/report/report.html"},
    )  # fmt: skip


class Tags(HTMLParser):
    """The elements of a page with their attributes, and its inline styles and scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"style": [], "script": []}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in self.inline and self.cdata_elem:
            self.inline[self.found[-1][0]].append(data)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_nothing_in_a_log_becomes_a_part_of_the_page(language: Any) -> None:
    page = index_html(contents(), language)
    tags = Tags(page)
    assert [tag for tag, _ in tags.found].count("script") == 1, "our own alone"
    assert not any(tag in ("img", "iframe", "object", "link", "form") for tag, _ in tags.found)
    assert not any(name.startswith("on") or name == "style" for _, attributes in tags.found for name in attributes)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page)
    assert "\\x1b[31m" in page, "what steers a terminal is shown"


def test_the_policy_allows_our_style_and_script_and_nothing_else() -> None:
    tags = Tags(index_html(contents(), "en"))
    (policy,) = (a["content"] for tag, a in tags.found if a.get("http-equiv") == "Content-Security-Policy")
    (style,), (script,) = tags.inline["style"], tags.inline["script"]
    assert policy == (
        f"default-src 'none'; style-src '{hashed(style)}'; script-src '{hashed(script)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    addresses = [value for _, a in tags.found for name, value in a.items() if name in ("src", "href")]
    assert all(value and not re.match(r"\w+:|//", value) for value in addresses), "nothing from elsewhere"


def test_every_incident_has_a_place_that_a_link_leads_to() -> None:
    tags = Tags(index_html(contents(3), "en"))
    ids = [a["id"] for _, a in tags.found if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for tag, a in tags.found if tag == "a" and a["href"] and a["href"].startswith("#")}
    assert targets <= set(ids)
    assert {"incident-i0", "incident-i1", "incident-i2"} <= set(ids)


def test_more_incidents_than_a_page_bears_are_counted() -> None:
    some = contents()
    many = Contents(**{**some.__dict__, "incidents": [incident(number) for number in range(LISTED_INCIDENTS + 7)]})
    page = index_html(many, "en")
    assert "7 further incidents are in incidents.json." in page
    assert page.count('class="incident') == LISTED_INCIDENTS


def test_a_session_beside_a_normal_one_by_hand() -> None:
    rows = session_rows(example(["a", "x", "c"], ["a", "b", "c", "d"]))
    assert [(row.mark, row.own and row.own.text, row.normal and row.normal.text) for row in rows] == [
        ("", "a", "a"), ("strange", "x", None), ("missing", None, "b"), ("", "c", "c"), ("missing", None, "d"),
    ]  # fmt: skip


def test_a_line_at_another_place_is_neither_unusual_nor_missing() -> None:
    rows = session_rows(example(["a", "b", "c", "x"], ["a", "c", "b", "d"]))
    assert [(row.mark, row.own and row.own.text, row.normal and row.normal.text) for row in rows] == [
        ("", "a", "a"), ("", "b", "b"), ("", "c", "c"), ("strange", "x", None), ("missing", None, "d"),
    ]  # fmt: skip


def test_what_was_expected_stands_at_the_line_with_its_probability() -> None:
    strange = example(["a", "x"], ["a", "b"])
    strange["reasons"] = [
        {"says": "no", "line": line(1, "x", "x"), "expected": [{"template": "b", "probability": 0.9}]}
    ]
    (note,) = session_rows(strange)[1].notes
    assert (note.says, note.expected) == ("no", (("b", 0.9),))


def test_the_logs_that_an_incident_reached_in_order_by_hand() -> None:
    found = reached([record("b", 2), record("a", 1), record("b", 3), record("c", 0, after_line=True)])
    assert [(entry.source, entry.sessions) for entry in found] == [("a", 1), ("b", 2)]
    assert found[1].first == START + timedelta(seconds=2)


def test_short_spans_have_seconds_at_their_ticks() -> None:
    assert [tick["text"] for tick in ticks(START, START + timedelta(minutes=4))] == [
        "12:00:00", "12:01:00", "12:02:00", "12:03:00", "12:04:00",
    ]  # fmt: skip
    assert ticks(START, START + timedelta(seconds=2))[1]["text"] == "12:00:00.500"
    assert ticks(START, START + timedelta(hours=1))[1]["text"] == "12:15"
    assert ticks(START, START + timedelta(days=4))[1]["text"] == "03-02 12:00"


def test_the_page_shows_what_was_never_seen_and_the_values_in_slots() -> None:
    page = index_html(contents(), "en")
    assert 'id="never_seen"' in page
    assert "new values keep coming" in page
    assert "of the session as a whole" in page, "a reason that names no line"


def test_the_last_line_of_a_stack_trace_is_shown() -> None:
    trace = "\n".join(["ERROR it broke", *(f"  at frame {number}" for number in range(50)), "TypeError: not a list"])
    shown = shortened(trace).split("\n")
    assert shown[0] == "ERROR it broke"
    assert shown[-1] == "TypeError: not a list"
    assert len(shown) == FIRST_LINES + LAST_LINES + 1


def test_the_timeline_counts_every_line_once() -> None:
    data = dataset([[0, 1], [0, 2], [0]])
    line_counts = timeline(data)
    assert line_counts is not None
    assert line_counts.by_level_LB.sum() == line_counts.of_event_ES.sum() == 5
    assert line_counts.by_level_LB[LEVELS.index("error")].tolist() == [
        int(bucket == int(100 * BUCKETS / 2000)) for bucket in range(BUCKETS)
    ], "100 ms after the start of 2 s"
    assert line_counts.first_ms_E.tolist() == [0, 100, 1100]
    assert line_counts.last_ms_E.tolist() == [2000, 100, 1100]
    assert line_counts.moment(int(line_counts.first_ms_E[1])) == START + timedelta(milliseconds=100)


def test_without_a_clock_there_is_no_timeline() -> None:
    data = dataset([[0, 1]])
    bare = data.sessions.with_columns(
        start=pl.lit(None, pl.Datetime("us", "UTC")), end=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    assert timeline(Dataset(bare, data.templates, data.meta)) is None


def test_the_highest_bar_of_a_small_picture_fills_it() -> None:
    assert "v-20.0" in spark(np.array([1, 4, 0]))
    assert spark(np.array([0, 0])) == ""


def test_the_most_similar_session_by_hand() -> None:
    data = dataset([[0, 1, 1], [0, 1], [2, 2], [0, 1, 1, 2]])
    nearest = most_similar(data, np.array([0, 3]), np.array([1, 2]))
    assert nearest.tolist() == [1, 1], "distances 1/5 and 5/5; 2/6 and 4/6"
    assert most_similar(data, np.array([2]), np.array([1])).tolist() == [-1], "nothing in common"


def test_each_word_is_there_in_both_languages_with_the_same_values() -> None:
    for key, (english, korean) in _WORDS.items():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", korean)), key


def test_every_detector_and_simple_rule_has_a_name_in_both_languages() -> None:
    names = [("detector", detector.name) for detector in registered()] + [("rule", rule.name) for rule in BASELINES]
    for family, name in names:
        assert re.search("[가-힣]", named(family, name, "ko")), name
    assert named("detector", "of_a_plug_in", "ko") == "of a plug in"

"""Layouts that a log describes itself: its first lines name the columns."""

import csv
import re
from collections.abc import Sequence

import polars as pl

from isang.logs.parsing import timestamps
from isang.logs.parsing.inferred.time_forms import time_pattern
from isang.logs.parsing.layouts import MESSAGE_TO_THE_END, Layout
from isang.logs.parsing.regex import ascii_only
from isang.logs.parsing.structured import fields

_FIRST_LINES = 20
_FIELDS = re.compile(r"#fields:?\s+(\S.*)", re.IGNORECASE)
_REQUEST = {"cs-method": "method", "cs-uri-stem": "path", "cs-uri": "path", "sc-status": "status"}
_MOST_COLUMNS = 64
_NAME = re.compile(r"[A-Za-z@_][\w @.():/-]{0,40}")
_COLUMNS = {
    **{name.lower(): "time" for name in (*fields.TIMES, "date and time", "time generated", "timecreated", "date/time")},
    **{name.lower(): "level" for name in (*fields.LEVELS, "leveldisplayname", "entrytype")},
    **{name.lower(): "message" for name in (*fields.MESSAGES, "description")},
}


def layout_of(sample: pl.Series) -> Layout | None:
    """The layout that the first lines of a log describe; None where they describe none."""
    first = sample.head(_FIRST_LINES).drop_nulls().to_list()
    named = next((match[1] for line in first if (match := _FIELDS.fullmatch(line.strip()))), None)
    if named is not None:
        return _extended(named)
    header = next((line for line in first if line.strip()), "")
    separator = max(",;\t|", key=header.count)
    names = [name.strip().strip('"') for name in header.split(separator)]
    if not all(map(_NAME.fullmatch, names)):
        return None
    below = first[first.index(header) + 1 :]
    return _separated(names, separator, below)


def _extended(named: str) -> Layout | None:
    """The columns of W3C's extended log format, of which CloudFront's and Zeek's logs are kinds."""
    tabs = "\t" in named
    names = re.sub(r"\bdate[ \t]time\b", "date+time", named).split("\t" if tabs else None)[:_MOST_COLUMNS]
    gap, value = (r"\t", r"[^\t]*") if tabs else (r"[ \t]", r"\S+")  # CloudFront names them with spaces
    parts = {
        "date+time": f"(?P<time>{timestamps.ISO.pattern})",
        "ts": f"(?P<time>{timestamps.EPOCH.pattern})",
        **{name: f"(?P<{group}>{value})" for name, group in _REQUEST.items()},
    }
    time = next((position for position, name in enumerate(names) if name in ("date+time", "ts")), None)
    if time is None:
        return None
    columns = [parts.get(name, value) for name in names]
    request = [names.index(name) for name in ("cs-method", "sc-status") if name in names]
    if len(request) == 2:
        last = max(time, *(position for position, name in enumerate(names) if name in _REQUEST))
        return Layout("w3c-access", ascii_only("^" + gap.join(columns[: last + 1])), kind="access")
    if time + 1 == len(names):
        return None
    return Layout("w3c", ascii_only("^" + gap.join(columns[: time + 1]) + gap + MESSAGE_TO_THE_END))


def _separated(names: Sequence[str], separator: str, below: Sequence[str]) -> Layout | None:
    """The columns of comma-separated values with a header line; the message is the rest if no column is named so.

    Windows' Event Viewer gives the message no name and writes it last.
    """
    roles = [_COLUMNS.get(name.lower()) for name in names]
    places: dict[str, int] = {role: roles.index(role) for role in ("time", "level", "message") if role in roles}
    if len(names) < 3 or "time" not in places or len(places) < 2:
        return None
    cell = rf'(?:"(?:[^"]|"")*(?:"|$)|[^{separator}"]*)'
    rows = [row for row in csv.reader(below, delimiter=separator) if len(row) > places["time"]]
    time = time_pattern([row[places["time"]].strip() for row in rows])
    if time is None:
        return None
    parts = {
        "time": f'"?(?P<time>{time})"?',
        "level": r'"?(?P<level>\w+)"?',
        "message": f"(?P<message>{cell})",
    }
    columns = [parts[role] if role is not None and places[role] == place else cell for place, role in enumerate(roles)][
        : max(places.values()) + 1
    ]
    pattern = "^" + re.escape(separator).join(columns)
    if "message" not in places:
        pattern += re.escape(separator) + MESSAGE_TO_THE_END
    return Layout("csv", ascii_only(pattern), kind="csv")

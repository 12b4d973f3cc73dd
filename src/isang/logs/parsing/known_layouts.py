"""The layouts that a model was trained with: further logs are read by them, and what is not is named."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import polars as pl

from isang.json_files import Check, anything, flag, items, maybe, one_of, record, text
from isang.languages import Both
from isang.logs.parsing.containers import COMPOSE, CRI, DOCKER
from isang.logs.parsing.inferred.readings import reading_of
from isang.logs.parsing.inferred.recognise import SECOND, voting
from isang.logs.parsing.layouts import PLAIN, GivenLayout, Layout
from isang.logs.parsing.records import SourceLayout, begins, recognise_source, times_written, with_zoned
from isang.logs.parsing.regex import check_expression
from isang.logs.parsing.structured.json_fields import ROLES
from isang.logs.parsing.timestamps import Clock, to_utc

_MOST_KNOWN = 100
_NEARLY_AS_MANY = 0.9
"""A known layout is taken where it parses this share of what the log's own would parse."""
_SOME = 0.05

_PATTERN_CHARACTERS = 40_000


def _expression(value: Any, name: str) -> None:
    text(value, name)
    if len(value) > _PATTERN_CHARACTERS:
        raise ValueError(f"{name} must have at most {_PATTERN_CHARACTERS:,} characters, got {len(value):,}")
    check_expression(name, value)


def _shape_of_line(value: Any, name: str) -> None:
    _LAYOUT(value, name)
    if value["inside"] is not None:
        _shape_of_line(value["inside"], f"{name}.inside")


def _pair(second: Check) -> Check:
    def check(value: Any, name: str) -> None:
        items(anything, 2)(value, name)
        text(value[0], name)
        second(value[1], name)

    return check


_LAYOUT = record(
    {
        "name": text, "pattern": _expression, "heading": _expression, "vague": flag, "inside": anything,
        "kind": one_of("text", "access", "block", "csv", "headed", "json", "logfmt", "rest"),
        "aliases": items(_pair(one_of(*(name for names in ROLES.values() for name in names)))),
        "shape": items(_pair(flag)),
    },
    closed=True,
)  # fmt: skip
_CLOCK = record(
    {
        "name": text, "pattern": _expression, "formats": items(text), "lacks": maybe(one_of("year", "date", "start")),
        "zoned": flag, "wordy": flag, "weekday": flag,
    },
    closed=True,
)  # fmt: skip
KNOWN = record(
    {
        "containers": items(one_of(DOCKER, CRI, COMPOSE)),
        "layouts": items(_shape_of_line),
        "clocks": items(maybe(_CLOCK)),
    },
    closed=True,
)
"""How one kind of log was read, as it stands among the rules."""


_OTHER_TIMES = Both(
    "its times cannot be read as those of the logs learned from, and are read in another order of day and month; if "
    "those were read wrongly, learn again with --date-order",
    "학습한 로그와 같은 순서로는 시각을 읽을 수 없어 일과 월을 다른 순서로 읽었습니다. 학습할 때 잘못 읽은 것이면 "
    "--date-order를 주어 다시 학습하세요",
)


@dataclass(frozen=True)
class KnownLayout:
    """How one kind of log was read."""

    containers: tuple[str, ...]
    layouts: tuple[Layout, ...]
    clocks: tuple[Clock | None, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "KnownLayout":
        """What `to_dict` gave and KNOWN allows. Raises ValueError where layouts and clocks are not as many."""
        known = cls(
            tuple(str(name) for name in given["containers"]),
            tuple(_layout(layout) for layout in given["layouts"]),
            tuple(None if clock is None else _clock(clock) for clock in given["clocks"]),
        )
        if not known.layouts or len(known.layouts) != len(known.clocks):
            raise ValueError("as many clocks as layouts are needed")
        return known


def _layout(given: Mapping[str, Any]) -> Layout:
    inside = None if given["inside"] is None else _layout(given["inside"])
    pairs = {name: tuple((first, second) for first, second in given[name]) for name in ("aliases", "shape")}
    return Layout(**{**given, **pairs, "inside": inside})


def _clock(given: Mapping[str, Any]) -> Clock:
    return Clock(**{**given, "formats": tuple(given["formats"])})


def known_of(sources: Iterable[SourceLayout]) -> tuple[KnownLayout, ...]:
    """What is to be remembered of how logs were read, each way once."""
    return tuple(dict.fromkeys(map(known_layout, sources)))[:_MOST_KNOWN]


def known_layout(source: SourceLayout) -> KnownLayout:
    """What is to be remembered of how a log was read."""
    return KnownLayout(source.containers, tuple(shape for shape, _ in source.layouts), source.clocks)


def read_as_known(
    sample: pl.Series,
    known: Sequence[KnownLayout],
    *,
    given: GivenLayout | None,
    zone: str,
    reference: datetime,
    date_order: str = "auto",
) -> SourceLayout:
    """How to read a source, by a known layout wherever one parses its lines; `unknown` names the others.

    If only one known layout, with times, parses nearly all of the lines, no other is searched for, which would take far
    longer. If several do, only recognition can decide between them, unless all read these lines in the same way.
    """
    lines = sample.filter(sample.str.contains(r"\S"))
    if not known or given is not None or lines.is_empty():
        return recognise_source(sample, given=given, zone=zone, reference=reference, date_order=date_order)
    votes = voting(lines)
    ways = [_as_source(each, zone, reference) for each in known]
    parsed = [_share(lines, votes, way) for way in ways]
    best = max(range(len(ways)), key=lambda number: parsed[number])
    enough = [number for number, share in enumerate(parsed) if share >= _NEARLY_AS_MANY]
    enough.sort(key=lambda number: len(ways[number].layouts))
    alike = enough and all(_goes_on(ways[longer], ways[shorter]) for shorter, longer in pairwise(enough))
    if alike:  # a further layout is for as many lines as recognition would give one for
        chosen = next(number for number in enough if parsed[number] > parsed[enough[-1]] - SECOND)
    if alike and None not in ways[chosen].clocks:
        layouts = tuple((shape, parsed[chosen]) for shape, _ in ways[chosen].layouts)
        way = with_zoned(replace(ways[chosen], layouts=layouts), sample)
        return _with_readable_times(way, sample, date_order)
    own = recognise_source(sample, given=given, zone=zone, reference=reference, date_order=date_order)
    if any(_ways(way) == _ways(own) for way in ways):
        return own
    if parsed[best] >= _NEARLY_AS_MANY * _share(lines, votes, own):
        way = replace(ways[best], layouts=tuple((shape, parsed[best]) for shape, _ in ways[best].layouts))
        return _with_readable_times(way, sample, date_order)
    way = ways[best]
    if way.containers == own.containers and parsed[best] >= _SOME:
        shapes = {shape for shape, _ in way.layouts}
        more = [pair for pair in zip(own.layouts, own.clocks, strict=True) if pair[0][0] not in shapes]
        layouts = (*way.layouts, *(pair[0] for pair in more))
        own = replace(own, layouts=layouts, clocks=(*way.clocks, *(pair[1] for pair in more)))
        return replace(own, unknown=tuple(pair[0] for pair in more))
    return replace(own, unknown=own.layouts)


def _with_readable_times(source: SourceLayout, sample: pl.Series, date_order: str) -> SourceLayout:
    """The source with other clocks where the known ones cannot read its times: `14/05/2026` is no month and day."""
    clocks, doubts = [], list(source.doubts)
    for clock, times in zip(source.clocks, times_written(source, sample), strict=True):
        found = clock
        times = times.drop_nulls()
        if clock is not None and times.len():
            read = times.to_frame("time").select(
                to_utc(pl.col("time"), clock, zone=source.zone, reference=source.reference)
            )
            if read.to_series().null_count() > times.len() / 2:
                own = reading_of(times, zone=source.zone, reference=source.reference, date_order=date_order)
                found = clock if own is None else own.clock
        if found != clock:
            doubts.append(_OTHER_TIMES)
        clocks.append(found)
    return replace(source, clocks=tuple(clocks), doubts=tuple(dict.fromkeys(doubts)))


def _as_source(known: KnownLayout, zone: str, reference: datetime) -> SourceLayout:
    layouts = tuple((layout, 0.0) for layout in known.layouts)
    return SourceLayout(known.containers, layouts, known.clocks, zone, reference)


def _ways(source: SourceLayout) -> tuple[object, ...]:
    return source.containers, tuple(shape for shape, _ in source.layouts), source.clocks


def _goes_on(longer: SourceLayout, way: SourceLayout) -> bool:
    """Whether a way reads lines as the other one does, and only those that this leaves by layouts of its own."""
    first = slice(len(way.layouts))
    shapes, same = tuple(shape for shape, _ in longer.layouts[first]), tuple(shape for shape, _ in way.layouts)
    return longer.containers == way.containers and shapes == same and longer.clocks[first] == way.clocks


def _share(lines: pl.Series, votes: pl.Series, source: SourceLayout) -> float:
    """The share of the lines that can begin a record that begin one, or are the heading of one.

    The layout `plain` beside others is left out: it would read the lines of any program.
    """
    telling = tuple(pair for pair in source.layouts if pair[0].name != PLAIN.name)
    source = replace(source, layouts=telling or source.layouts)
    return float((begins(lines, source) & votes).sum()) / max(1, int(votes.sum()))

"""Anomalies close in time form one episode: false alarms of independent sessions are rarely that close."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from typing import Any

from isang.detection.causes.symptoms import Symptom, lead, moment, symptoms_of

BY_CHANCE = 0.05
"""Another episode begins within the time that joins anomalies with this probability."""
MOST_SECONDS = 300.0
"""Maximum time between anomalies that are joined only by time."""
ALIKE = 10
"""Anomalies with the same leading symptom, or with the same new line, may be further apart by this factor."""
_ROUNDS = 20


@dataclass
class Episode:
    """Anomaly records from a first to a last one."""

    records: list[dict[str, Any]] = field(default_factory=list)
    symptoms: Counter[Symptom] = field(default_factory=Counter)
    """Sessions by what is wrong with them."""
    leads: Counter[Symptom] = field(default_factory=Counter)
    """Sessions by what says most of them."""
    first: datetime | None = None
    """When the first session showed what is wrong with it, and when the last one did."""
    last: datetime | None = None

    def add(self, record: dict[str, Any]) -> None:
        """Take a record in."""
        self.records.append(record)
        self.symptoms.update(symptoms_of(record).keys())
        self.leads[lead(record)] += 1
        time = moment(record)
        if time is not None:
            self.first = min(self.first or time, time)
            self.last = max(self.last or time, time)

    def exchange(self, place: int, record: dict[str, Any]) -> None:
        """Take a record in for the one at this place, of the same session."""
        before, self.records[place] = self.records[place], record
        for counts, old, new in (
            (self.symptoms, symptoms_of(before).keys(), symptoms_of(record).keys()),
            (self.leads, (lead(before),), (lead(record),)),
        ):
            counts.subtract(old)
            counts.update(new)
            for gone in [symptom for symptom, count in counts.items() if count <= 0]:
                del counts[gone]
        time = moment(record)
        if time is not None:
            self.first, self.last = min(self.first or time, time), max(self.last or time, time)

    def with_next(self, other: "Episode") -> "Episode":
        """Both as one."""
        times = [time for time in (self.first, self.last, other.first, other.last) if time]
        return Episode(
            [*self.records, *other.records], self.symptoms + other.symptoms, self.leads + other.leads,
            min(times, default=None), max(times, default=None),
        )  # fmt: skip

    @property
    def seconds(self) -> float:
        """From the first to the last; 0 without a clock."""
        return 0.0 if self.first is None or self.last is None else (self.last - self.first).total_seconds()


def episodes_of(records: Iterable[dict[str, Any]], seconds: float | None) -> list[Episode]:
    """The episodes of the records of a stretch of `seconds` seconds, in order of their beginnings.

    The maximum distance of joined anomalies follows from the rate of episodes (see `joining_seconds`). Sessions without
    a time form one episode per leading symptom.
    """
    timed = [(moment(record), record) for record in records]
    dated = sorted(((time, record) for time, record in timed if time), key=itemgetter(0))
    window = joining_seconds([time for time, _ in dated], seconds or 0.0)
    found: list[Episode] = []
    for _, record in dated:
        join(found, record, window)
    found = _joined_by_new_lines(found, ALIKE * window)
    timeless: dict[str, Episode] = {}
    for time, record in timed:
        if time is None:
            timeless.setdefault(lead(record).fingerprint, Episode()).add(record)
    return [*found, *timeless.values()]


def join(episodes: list[Episode], record: dict[str, Any], window: float) -> Episode:
    """Add a record to the latest episode that it may belong to, or to a new one.

    An anomaly with the leading symptom of an earlier one, or with the same new line, may come later than others by the
    factor ALIKE. Records of a finished log come in order of time; live records may be earlier than the episode.
    """
    time, own = moment(record), lead(record)
    new = {symptom for symptom in symptoms_of(record) if symptom.kind == "new"}
    for episode in reversed(episodes):
        if episode.last is None or time is None:
            continue
        assert episode.first is not None
        if max(time - episode.last, episode.first - time).total_seconds() <= (
            ALIKE * window if own in episode.leads or not new.isdisjoint(episode.symptoms) else window
        ):
            episode.add(record)
            return episode
    episodes.append(Episode())
    episodes[-1].add(record)
    return episodes[-1]


def _joined_by_new_lines(episodes: Sequence[Episode], window: float) -> list[Episode]:
    """Those that share a line never seen before, with no more than `window` seconds between them, as one."""
    found: dict[int, Episode] = {}
    latest: dict[Symptom, int] = {}
    for number, episode in enumerate(episodes):
        own = episode
        for place in sorted({latest[symptom] for symptom in _new_lines(episode) if symptom in latest}):
            if _apart(own, found[place]) <= window:
                own = found.pop(place).with_next(own)
        found[number] = own
        latest |= dict.fromkeys(_new_lines(own), number)
    return list(found.values())


def _new_lines(episode: Episode) -> list[Symptom]:
    return [symptom for symptom in episode.symptoms if symptom.kind == "new"]


def _apart(one: Episode, other: Episode) -> float:
    """Seconds between two episodes; 0 where they overlap, or without a clock."""
    if one.first is None or one.last is None or other.first is None or other.last is None:
        return 0.0
    return max(0.0, (one.first - other.last).total_seconds(), (other.first - one.last).total_seconds())


def joining_seconds(times: Sequence[datetime], seconds: float) -> float:
    """The number of seconds within which another episode begins with probability BY_CHANCE, at the rate of episodes.

    `times` of anomalies, ascending. Computed iteratively, starting with none joined: joining anomalies makes fewer
    episodes, which allows longer times.
    """
    if len(times) < 2 or seconds <= 0:
        return MOST_SECONDS
    apart = [(after - before).total_seconds() for before, after in pairwise(times)]
    window = 0.0
    for _ in range(_ROUNDS):
        episodes = 1 + sum(gap > window for gap in apart)
        longer = chance_seconds(seconds, episodes)
        if longer <= window:
            break
        window = longer
    return window


def chance_seconds(seconds: float, episodes: int) -> float:
    """The time, at most MOST_SECONDS, within which another of `episodes` in `seconds` begins with probability
    BY_CHANCE."""
    return min(MOST_SECONDS, -math.log(1 - BY_CHANCE) * seconds / max(1, episodes))

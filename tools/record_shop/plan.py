"""The seeded schedule of a recording: every journey, every fault, every release, before anything runs.

Times are planned seconds. At each start and end of a fault the planned clock stands still for `PAUSE_SECONDS`: the
traffic is quiet while the fault is made or repaired, so that which requests it meets is a matter of the plan and not
of milliseconds. The same kind of pause comes, without a fault, in the fault-free part.
"""

import bisect
import json
import math
import random
from dataclasses import asdict, dataclass

import journeys

PAUSE_SECONDS = 2.2
FAULT_FREE_PART = 0.58
DAY_SECONDS = 300.0
JOURNEYS_PER_SECOND = 3.1
SCALE_MINUTES = 22.0
"""The length for which the durations of the faults below are meant; they shrink with a shorter recording."""


@dataclass(frozen=True)
class Kind:
    service: str
    seconds: float
    """How long, in a recording of 22 minutes: as long as it takes to meet some dozens of requests."""
    repair_seconds: float = 0.4
    """When in the pause at its end it is repaired; late for faults that delay, so that all they met is late."""


KINDS = {
    "database_stopped": Kind("postgres", 6),
    "pool_exhausted": Kind("orders", 18, 1.3),
    "lock_contention": Kind("stock", 18, 1.3),
    "redis_out_of_memory": Kind("redis", 9),
    "service_killed": Kind("payment", 20),
    "service_frozen": Kind("catalogue", 4.5, 1.3),
    "release_throws": Kind("catalogue", 18),
    "release_skips_step": Kind("orders", 24),
    "release_swaps_steps": Kind("orders", 24),
    "bank_hangs": Kind("payment", 18),
    "disk_full": Kind("orders", 20),
    "invalid_burst": Kind("gateway", 10),
    "retry_storm": Kind("payment", 20),
}


@dataclass(frozen=True)
class Fault:
    kind: str
    service: str
    start: float
    end: float


@dataclass(frozen=True)
class Release:
    """A release without a defect: services are released on ordinary days too."""

    at: float
    service: str
    version: str


@dataclass(frozen=True)
class Plan:
    seed: int
    minutes: float
    faults: tuple[Fault, ...]
    releases: tuple[Release, ...]
    pauses: tuple[float, ...]
    journeys: tuple[journeys.Journey, ...]

    def clock(self, planned: float) -> float:
        """Seconds since the start of the recording at which `planned` comes, the pauses included."""
        return planned + PAUSE_SECONDS * bisect.bisect_right(self.pauses, planned)

    def hold(self, seconds: float) -> float:
        """`seconds` since the start, or the end of the pause into which it falls."""
        for number, pause in enumerate(self.pauses):
            begin = pause + PAUSE_SECONDS * number
            if begin <= seconds < begin + PAUSE_SECONDS:
                return begin + PAUSE_SECONDS
        return seconds

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=None) + "\n"


def make(seed: int, minutes: float, only: frozenset[str] = frozenset()) -> Plan:
    """The plan of a recording of `minutes` planned minutes; `only` restricts the kinds of fault, for trials."""
    draw = random.Random(seed)
    seconds = 60.0 * minutes
    begin = FAULT_FREE_PART * seconds
    faults = _faults(draw, begin, seconds, minutes, only)
    quiet = sorted(round(draw.uniform(5, begin - 5), 1) for _ in range(2 * len(faults)))
    pauses = sorted(quiet + [fault.start for fault in faults] + [fault.end for fault in faults])
    planned = _journeys(draw, seconds)
    for fault in faults:
        if fault.kind == "invalid_burst":
            planned += journeys.burst(draw, fault.start, fault.end)
    planned.sort(key=lambda journey: journey.start)
    numbered = tuple(journey.numbered(number) for number, journey in enumerate(planned, 1))
    return Plan(seed, minutes, tuple(faults), _releases(draw, seconds, faults), tuple(pauses), numbered)


def _faults(draw: random.Random, begin: float, end: float, minutes: float, only: frozenset[str]) -> list[Fault]:
    kinds = sorted(KINDS.keys() & only if only else KINDS)
    draw.shuffle(kinds)
    slot = (end - begin) / len(kinds)
    made = []
    for number, kind in enumerate(kinds):
        length = min(KINDS[kind].seconds * max(1.0, minutes / SCALE_MINUTES), 0.5 * slot)
        start = begin + slot * number + draw.uniform(0.15, 0.9) * (slot - length - 1)
        made.append(Fault(kind, KINDS[kind].service, round(start, 1), round(start + length, 1)))
    return made


def _releases(draw: random.Random, end: float, faults: list[Fault]) -> tuple[Release, ...]:
    """One release without a defect in about two minutes, never while a fault lasts."""
    made = []
    for number in range(math.ceil(end / 120)):
        at = round(draw.uniform(120 * number, min(end, 120 * (number + 1))), 1)
        service = draw.choice(("api", "catalogue", "payment", "stock"))
        if not any(fault.start - 3 < at < fault.end + 6 for fault in faults):
            made.append(Release(at, service, f"1.{4 + number}.{draw.randint(0, 9)}"))
    return tuple(made)


def _journeys(draw: random.Random, end: float) -> list[journeys.Journey]:
    """Arrivals whose rate rises and falls over a `day` of five minutes (thinned Poisson process), and a probe."""
    made = [journeys.probe(float(at)) for at in range(5, int(end), 10)]
    at = 0.0
    highest = 1.5 * JOURNEYS_PER_SECOND
    while True:
        at += draw.expovariate(highest)
        if at >= end:
            return made
        rate = JOURNEYS_PER_SECOND * (1 - 0.5 * math.cos(2 * math.pi * at / DAY_SECONDS))
        if draw.random() < rate / highest:
            made.append(journeys.draw_one(draw, at, end))


def fault_at(plan: Plan, begin: float, end: float, settle_seconds: float) -> Fault | None:
    """The latest fault whose time, with `settle_seconds` after its repair, overlaps begin..end (recording's clock)."""
    for fault in reversed(plan.faults):
        if begin <= plan.clock(fault.end) + settle_seconds and end >= plan.clock(fault.start) - PAUSE_SECONDS:
            return fault
    return None

"""Invented services to develop on."""

from collections.abc import Iterator
from datetime import datetime
from math import sin
from typing import ClassVar

from strangers.worlds import Fault, Line, World, as_json, iso, logfmt


class Greenhouse(World):
    """Sensors of greenhouses (logfmt, no session key): numbers with a course, heartbeats of three nodes."""

    faults: ClassVar = {
        "wet": Fault("number out of its range", "humidity"),
        "battery": Fault("number drifting", "battery|millivolts"),
        "node": Fault("one node of three silent", "gh-south"),
        "valve": Fault("new value of few", "manual"),
        "bus": Fault("new ERROR lines", "bus arbitration"),
        "watering": Fault("missing lines", "watering"),
    }

    def second(self, at: int, broken: str) -> Iterator[Line]:
        for number, node in enumerate(("gh-north", "gh-east", "gh-south")):
            if node == "gh-south" and broken == "node":
                continue
            if at % 10 == number:
                yield (
                    at + self.random.random(),
                    logfmt(level="info", node=node, msg="alive", uptime_s=at + 4000 * number),
                )
            if self.chance(0.3):
                humidity = 61 + 6 * sin(at / 900) + self.random.gauss(0, 1.5)
                humidity = 99.8 if broken == "wet" and node == "gh-east" and self.chance(0.5) else humidity
                yield at + self.random.random(), logfmt(
                    level="info", node=node, msg="reading", humidity=f"{humidity:.1f}",
                    temperature=f"{21 + 2 * sin(at / 1300) + self.random.gauss(0, 0.3):.1f}",
                )  # fmt: skip
            if self.chance(0.05):
                volts = 3710 + self.random.gauss(0, 12) - (at - 480) * (1.2 if broken == "battery" else 0)
                yield at + self.random.random(), logfmt(level="info", node=node, msg="battery", millivolts=int(volts))
        if self.chance(0.1):
            mode = "manual" if broken == "valve" and self.chance(0.5) else self.random.choice(["auto", "auto", "eco"])
            yield (
                at + self.random.random(),
                logfmt(level="info", msg="valve set", valve=self.random.randint(1, 6), mode=mode),
            )
        if at % 60 == 30 and broken != "watering":
            yield (
                at + self.random.random(),
                logfmt(level="info", msg="watering cycle done", litres=int(self.around(40))),
            )
        if broken == "bus" and self.chance(0.2):
            yield (
                at + self.random.random(),
                logfmt(level="error", msg="bus arbitration lost", port=f"rs{self.random.randint(1, 2)}"),
            )

    def written(self, moment: datetime, text: str) -> str:
        return f"time={iso(moment)} {text}"


class Tickets(World):
    """A shop of tickets (text, one id a request)."""

    faults: ClassVar = {
        "unavailable": Fault("200 -> 503", "503"),
        "slow": Fault("latency x10", "seats held|render|took|ms"),
        "storm": Fault("retry storm", "seat map|retry|attempt"),
        "skips": Fault("missing lines", "receipt"),
        "order": Fault("wrong order", "charged|seats held"),
        "lock": Fault("known line far more often", "waited for lock"),
        "printer": Fault("new ERROR lines", "printer queue"),
    }

    def second(self, at: int, broken: str) -> Iterator[Line]:
        for _ in range(self.random.choice([0, 0, 1, 1, 1])):
            now, key, event = at + self.random.random(), self.code(10), self.random.randint(100, 180)

            def say(text: str, step: float = 0.01, level: str = "INFO", key: str = key) -> Line:
                nonlocal now
                now += step * self.random.uniform(0.5, 1.5)
                return now, f"{level:5} [order {key}] {text}"

            yield say(f"cart opened for event {event}")
            for attempt in range(1, 8 if broken == "storm" and self.chance(0.6) else 2):
                yield say(f"asking seat map of event {event}, attempt {attempt}", 0.05)
            if self.chance(0.6 if broken == "lock" else 0.02):
                yield say(f"waited for lock on block {self.random.choice('ABCDEF')}", 0.1, "WARN")
            pause = self.around(0.1) * (10 if broken == "slow" else 1)
            steps = [f"seats held: {self.random.randint(1, 5)} in {1000 * pause:.0f} ms", "card charged"]
            for text in steps[::-1] if broken == "order" and self.chance(0.5) else steps:
                yield say(text, pause)
            status = 503 if broken == "unavailable" and self.chance(0.4) else 201 if self.chance(0.9) else 200
            if not (broken == "skips" and self.chance(0.5)):
                yield say("receipt stored")
            yield say(f'"POST /orders" {status} {self.random.randint(300, 900)}')
        if at % 30 == 0:
            yield at + 0.5, f"INFO  pool: {self.random.randint(2, 9)} of 20 connections in use"
        if broken == "printer" and self.chance(0.15):
            yield (
                at + self.random.random(),
                f"ERROR printer queue is gone: {self.random.choice(['desk-1', 'desk-2'])} refused",
            )

    def written(self, moment: datetime, text: str) -> str:
        return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} {text}"


class Jobs(World):
    """A queue of jobs (JSON lines, one id a job)."""

    faults: ClassVar = {
        "depth": Fault("number drifting", "depth"),
        "quiet": Fault("silent heartbeat", "lease renewed"),
        "reason": Fault("new value of few", "preempted"),
        "memory": Fault("number out of its range", "rss"),
        "attempts": Fault("retry storm", "attempt|job failed"),
        "store": Fault("new ERROR lines", "blob store"),
    }

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.depth = 40.0

    def second(self, at: int, broken: str) -> Iterator[Line]:
        self.depth = max(
            5, self.depth + self.random.gauss(0, 3) + (40 - self.depth) * 0.1 + (4 if broken == "depth" else 0)
        )
        if at % 5 == 0:
            yield at + 0.1, as_json(level="info", msg="queue sampled", depth=int(self.depth), workers=8)
        if at % 15 == 4 and broken != "quiet":
            yield at + 0.2, as_json(level="info", msg="lease renewed", holder="scheduler-0", ttl=60)
        for _ in range(self.random.choice([0, 1, 1])):
            now, job = at + self.random.random(), f"j-{self.code(6)}"
            kind = self.random.choice(["thumbnail", "index", "mail"])
            tries = 1 + (self.random.randint(2, 5) if broken == "attempts" and self.chance(0.5) else self.chance(0.03))
            for attempt in range(1, tries + 1):
                yield now, as_json(level="info", msg="job started", job=job, kind=kind, attempt=attempt)
                now += self.around(0.8)
                if attempt < tries:
                    yield now, as_json(level="warn", msg="job failed, will be tried again", job=job, kind=kind)
            rss = int(self.around(180)) * (12 if broken == "memory" and self.chance(0.3) else 1)
            reason = (
                "preempted"
                if broken == "reason" and self.chance(0.3)
                else self.random.choice(["done", "done", "cached"])
            )
            yield now + 0.1, as_json(level="info", msg="job ended", job=job, reason=reason, rss_mib=rss)
        if broken == "store" and self.chance(0.3):
            yield (
                at + self.random.random(),
                as_json(level="error", msg="blob store does not answer", endpoint=f"store-{self.random.randint(1, 3)}"),
            )

    def written(self, moment: datetime, text: str) -> str:
        return f'{{"ts":"{iso(moment)}",{text[1:]}'


class Disks(World):
    """A storage daemon in the shape of syslog, without a session key."""

    faults: ClassVar = {
        "flush": Fault("latency x10", "flush|journal"),
        "scrub": Fault("silent heartbeat", "scrub"),
        "slow": Fault("known line far more often", "slow read"),
        "sector": Fault("new ERROR lines", "unreadable sector"),
        "hot": Fault("number out of its range", "temperature|celsius"),
    }

    def second(self, at: int, broken: str) -> Iterator[Line]:
        now = at + self.random.random()
        if at % 4 == 0:
            took = self.around(18) * (10 if broken == "flush" else 1)
            yield now, f"journal flush of {self.random.randint(200, 900)} pages took {took:.1f} ms"
        for _ in range(self.random.choice([0, 1, 2])):
            client, extent = self.random.randint(1, 40), self.random.randint(10**6, 10**7)
            yield now, f"client {client} opened extent {extent} on {self.shelf()}"
        if self.chance(0.9 if broken == "slow" else 0.02):
            yield now, f"warning: slow read on shelf-{self.random.randint(1, 4)}"
        if at % 45 == 7 and broken != "scrub":
            yield now, f"scrub pass finished on shelf-{1 + at // 45 % 4}"
        if at % 20 == 3:
            warm = 39 + self.random.randint(-3, 3) + (31 if broken == "hot" else 0)
            yield now, f"shelf-{self.random.randint(1, 4)} temperature {warm} celsius"
        if broken == "sector" and self.chance(0.1):
            yield now, f"error: unreadable sector {self.random.randint(10**8, 10**9)} on shelf-3"

    def shelf(self) -> str:
        return f"shelf-{self.random.randint(1, 4)}"

    def written(self, moment: datetime, text: str) -> str:
        return f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S} vault3 stored[811]: {text}"


SYSTEMS = (Greenhouse, Tickets, Jobs, Disks)

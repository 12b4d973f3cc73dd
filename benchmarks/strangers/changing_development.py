"""Services with normal changes, to develop on."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from strangers.changing import ChangingWorld, Entry
from strangers.worlds import Fault, as_json, iso


class Clinic(ChangingWorld):
    """Appointments (text, one id a booking), some 30,000 lines; it was started once in the training period."""

    changes: ClassVar = ("load", "deploy", "customer")
    faults: ClassVar = {
        "texts": Fault("missing lines", "reminder|sms"),
        "conflict": Fault("201 -> 409", "409"),
        "slow": Fault("latency x8", "slots|ms|calendar"),
    }

    def entries(self, at: int, now: str) -> Iterator[Entry]:
        version = "4.11.0" if now == "deploy" else "4.10.2"
        if (at == 0 and now != "deploy") or (at == 500 and now == "deploy"):
            yield Entry(at + 0.01, f"INFO  main - clinicbook {version} starting, profile=prod")
            yield Entry(at + 0.30, "INFO  db - pool ready, 12 connections")
            yield Entry(at + 0.90, "INFO  http - listening on 0.0.0.0:8090")
        if now == "deploy" and at == 497:
            yield Entry(at + 0.2, "INFO  main - SIGTERM received, draining")
        for _ in range(self.random.choice([0, 0, 1, 1]) * (2 if now == "load" else 1)):
            yield from self.booking(at + self.random.random(), now)
        if at % 60 == 20:
            yield Entry(at + 0.5, f"DEBUG db - pool {self.random.randint(1, 6)}/12 busy")

    def booking(self, at: float, now: str) -> Iterator[Entry]:
        key, sites = f"bk{self.random.randint(10**6, 10**7)}", ["north", "harbour", "oldtown"]
        site = "riverside" if now == "customer" and self.chance(0.3) else self.random.choice(sites)

        def say(text: str, step: float = 0.02, level: str = "INFO ") -> Entry:
            nonlocal at
            at += self.around(step)
            return Entry(at, f"{level} {text}")

        yield say(f"api - {key} request for a {self.random.choice(['checkup', 'vaccine', 'x-ray'])} at site {site}")
        pause = 0.08 * (8 if now == "slow" else 1)
        yield say(f"calendar - {key} {self.random.randint(3, 40)} free slots loaded in {int(1000 * pause)} ms", pause)
        if self.chance(0.05):
            yield say(f"calendar - {key} slot taken meanwhile, next one offered", level="WARN ")
        status = 409 if now == "conflict" and self.chance(0.4) else 201
        if status == 201:
            yield say(f"calendar - {key} slot reserved for patient {self.random.randint(1000, 9000)}")
            if not (now == "texts" and self.chance(0.6)):
                yield say(f"notify - {key} reminder by sms queued")
        yield say(f"api - {key} POST /bookings {status} {self.random.randint(20, 90)}b")

    def written(self, moment: datetime, text: str) -> str:
        return f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d} {text}"


class Substation(ChangingWorld):
    """A gateway of meters (syslog, no key), some 1,500 lines in five hours."""

    changes: ClassVar = ("night", "rotation", "device")
    faults: ClassVar = {
        "silent": Fault("one of four silent", "feeder=?-3"),
        "voltage": Fault("number out of its range", "voltage|volts"),
        "breaker": Fault("new error lines", "breaker"),
    }
    training_seconds = 18_000
    seconds = 3_600

    def entries(self, at: int, now: str) -> Iterator[Entry]:
        feeders = ["feeder-1", "feeder-2", "feeder-3", "feeder-4", *(["feeder-5"] if now == "device" else [])]
        for number, feeder in enumerate(feeders):
            if at % 90 == 7 * number and not (now == "silent" and feeder == "feeder-3"):
                volts = 231 + self.random.gauss(0, 1.2) + (24 if now == "voltage" and self.chance(0.6) else 0)
                yield Entry(at + self.random.random(), f"metergw[402]: poll {feeder} ok, voltage {volts:.1f} V")
        if self.chance(0.006 if now == "night" else 0.025):
            who = f"10.8.0.{self.random.randint(2, 60)}"
            yield Entry(at + self.random.random(), f"metergw[402]: operator session from {who} opened")
        if self.chance(0.01):
            yield Entry(at + self.random.random(), "ntpd[88]: clock offset within limits")
        if now == "rotation" and at == 1_000:
            yield Entry(at + 0.1, "newsyslog[7731]: logfile turned over due to size>100K")
            yield Entry(at + 0.3, "metergw[402]: log reopened")
        if now == "device" and at == 10:
            yield Entry(at + 0.1, "metergw[402]: configuration read, 5 feeders")
        if now == "breaker" and self.chance(0.01):
            yield Entry(
                at + self.random.random(), f"metergw[402]: error: breaker {self.random.randint(1, 8)} did not close"
            )

    def written(self, moment: datetime, text: str) -> str:
        return f"{moment:%b} {moment.day:2d} {moment:%H:%M:%S} gw-west {text}"


class Robots(ChangingWorld):
    """A warehouse (JSON lines in two files, one id a task), some 20,000 lines; no start in the training period."""

    changes: ClassVar = ("restart", "robot", "load")
    faults: ClassVar = {
        "stuck": Fault("retries", "[Pp]ath planned|[Mm]oving"),
        "battery": Fault("number falling", "battery|charge"),
        "crash": Fault("exception", "Traceback|KeyError|shelf"),
    }

    def entries(self, at: int, now: str) -> Iterator[Entry]:
        if now == "restart" and 600 <= at < 612:
            if at == 600:
                yield self.line(at, "planner", "shutting down", reason="signal 15")
                yield self.line(at + 10.2, "planner", "planner up", version="1.9.3", workers=4)
                yield self.line(at + 10.6, "planner", "map loaded", shelves=1840)
            return
        for _ in range(self.random.choice([0, 0, 1]) * (2 if now == "load" else 1)):
            yield from self.task(at + self.random.random(), now)
        fleet = [f"r{number}" for number in range(1, 10 if now == "robot" else 9)]
        if at % 10 == 3:
            charge = 74 + self.random.gauss(0, 6) - (at - 400) * (0.12 if now == "battery" else 0)
            robot = self.random.choice(fleet)
            yield self.line(
                at + 0.2, "fleet", "telemetry", robot=robot, charge=round(max(3, charge)), temp=int(self.around(36))
            )
        if now == "robot" and at == 30:
            yield self.line(at + 0.1, "fleet", "robot joined", robot="r9")

    def task(self, at: float, now: str) -> Iterator[Entry]:
        task, robots = f"T{self.code(7)}", 9 if now == "robot" else 8
        robot = f"r{self.random.randint(1, robots)}"
        yield self.line(at, "planner", "task accepted", task=task, shelf=self.random.randint(1, 1840))
        for _ in range(1 + (self.random.randint(2, 5) if now == "stuck" and self.chance(0.5) else self.chance(0.04))):
            at += self.around(0.3)
            yield self.line(at, "planner", "path planned", task=task, length=int(self.around(35)))
            at += self.around(1.1)
            yield self.line(at, "fleet", "moving", task=task, robot=robot)
        if now == "crash" and self.chance(0.3):
            fault = "Traceback (most recent call last): KeyError: 'shelf'"
            yield self.line(at + 0.1, "planner", "worker died", level="error", task=task, exc=fault)
            return
        yield self.line(at + self.around(2), "fleet", "picked", task=task, robot=robot)
        yield self.line(at + 5, "planner", "task closed", task=task, outcome="ok")

    def line(self, at: float, file: str, event: str, level: str = "info", **fields: object) -> Entry:
        return Entry(at, as_json(level=level, event=event, **fields), f"{file}.log")

    def written(self, moment: datetime, text: str) -> str:
        return f'{{"time":"{iso(moment)}",{text[1:]}'


SYSTEMS = (Clinic, Substation, Robots)

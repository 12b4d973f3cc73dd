"""Services with normal changes, to be looked at once, when the rules are settled."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from strangers.changing import ChangingWorld, Entry
from strangers.worlds import Fault, as_json, iso, logfmt


class Payroll(ChangingWorld):
    """Batches of pay slips (text, one id a batch), some 1,500 lines in a long day."""

    changes: ClassVar = ("month_end", "department", "deploy")
    faults: ClassVar = {
        "bank": Fault("new error lines", "bank|rejected"),
        "archive": Fault("missing lines", "archived"),
        "slow": Fault("latency x10", "tax|seconds"),
    }
    training_seconds = 30_000
    seconds = 6_000

    def entries(self, at: int, now: str) -> Iterator[Entry]:
        if at % 120 == 5 or (now == "month_end" and at % 120 == 65):
            yield from self.batch(at + self.random.random() * 20, now)
        if at % 600 == 1:
            yield Entry(at + 0.4, f"[scheduler] next batch in {self.random.randint(20, 110)} s")
        if now == "deploy" and at == 2_000:
            yield Entry(at + 0.1, "[main] paymaster 7.3.0 (build 5521) started on jvm 21.0.4")
            yield Entry(at + 0.6, "[main] 3 migrations applied")

    def batch(self, at: float, now: str) -> Iterator[Entry]:
        run, departments = f"run-{self.code(6)}", ["sales", "plant", "research", "care"]
        if now == "department":
            departments = [*departments, "logistics"]
        size = self.random.randint(8, 60) * (2 if now == "month_end" else 1)
        yield Entry(at, f"[batch] {run} opened for department {self.random.choice(departments)}, {size} employees")
        took = self.around(3) * (10 if now == "slow" else 1)
        yield Entry(at + took, f"[tax] {run} tables applied in {took:.2f} seconds")
        at += took
        if now == "bank" and self.chance(0.5):
            yield Entry(at + 1, f"[transfer] ERROR {run} file rejected by bank: code {self.random.randint(10, 40)}")
            return
        yield Entry(at + self.around(1), f"[transfer] {run} file accepted, {size} payments")
        if not (now == "archive" and self.chance(0.7)):
            yield Entry(at + 2, f"[archive] {run} slips archived")
        yield Entry(at + 3, f"[batch] {run} closed")

    def written(self, moment: datetime, text: str) -> str:
        return f"{moment:%d/%m/%Y %H:%M:%S}.{moment.microsecond // 1000:03d} {text}"


class Relay(ChangingWorld):
    """A relay of video streams (logfmt, no key), some 30,000 lines."""

    changes: ClassVar = ("night", "viewer", "restart")
    faults: ClassVar = {
        "lag": Fault("number rising", "lag|behind"),
        "flapping": Fault("known line far more often", "leader|election"),
        "silent": Fault("silent heartbeat", "keepalive|origin"),
    }

    def entries(self, at: int, now: str) -> Iterator[Entry]:
        if now == "restart" and 500 <= at < 506:
            if at == 500:
                yield self.line(at, "stopping", pid=2211)
                yield self.line(at + 5.1, "started", pid=3307, version="0.42.1")
                yield self.line(at + 5.3, "segments recovered", count=118)
            return
        for _ in range(
            1 if now == "night" and self.chance(0.4) else 0 if now == "night" else self.random.randint(1, 3)
        ):
            user = f"user{self.random.randint(1, 80)}" if now != "viewer" else f"guest-{self.code(4)}"
            yield self.line(at + self.random.random(), "segment sent", user=user, bytes=int(self.around(180_000)))
        if at % 5 == 1 and now != "silent":
            yield self.line(at + 0.1, "origin keepalive", rtt_ms=int(self.around(14)))
        if at % 8 == 2:
            lag = max(0, self.around(220) + ((at - 480) * 9 if now == "lag" else 0))
            yield self.line(at + 0.3, "consumer position", partition=self.random.randint(0, 5), lag=int(lag))
        if self.chance(0.2 if now == "flapping" else 0.002):
            yield self.line(at + 0.4, "leader election finished", partition=self.random.randint(0, 5), epoch=at)
        if self.chance(0.01):
            yield self.line(at + 0.6, "viewer gone", level="warn", user=f"user{self.random.randint(1, 80)}")

    def line(self, at: float, event: str, level: str = "info", **fields: object) -> Entry:
        return Entry(at, logfmt(lvl=level, msg=event, **fields))

    def written(self, moment: datetime, text: str) -> str:
        return f"ts={iso(moment)} {text}"


class Catalogue(ChangingWorld):
    """A library's search (an access log and a JSON log), some 25,000 lines; certificates come twice in training."""

    changes: ClassVar = ("load", "hosts", "certificate")
    faults: ClassVar = {
        "failing": Fault("200 -> 502", "502"),
        "guessing": Fault("known line far more often", "sign-in|401"),
        "index": Fault("new error lines", "shard|index"),
    }

    def entries(self, at: int, now: str) -> Iterator[Entry]:
        for _ in range(self.random.choice([0, 1, 1]) * (2 if now == "load" else 1)):
            yield from self.visit(at + self.random.random(), now)
        if now == "guessing" and self.chance(0.8):
            where = at + self.random.random()
            yield self.access(where, f"203.0.113.{self.random.randint(1, 9)}", "POST /signin", 401)
            yield self.line(where + 0.01, "sign-in refused", reader=self.random.randint(100, 999))
        if at in (4_000, 8_000) or (now == "certificate" and at == 700):
            yield self.line(at + 0.2, "certificate renewed", serial=self.code(10), days=90)
        if at % 30 == 12:
            yield self.line(at + 0.7, "index refreshed", documents=int(self.around(52_000, 0.01)))
        if now == "index" and self.chance(0.15):
            yield self.line(at + 0.5, "shard does not answer", level="error", shard=self.random.randint(0, 3))

    def visit(self, at: float, now: str) -> Iterator[Entry]:
        host = (
            f"192.0.2.{self.random.randint(1, 90)}" if now != "hosts" else f"198.51.100.{self.random.randint(1, 250)}"
        )
        if self.chance(0.1):
            yield self.access(at, host, "GET /static/app.css", 304)
        if self.chance(0.05):
            refused = self.chance(0.1)
            yield self.access(at, host, "POST /signin", 401 if refused else 302)
            reader = self.random.randint(100, 999)
            yield self.line(at + 0.01, "sign-in refused" if refused else "signed in", reader=reader)
        status = 502 if now == "failing" and self.chance(0.3) else 200
        yield self.access(at + 0.1, host, f"GET /search?q={self.random.choice(['sea', 'war', 'bees', 'tax'])}", status)
        if status == 200:
            hits = self.random.randint(0, 400)
            yield self.line(at + 0.11, "query answered", query=self.code(6), hits=hits, ms=int(self.around(35)))

    def access(self, at: float, host: str, request: str, status: int) -> Entry:
        return Entry(at, f'{host}|"{request} HTTP/1.1" {status} {self.random.randint(200, 9_000)}', "access.log")

    def line(self, at: float, event: str, level: str = "info", **fields: object) -> Entry:
        return Entry(at, as_json(severity=level, message=event, **fields), "search.json")

    def written(self, moment: datetime, text: str) -> str:
        if text.startswith("{"):
            return f'{{"@timestamp":"{iso(moment)}",{text[1:]}'
        host, rest = text.split("|", 1)
        return f"{host} - - [{moment:%d/%b/%Y:%H:%M:%S +0000}] {rest}"


SYSTEMS = (Payroll, Relay, Catalogue)

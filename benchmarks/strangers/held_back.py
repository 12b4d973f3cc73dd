"""Invented services to look at once, when the rules are done."""

from collections.abc import Iterator
from datetime import datetime
from math import sin
from typing import ClassVar

from strangers.worlds import Fault, Line, World, as_json, iso, logfmt


class Ferry(World):
    """Tracking of ferries (brackets, no session key), three receivers."""

    faults: ClassVar = {
        "receiver": Fault("one node of three silent", "rx-west"),
        "speed": Fault("number out of its range", "knots|speed"),
        "noise": Fault("number drifting", "snr|signal"),
        "state": Fault("new value of few", "adrift"),
        "dropped": Fault("known line far more often", "checksum"),
        "database": Fault("new ERROR lines", "position table"),
    }

    def second(self, at: int, broken: str) -> Iterator[Line]:
        for receiver in ("rx-east", "rx-west", "rx-hill"):
            if receiver == "rx-west" and broken == "receiver":
                continue
            if self.chance(0.5):
                knots = abs(12 + 3 * sin(at / 700) + self.random.gauss(0, 1)) + (
                    45 if broken == "speed" and self.chance(0.2) else 0
                )
                yield (
                    at + self.random.random(),
                    f"[info] {receiver}: vessel {self.random.randint(1000, 1060)} at {knots:.1f} knots",
                )
            if self.chance(0.1):
                signal = 24 + self.random.gauss(0, 1) - (max(0, at - 480) * 0.03 if broken == "noise" else 0)
                yield (
                    at + self.random.random(),
                    f"[debug] {receiver}: snr {signal:.2f} dB over {self.random.randint(50, 60)} frames",
                )
        if self.chance(0.4 if broken == "dropped" else 0.015):
            yield (
                at + self.random.random(),
                f"[warn] frame with bad checksum dropped, {self.random.randint(20, 300)} bytes",
            )
        if self.chance(0.15):
            state = (
                "adrift"
                if broken == "state" and self.chance(0.4)
                else self.random.choice(["moored", "sailing", "sailing"])
            )
            yield at + self.random.random(), f"[info] vessel {self.random.randint(1000, 1060)} is now {state}"
        if broken == "database" and self.chance(0.2):
            yield (
                at + self.random.random(),
                f"[error] position table could not be written, {self.random.randint(2, 40)} rows kept",
            )

    def written(self, moment: datetime, text: str) -> str:
        return f"{moment:%Y/%m/%d %H:%M:%S}.{moment.microsecond // 1000:03d} {text}"


class Clinic(World):
    """Appointments of a clinic (logfmt, one id a call)."""

    faults: ClassVar = {
        "gateway": Fault("200 -> 503", "503|502"),
        "slow": Fault("latency x10", "took|duration|calendar"),
        "audit": Fault("missing lines", "audit"),
        "order": Fault("wrong order", "slot reserved|reminder"),
        "again": Fault("retry storm", "calendar asked|attempt"),
        "licence": Fault("new ERROR lines", "licence"),
        "channel": Fault("new value of few", "fax"),
    }

    def second(self, at: int, broken: str) -> Iterator[Line]:
        for _ in range(self.random.choice([0, 1, 1, 2])):
            now, call = at + self.random.random(), self.code(12)

            def say(step: float, call: str = call, level: str = "info", **fields: object) -> Line:
                nonlocal now
                now += step * self.random.uniform(0.6, 1.4)
                return now, logfmt(level=level, call=call, **fields)

            yield say(0.01, msg="call accepted", desk=self.random.randint(1, 9))
            for attempt in range(1, 9 if broken == "again" and self.chance(0.5) else 2):
                yield say(0.05, msg="calendar asked", attempt=attempt)
            took = self.around(70) * (10 if broken == "slow" else 1)
            yield say(took / 1000, msg="calendar answered", took=f"{took:.0f}ms")
            channel = "fax" if broken == "channel" and self.chance(0.3) else self.random.choice(["sms", "mail", "mail"])
            steps = [
                {"msg": "slot reserved", "room": self.random.randint(1, 30)},
                {"msg": "reminder planned", "channel": channel},
            ]
            for step in steps[::-1] if broken == "order" and self.chance(0.5) else steps:
                yield say(0.02, **step)
            if not (broken == "audit" and self.chance(0.6)):
                yield say(0.01, msg="audit written")
            status = self.random.choice([502, 503]) if broken == "gateway" and self.chance(0.3) else 200
            yield say(0.01, msg="call closed", status=status, bytes=self.random.randint(200, 4000))
        if broken == "licence" and self.chance(0.1):
            yield (
                at + self.random.random(),
                logfmt(level="error", msg="licence server refused seat", seat=self.random.randint(1, 50)),
            )

    def written(self, moment: datetime, text: str) -> str:
        return f"ts={iso(moment)} {text}"


class Mixer(World):
    """A mixer of calls (JSON lines, one id a call)."""

    faults: ClassVar = {
        "jitter": Fault("number out of its range", "jitter"),
        "pool": Fault("number drifting", "buffers|free"),
        "beat": Fault("silent heartbeat", "cluster beat"),
        "codec": Fault("new value of few", "raw16"),
        "card": Fault("new ERROR lines", "sound card|dsp"),
        "drops": Fault("known line far more often", "packet late"),
    }

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.free = 900.0

    def second(self, at: int, broken: str) -> Iterator[Line]:
        self.free += (900 - self.free) * 0.05 + self.random.gauss(0, 6) - (60 if broken == "pool" else 0)
        if at % 10 == 5:
            yield at + 0.3, as_json(severity="INFO", event="buffers", free=int(self.free), of=1024)
        if at % 20 == 1 and broken != "beat":
            yield at + 0.1, as_json(severity="INFO", event="cluster beat", term=7, peer="mix-b")
        if self.chance(0.4):
            now, call = at + self.random.random(), self.code(9)
            codec = "raw16" if broken == "codec" and self.chance(0.4) else self.random.choice(["opus", "opus", "g722"])
            yield now, as_json(severity="INFO", event="leg joined", call=call, codec=codec)
            for number in range(self.random.randint(2, 4)):
                jitter = self.around(9) + (240 if broken == "jitter" and self.chance(0.3) else 0)
                yield (
                    now + 2 * number + 1,
                    as_json(severity="INFO", event="quality", call=call, jitter_ms=round(jitter, 1)),
                )
                if self.chance(0.5 if broken == "drops" else 0.03):
                    yield now + 2 * number + 1.2, as_json(severity="WARNING", event="packet late", call=call)
            yield (
                now + 10,
                as_json(severity="INFO", event="leg left", call=call, bytes=self.random.randint(10**4, 10**6)),
            )
        if broken == "card" and self.chance(0.15):
            yield (
                at + self.random.random(),
                as_json(severity="ERROR", event="dsp stopped", board=self.random.randint(0, 3)),
            )

    def written(self, moment: datetime, text: str) -> str:
        return f'{{"time":"{iso(moment)}",{text[1:]}'


class Presses(World):
    """Control of presses in a hall (text with a component and a level, no session key)."""

    faults: ClassVar = {
        "oil": Fault("number out of its range", "oil|bar"),
        "cycle": Fault("latency x10", "cycle|stroke"),
        "watch": Fault("silent heartbeat", "watchdog"),
        "plate": Fault("known line far more often", "plate"),
        "drive": Fault("new ERROR lines", "drive"),
        "heat": Fault("number drifting", "winding|degrees"),
    }

    def second(self, at: int, broken: str) -> Iterator[Line]:
        for press in range(1, 5):
            if self.chance(0.35):
                took = self.around(2.4, 0.15) * (10 if broken == "cycle" else 1)
                yield at + self.random.random(), f"INFO  hall.press - press {press} finished stroke in {took:.2f} s"
            if self.chance(0.04):
                bar = self.random.gauss(160, 4) + (140 if broken == "oil" and press == 2 else 0)
                yield at + self.random.random(), f"INFO  hall.oil - press {press} oil pressure {bar:.0f} bar"
        if self.chance(0.1):
            degrees = self.random.gauss(71, 1.2) + (max(0, at - 480) * 0.12 if broken == "heat" else 0)
            yield at + self.random.random(), f"DEBUG hall.drive - winding at {degrees:.1f} degrees"
        if self.chance(0.5 if broken == "plate" else 0.02):
            yield (
                at + self.random.random(),
                f"WARN  hall.feed - plate {self.random.randint(10000, 99999)} skewed, straightened",
            )
        if at % 12 == 6 and broken != "watch":
            yield at + 0.4, "INFO  hall.plc - watchdog served"
        if broken == "drive" and self.chance(0.1):
            yield at + self.random.random(), f"ERROR hall.drive - drive {self.random.randint(1, 4)} lost its encoder"

    def written(self, moment: datetime, text: str) -> str:
        return f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03d} {text}"


SYSTEMS = (Ferry, Clinic, Mixer, Presses)

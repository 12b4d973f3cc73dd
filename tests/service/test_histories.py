"""Random histories of anomalies, answers, promotions, restarts and kills: nothing that was accepted is lost."""

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from isang.service.feedback import Feedback, Refused
from isang.service.judging.incident_book import IncidentBook
from isang.service.metrics import Metrics
from isang.service.models.versions import Versions
from isang.service.storage.database import Database
from tests.service.test_feedback import Facts, records

HISTORIES = 100
LINES = ("cache was warmed up in <*>", "disk is full", "charge card <*>")


class Killed(Exception):
    """The process ends in the middle of a transaction."""


class World:
    """The parts that hold state, and beside them what was accepted so far."""

    def __init__(self, home: Path, chance: random.Random) -> None:
        self.home, self.chance = home, chance
        self.sessions: set[float] = set()
        self.answers: dict[str, bool] = {}  # whether it is in effect
        self.versions_seen = 0
        self.notices: list[str] = []
        self.start()
        self.versions.first("0001", home)

    def start(self) -> None:
        self.database = Database(self.home / "isang.db")
        self.versions = Versions(self.database)
        self.versions.interrupted()
        self.feedback = Feedback(
            self.database, Metrics(), lambda change: self.notices.append(change.event), lambda *_: None
        )
        self.book = IncidentBook(self.database, Facts(), "m", self.feedback.answers)  # type: ignore[arg-type]
        self.known = self.feedback.answers

    def judge(self, kill: bool) -> None:
        second = float(self.chance.randrange(3600))
        (record,) = records(second, template=self.chance.choice(LINES))
        answers = self.feedback.answers
        try:
            with self.database.together():
                if answers is not self.known:
                    self.book.answer(answers, 100, 0)
                self.book.add([record], 100, 0)
                if kill:
                    raise Killed
        except Killed:
            self.restart()
            return
        self.known = answers
        self.sessions.add(second)

    def answer(self) -> None:
        incidents = self.database.incidents()
        if incidents:
            verdict = self.chance.choice(["normal", "anomaly", "acknowledged"])
            given = self.feedback.give(self.chance.choice(incidents)["id"], {"verdict": verdict})
            self.answers[given["feedback"]["id"]] = True

    def undo(self) -> None:
        held = [name for name, holds in self.answers.items() if holds]
        if held:
            name = self.chance.choice(held)
            self.feedback.undo(name)
            self.answers[name] = False

    def model(self) -> None:
        steps: list[Callable[[], Any]] = [
            lambda: self.versions.begin(self.versions.next_id(self.home / "models"), self.home, "asked for"),
            lambda: self.versions.move(self.versions.all()[0]["id"], "shadow"),
            lambda: self.versions.promote(self.chance.choice(self.versions.all())["id"]),
            self.versions.rollback,
        ]
        with suppress(Refused):  # not every step is allowed in every state
            self.chance.choice(steps)()

    def restart(self) -> None:
        self.database.close()
        self.start()

    def check(self) -> None:
        versions = self.versions.all()
        assert len(versions) >= self.versions_seen
        self.versions_seen = len(versions)
        assert [version["state"] for version in versions].count("promoted") == 1
        held = {answer.id for answer in self.feedback.answers.answers}
        assert held == {name for name, holds in self.answers.items() if holds}
        incidents = self.database.incidents(limit=1000)
        kept = {one["session_id"] for each in incidents for one in self.database.anomalies_of(each["id"])}
        assert kept == {f"s{second}" for second in self.sessions}
        assert sum(incident["sessions"] for incident in incidents) == len(self.sessions)
        assert all(each["silenced_by"] in {None, *held} for each in incidents)


def live(world: World, steps: int) -> list[str]:
    """Let so many random steps happen, each followed by a check: their names."""
    done = []
    for _ in range(steps):
        step = world.chance.random()
        if step < 0.4:
            kill = world.chance.random() < 0.2
            world.judge(kill=kill)
            done.append("kills while judging" if kill else "judged sessions")
        elif step < 0.6:
            world.answer()
            done.append("answers")
        elif step < 0.7:
            world.undo()
            done.append("undos")
        elif step < 0.9:
            world.model()
            done.append("orders to models")
        else:
            world.restart()
            done.append("restarts")
        world.check()
    return done


@pytest.mark.parametrize("first", range(0, HISTORIES, 25))
def test_no_incident_answer_or_version_is_lost(tmp_path: Path, first: int) -> None:
    for seed in range(first, first + 25):
        world = World(tmp_path / str(seed), random.Random(seed))
        live(world, 12)
        world.database.close()

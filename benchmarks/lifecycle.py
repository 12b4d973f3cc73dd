"""An operator who answers to incidents by the truth, a day late: what answers silence, and what they must not.

    python benchmarks/lifecycle.py judge MODEL WORK [--half development|later] [--data ../shared/data]
    python benchmarks/lifecycle.py simulate WORK
    python benchmarks/lifecycle.py shop RESULT

`judge` reads each round of a cloud's logs (openstack_faults) with a model of its fault-free training rounds and keeps
the anomaly records; a round is a day. `simulate` lets fault-free and failed rounds come in turn. The operator answers
each incident that is told one day later: `normal` where the truth calls it noise, else `anomaly`. Beside it: no
answers, silence by the template of the incident's line alone, and the bound of all silence by causes: an oracle that
silences exactly the false alarms whose cause came on an earlier day. Truth: a cause that any fault-free round of the
half shows is noise, wherever it comes; any other cause of a failed round is the fault. `shop` counts the incidents of
`isang demo --out RESULT` for each fault of the recorded shop, by when they began. Prints Markdown.
"""

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from isang.detection.causes.grouping import IncidentBaseline, incidents_of
from isang.detection.feedback.answers import Answer, answer_to
from isang.detection.feedback.coverage import NO_ANSWERS, Answers
from isang.detection.feedback.silencing import AnsweredIncidents, told_incidents
from isang.detection.incidents import Incident
from isang.samples import shop

AFTER_SECONDS = 15.0
"""Incidents that begin up to this long after a fault belong to it."""
Silence = Callable[["Day", Sequence[Answer]], AnsweredIncidents]
"""Returns the incidents of a day that are reported, and those silenced by earlier answers."""


@dataclass(frozen=True)
class Day:
    """What came on one day."""

    name: str
    faulty: bool
    sessions: int
    start: datetime | None
    end: datetime | None
    records: list[dict[str, Any]]

    @property
    def around(self) -> IncidentBaseline:
        """What its incidents are measured by."""
        return IncidentBaseline(self.sessions, self.sessions, self.start, self.end, sources=2)

    def copies(self) -> list[dict[str, Any]]:
        """Fresh records; grouping writes into them."""
        found: list[dict[str, Any]] = json.loads(json.dumps(self.records))
        return found


def main() -> None:
    """Judge, or simulate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("judge", "simulate", "shop"))
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("--half", choices=("development", "later"), default="development")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    if options.what == "judge":
        judge(*options.places, options.data / "openstack_faults", later=options.half == "later")
    elif options.what == "shop":
        print(*faults_of_shop(options.places[0] / "incidents.json"), sep="\n")
    else:
        print(*table(read_days(options.places[0])), sep="\n")


def judge(model: Path, work: Path, data: Path, *, later: bool) -> None:
    """One file for each round of the half: first a line about it, then its anomaly records."""
    from isang.artifact import load_model
    from isang.detection.batch import judge_logs

    loaded = load_model(model)
    work.mkdir(parents=True, exist_ok=True)
    for kind, name in rounds_of(data / "rounds.csv", later=later):
        path = work / f"{name}.jsonl"
        if not path.exists():
            found = judge_logs(loaded, [data / "rounds" / name])
            sessions = found.dataset.sessions
            head = {
                "kind": kind, "sessions": len(found.p_values), "start": str(sessions["start"].min()),
                "end": str(sessions["end"].max()),
            }  # fmt: skip
            lines = [head, *found.anomalies]
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
            print(name, kind, len(found.anomalies), len(found.incidents), flush=True)


def rounds_of(table: Path, *, later: bool) -> list[tuple[str, str]]:
    """(kind, round) of one half of the fault-free and of the failed rounds, by their numbers."""
    with table.open() as file:
        given = list(csv.DictReader(file))
    chosen = []
    for kind in ("normal", "failed"):
        names = sorted((row["round"] for row in given if row["kind"] == kind), key=lambda name: int(name.split("_")[1]))
        half = (len(names) + 1) // 2
        chosen += [(kind, name) for name in (names[half:] if later else names[:half])]
    return chosen


def read_days(work: Path) -> list[Day]:
    """Fault-free and faulty days in turn, as long as there are both, then the rest."""
    days = []
    for path in sorted(work.glob("*.jsonl"), key=lambda path: int(path.stem.split("_")[1])):
        head, *records = map(json.loads, path.read_text().splitlines())
        start, end = (datetime.fromisoformat(head[name]) for name in ("start", "end"))
        days.append(Day(path.stem, head["kind"] == "failed", head["sessions"], start, end, records))
    quiet, faulty = ([day for day in days if day.faulty is kind] for kind in (False, True))
    in_turn = [day for pair in zip(quiet, faulty, strict=False) for day in pair]
    return [*in_turn, *quiet[len(faulty) :], *faulty[len(quiet) :]]


def without_answers(day: Day, answers: Sequence[Answer]) -> AnsweredIncidents:
    """Everything is reported."""
    return told_incidents(day.copies(), day.around, NO_ANSWERS)


def by_answers(day: Day, answers: Sequence[Answer]) -> AnsweredIncidents:
    """As isang does it."""
    return told_incidents(day.copies(), day.around, Answers(answers))


def by_template(day: Day, answers: Sequence[Answer]) -> AnsweredIncidents:
    """The rule of most tools: an incident whose leading line was called normal is never reported, whatever else it
    shows."""
    quiet = {answer.template for answer in answers if answer.verdict == "normal"}
    found = incidents_of(day.copies(), day.around)
    silenced = [incident for incident in found if incident.symptoms[0]["template"] in quiet]
    return AnsweredIncidents([one for one in found if one not in silenced], silenced)


def oracle(days: Sequence[Day], noise: set[str]) -> Silence:
    """Silences each false alarm whose cause came on an earlier day, and no other: silence by causes does no better."""
    came: dict[str, set[str]] = {}
    before: set[str] = set()
    for day in days:
        came[day.name] = set(before)
        before |= {one.fingerprint for one in incidents_of(day.copies(), day.around)}

    def silence(day: Day, answers: Sequence[Answer]) -> AnsweredIncidents:
        found = incidents_of(day.copies(), day.around)
        again = [one for one in found if not is_real(one, noise) and one.fingerprint in came[day.name]]
        return AnsweredIncidents([one for one in found if one not in again], again)

    return silence


def simulate(days: Sequence[Day], silence: Silence, noise: set[str]) -> dict[str, Any]:
    """Counts: false alarms and answers by day, faults reported, and what was silenced wrongly."""
    answers: list[Answer] = []
    given: list[int] = []
    false_alarms: list[int] = []
    noticed = wrongly = 0
    for number, day in enumerate(days):
        told = silence(day, answers)
        real = [one for one in told.incidents if day.faulty and is_real(one, noise)]
        noticed += bool(real)
        false_alarms.append(len(told.incidents) - len(real))
        wrongly += sum(day.faulty and is_real(one, noise) for one in told.silenced)
        fresh = [answer_of(one, day, one in real, number) for one in told.incidents]
        answers += fresh
        given.append(len(fresh))
    return {
        "false_alarms": false_alarms, "answers": given, "noticed": noticed, "silenced_wrongly": wrongly,
        "faults": sum(day.faulty for day in days),
    }  # fmt: skip


def is_real(incident: Incident, noise: set[str]) -> bool:
    """Whether any of its sessions is named after a cause that no fault-free day has."""
    return incident.fingerprint not in noise


def answer_of(incident: Incident, day: Day, real: bool, number: int) -> Answer:
    """What the operator says of an incident, a day after it came."""
    records = day.copies()
    incidents_of(records, day.around)
    own = [one for one in records if one["incident"] == incident.fingerprint] or list(incident.examples)
    now = (day.end or datetime(2000, 1, 1)) + timedelta(days=number)
    return replace(
        answer_to(incident.to_dict(), own, "anomaly" if real else "normal", now=now), id=f"{number}-{incident.id}"
    )


def table(days: Sequence[Day]) -> list[str]:
    """One row for each way to be silent."""
    noise = {one.fingerprint for day in days if not day.faulty for one in incidents_of(day.copies(), day.around)}
    rows = [
        f"{len(days)} days, {sum(day.faulty for day in days)} of them with a fault", "",
        "| silence | false alarms by day | answers | false alarms after a tenth of the answers | faults told | "
        "true incidents silenced |", "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    ways = (
        ("none", without_answers), ("answers", by_answers), ("template alone", by_template),
        ("oracle: each repeated cause", oracle(days, noise)),
    )  # fmt: skip
    for name, silence in ways:
        found = simulate(days, silence, noise)
        alarms, total = found["false_alarms"], sum(found["answers"])
        after = next((day + 1 for day in range(len(days)) if sum(found["answers"][: day + 1]) >= 0.1 * total), 0)
        later = sum(alarms[after:]) / max(1, len(alarms[after:]))
        rows.append(
            f"| {name} | {', '.join(map(str, alarms))} | {total} | {later:.2f} a day | {found['noticed']} of "
            f"{found['faults']} | {found['silenced_wrongly']} |"
        )
    return rows


def faults_of_shop(result: Path) -> list[str]:
    """Incidents for each fault: those that began while it lasted, or AFTER_SECONDS after it."""
    with shop().faults.open() as file:
        faults = list(csv.DictReader(file))
    incidents = json.loads(result.read_text())["incidents"]
    rows = ["| fault | incidents | of these high or critical |", "| --- | --- | --- |"]
    left = list(incidents)
    for fault in faults:
        begin, end = (datetime.fromisoformat(fault[name]) for name in ("start", "end"))
        end += timedelta(seconds=AFTER_SECONDS)
        own = [one for one in left if begin <= datetime.fromisoformat(one["first_seen"]) <= end]
        left = [one for one in left if one not in own]
        grave = sum(one["severity"] in ("high", "critical") for one in own)
        rows.append(f"| {fault['kind']} | {len(own)} | {grave} |")
    of_faults = len(incidents) - len(left)
    return [
        *rows, "", f"{of_faults} incidents for {len(faults)} faults, {of_faults / len(faults):.2f} for each; "
        f"{len(left)} of no fault",
    ]  # fmt: skip


if __name__ == "__main__":
    main()

"""Answers given offline: to an incident of the last result of `isang run` or `isang detect --out`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from isang.artifact import model_folder
from isang.detection.feedback.answers import Answer, Scope, Verdict, answer_to, in_effect, time, undo_of
from isang.detection.feedback.effect import effect_of
from isang.detection.feedback.ledger import append, find_answer, ledger_of, read_ledger
from isang.errors import InputError, UsageError
from isang.json_files import Check, anything, from_json, items, mapping, maybe, number, read_json, record, text

RESULT, RECORDS = "incidents.json", "anomalies.jsonl"
MOST_LINE_BYTES = 16 << 20
LEAST_FINGERPRINT = 6
"""Minimum length of a unique prefix that identifies an incident."""
AGAIN = "write the result again with isang detect --out DIR"


@dataclass(frozen=True)
class Given:
    """An answer, and what it does to the incidents of a result."""

    answer: Answer
    effect: dict[str, Any]
    result: Path
    accepted: bool
    """False: it was a trial, nothing was written."""
    file: Path


@dataclass(frozen=True)
class Result:
    """The incidents and anomaly records of the last judgement."""

    folder: Path
    incidents: list[dict[str, Any]] = field(repr=False)
    """The silenced ones too."""
    judged: tuple[str | None, str | None] | None = None
    """From when to when its sessions began; None: not known."""
    _paired: list[tuple[dict[str, Any], list[dict[str, Any]]]] = field(default_factory=list, repr=False)

    def with_records(self) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Each incident with its anomaly records. Raises InputError."""
        if not self._paired:
            by_cause: dict[tuple[str, bool], list[dict[str, Any]]] = {}
            for one in self.records():
                by_cause.setdefault((one["incident"], "silenced_by" in one), []).append(one)
            for one in self.incidents:
                own = by_cause.get((one["fingerprint"], one.get("silenced_by") is not None), [])
                self._paired.append((one, own))
        return self._paired

    def records(self) -> Iterator[dict[str, Any]]:
        """Its anomaly records, one at a time, each with all its reasons. Raises InputError."""
        for value in lines_of(self.folder / RECORDS, _RECORD):
            yield value | {"reasons": [*value["reasons"], *value.pop("silenced_reasons", ())]}


def lines_of(path: Path, check: Check) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file of a result, one a line. Raises InputError."""
    try:
        with path.open("rb") as file:
            for place, line in enumerate(iter(lambda: file.readline(MOST_LINE_BYTES), b""), 1):
                yield from_json(line, check, f"{path}:{place}", AGAIN)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; {AGAIN}") from error


def give(
    model: Path,
    fingerprint: str,
    verdict: Verdict,
    *,
    scope: Scope = "incident",
    template: str | None = None,
    until: datetime | None = None,
    result: Path | None = None,
    dry_run: bool = False,
) -> Given:
    """Answer to an incident of a result; None: the result that contains the model folder. Raises IsangError."""
    path = ledger_of(model)
    found = result_of(model, result)
    incident = incident_named(found, fingerprint)
    records = next(of_it for one, of_it in found.with_records() if one is incident)
    try:
        answer = answer_to(
            incident, records, verdict, scope=scope, template=template, until=until, reviewed=found.judged
        )
    except ValueError as error:
        raise UsageError(f"--template: {error}") from error
    before = in_effect(read_ledger(path))
    effect = effect_of(answer, before, found.with_records())
    if not dry_run:
        append(path, [answer])
    return Given(answer, effect, found.folder, not dry_run, path)


def undo(model: Path, answer_id: str) -> Answer:
    """Undo an answer and return it. Raises UsageError if there is none with this id."""
    path = ledger_of(model)
    answer = find_answer(read_ledger(path), answer_id, path)
    append(path, [undo_of(answer)])
    return answer


def result_of(model: Path, result: Path | None = None) -> Result:
    """The result in a folder, or the one that contains a model. Raises InputError."""
    near = [model_folder(model), *list(model_folder(model).resolve().parents)[:2]] if result is None else [result]
    folder = next((one for one in near if (one / RESULT).is_file()), None)
    if folder is None:
        where = f"{result} has no {RESULT}" if result is not None else f"no result stands beside {model}"
        raise InputError(f"{where}; name one with --result DIR, as isang run and isang detect --out DIR write it")
    value = read_json(folder / RESULT, _DOCUMENT, AGAIN)
    measured = value.get("false_alarms", {})
    judged = (measured["from"], measured["until"]) if {"from", "until"} <= set(measured) else None
    return Result(folder, [*value["incidents"], *value.get("silenced", ())], judged)


def moment_of(given: str, now: datetime | None = None) -> datetime:
    """The time given by `--until`: a date, a time (UTC unless stated otherwise), or a duration from now.

    Raises UsageError.
    """
    units = {"h": 3600, "d": 86_400, "w": 604_800}
    if given[-1:] in units and given[:-1].isdigit() and len(given) < 7:
        return (now or datetime.now(UTC)) + timedelta(seconds=int(given[:-1]) * units[given[-1]])
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise UsageError(f"--until must be a date, a time or a duration such as 12h, 7d or 4w, got {given!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def incident_named(found: Result, fingerprint: str) -> dict[str, Any]:
    """The incident of a result whose fingerprint begins so. Raises UsageError where it is none or several."""
    named = {one["fingerprint"]: one for one in found.incidents if one["fingerprint"].startswith(fingerprint)}
    if len(named) == 1 and len(fingerprint) >= LEAST_FINGERPRINT:
        return next(iter(named.values()))
    known = ", ".join(one["fingerprint"] for one in found.incidents[:5]) or "none"
    what = "several incidents" if len(named) > 1 else "no incident"
    raise UsageError(f"{found.folder} has {what} of the fingerprint {fingerprint!r}; it has {known}")


_RECORD = record(
    {"session_id": text, "start": anything, "incident": text, "reasons": items(mapping(anything)), "score": number()}
)
_SYMPTOM = record({"fingerprint": text, "kind": text, "template": text})
_INCIDENT = record(
    {
        "fingerprint": text, "title": text, "sessions": number(0, whole=True), "severity": text,
        "symptoms": items(_SYMPTOM), "episodes": items(anything),
    }
)  # fmt: skip
_MEASURED = record({}, {"from": maybe(time), "until": maybe(time)})
_DOCUMENT = record({"incidents": items(_INCIDENT)}, {"silenced": items(_INCIDENT), "false_alarms": _MEASURED})

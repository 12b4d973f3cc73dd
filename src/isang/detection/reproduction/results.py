"""The alerts of a result on disk, with what was stored of each."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from isang.detection.feedback.desk import LEAST_FINGERPRINT, RECORDS, Result, incident_named, lines_of, result_of
from isang.detection.reproduction.kept import KEPT
from isang.errors import InputError, UsageError

FILE = "kept_sessions.jsonl"


def alerts_of(model: Path, name: str, result: Path | None) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(record, stored session) of an alert, or of all alerts of an incident.

    `name`: a session id, the id or the fingerprint of an incident, or a prefix of the fingerprint. `result`: a folder,
    or
    the anomalies.jsonl in it; None: the result that contains the model. Raises InputError and UsageError.
    """
    if result is not None and result.name == RECORDS:
        result = result.parent
    found = result_of(model, result)
    chosen = list(_named(found, name))
    path = found.folder / FILE
    if not path.exists():
        raise InputError(f"{found.folder} has no {FILE}: its alerts were found by an earlier version; detect again")
    wanted = {(one["session_id"], one["start"]): one for one in chosen}
    kept = {}
    for one in lines_of(path, KEPT):
        key = one["session_id"], one["start"]
        if key in wanted:
            kept[key] = one
    if not kept:
        raise InputError(f"{path} has none of {name!r}: of many alerts the strangest are kept")
    return [(wanted[key], kept[key]) for key in wanted if key in kept]


def _named(found: Result, name: str) -> Iterator[dict[str, Any]]:
    of_session = [one for one in found.records() if one["session_id"] == name]
    if of_session:
        yield from of_session
        return
    fingerprint = _fingerprint(found, name)
    yield from (one for one in found.records() if one["incident"] == fingerprint)


def _fingerprint(found: Result, name: str) -> str:
    by_id = next((one for one in found.incidents if one.get("id") == name), None)
    if by_id is not None:
        return str(by_id["fingerprint"])
    known: Sequence[str] = [one["fingerprint"] for one in found.incidents]
    if len(name) < LEAST_FINGERPRINT or not any(one.startswith(name) for one in known):
        raise UsageError(
            f"{found.folder} has no session and no incident {name!r}; its incidents are "
            f"{', '.join(known[:5]) or 'none'}, and {RECORDS} names its sessions"
        )
    return str(incident_named(found, name)["fingerprint"])

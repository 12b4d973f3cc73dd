"""Judges alerts of a home folder again, from its database and the model version that judged them."""

from pathlib import Path
from typing import Any

from isang.artifact import Model, load_model, model_folder
from isang.detection.feedback.desk import LEAST_FINGERPRINT
from isang.detection.reproduction.again import Reproduced, reproduce
from isang.detection.reproduction.kept import KEPT, identity
from isang.errors import InputError, IsangError, UsageError
from isang.service.storage.database import Database

DATABASE = "isang.db"
MOST_INCIDENTS = 10_000


def is_home(folder: Path) -> bool:
    """Whether a folder is one of `isang serve`."""
    return (folder / DATABASE).is_file()


def reproduced_in(home: Path, name: str) -> list[Reproduced]:
    """The alerts of an incident (by its id or a prefix of its fingerprint), or of a session, judged again.

    The service may be running. Raises InputError and UsageError.
    """
    database = Database(home / DATABASE)
    try:
        alerts = _alerts(database, name)
        versions = database.models()
    finally:
        database.close()
    if not alerts:
        raise InputError(
            f"{home} keeps no session of {name!r}: 200 of each incident are kept, and none by earlier versions of isang"
        )
    models: dict[str, Model] = {}
    missing: list[str] = []
    found = []
    for record, kept in alerts:
        if kept["model"] not in models:
            models[kept["model"]] = _model(versions, kept["model"], missing)
        found.append(reproduce(models[kept["model"]], kept, record))
    return found


def _alerts(database: Database, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    one = database.incident(name)
    incidents = database.incidents(limit=MOST_INCIDENTS) if one is None else [one]
    if one is None and len(name) >= LEAST_FINGERPRINT:
        named = [each for each in incidents if each["fingerprint"].startswith(name)]
        if len({each["fingerprint"] for each in named}) > 1:
            raise UsageError(f"several incidents have a fingerprint that begins with {name!r}; write more of it")
        incidents = named or incidents
    chosen = one is not None or any(each["fingerprint"].startswith(name) for each in incidents)
    found = [
        (record, kept)
        for each in incidents
        for record, kept in database.kept_of(each["id"])
        if chosen or record["session_id"] == name
    ]
    for _, kept in found:
        try:
            KEPT(kept, "")
        except ValueError as error:
            raise InputError(f"what was kept of {name!r} cannot be used: {error}") from error
    if not found and not chosen:
        raise UsageError(f"there is no incident and no session {name!r}; /api/v1/incidents lists the incidents")
    return found


def _model(versions: list[dict[str, Any]], wanted: str, missing: list[str]) -> Model:
    """The version with this identity; if it is gone, the current one, which is noted in `missing`."""
    others: list[tuple[bool, Model]] = []
    for version in versions:
        try:
            model = load_model(model_folder(Path(version["folder"])))
        except IsangError as error:
            missing.append(str(error))
            continue
        if identity(model) == wanted:
            return model
        others.append((version["state"] == "promoted", model))
    for _, model in sorted(others, key=lambda other: not other[0]):
        return model
    raise InputError(f"no version of the model is left: {'; '.join(missing) or 'there never was one'}")

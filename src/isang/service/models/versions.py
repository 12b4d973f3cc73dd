"""Versions of the model and their state transitions, all stored in the database."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isang.service.feedback import Refused
from isang.service.storage.database import Database

STATES = ("training", "failed", "refused", "shadow", "promoted", "earlier")
"""`shadow`: passed the gates and judges beside the promoted version; `earlier`: was promoted before."""
_NEXT = {
    "training": ("failed", "refused", "shadow"),
    "shadow": ("promoted", "refused"),
    "promoted": ("earlier",),
    "earlier": ("promoted",),
    "failed": (),
    "refused": (),
}


class Versions:
    """Each step is one transaction; at most one version is promoted, and at most one in training or in shadow mode."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[dict[str, Any]]:
        """All versions, the latest first."""
        return self._database.models()

    def one(self, name: str) -> dict[str, Any]:
        """A version. Raises Refused if there is none."""
        found = next((version for version in self.all() if version["id"] == name), None)
        if found is None:
            raise Refused(404, "there is no such model")
        return found

    def promoted(self) -> dict[str, Any] | None:
        """The version that judges; None before the first."""
        return next((version for version in self.all() if version["state"] == "promoted"), None)

    def in_state(self, state: str) -> dict[str, Any] | None:
        """The latest version in a state."""
        return next((version for version in self.all() if version["state"] == state), None)

    def next_id(self, folder: Path) -> str:
        """The name of the next version, not used by any row or folder."""
        named = [version["id"] for version in self.all()] + [path.name for path in folder.glob("[0-9]*")]
        return f"{1 + max((int(name[:9]) for name in named if name[:9].isdigit()), default=0):04d}"

    def first(self, name: str, folder: Path, **facts: Any) -> dict[str, Any]:
        """Add a version that judges at once: the first one, or one that the user names when the service starts."""
        with self._database.together():
            self._step_down()
            self._put(name, "promoted", folder, time.time_ns() // 1000, {"previous": None, **facts})
        return self.one(name)

    def begin(self, name: str, folder: Path, reason: str, **facts: Any) -> dict[str, Any]:
        """Add a candidate in training. Raises Refused if another one is in progress."""
        with self._database.together():
            if self.in_state("training"):
                raise Refused(409, "a candidate is in training already; wait for it")
            shadow = self.in_state("shadow")
            if shadow is not None:
                self.move(
                    shadow["id"], "refused", refused=["a later candidate took its place"],
                    refused_ko=["더 나중에 학습한 후보가 그 자리를 대신했습니다"],
                )  # fmt: skip
            self._put(name, "training", folder, time.time_ns() // 1000, {"reason": reason, **facts})
        return self.one(name)

    def move(self, name: str, state: str, **facts: Any) -> dict[str, Any]:
        """Change the state, and add facts. Raises Refused for an invalid transition."""
        with self._database.together():
            version = self.one(name)
            if state not in _NEXT[version["state"]]:
                raise Refused(409, f"the model {name} is {version['state']}, which cannot become {state}")
            self._put(name, state, Path(version["folder"]), version["created_us"], {**_said(version), **facts})
        return self.one(name)

    def note(self, name: str, **facts: Any) -> None:
        """Add facts about a version, such as the counts of its shadow mode."""
        with self._database.together():
            version = self.one(name)
            self._put(
                name, version["state"], Path(version["folder"]), version["created_us"], {**_said(version), **facts}
            )

    def promote(self, name: str, by: str = "a person") -> dict[str, Any]:
        """Promote a version that has passed the gates; the previous one can be restored. Raises Refused."""
        with self._database.together():
            version, present = self.one(name), self.promoted()
            if "promoted" not in _NEXT[version["state"]]:
                why = "; ".join(version.get("refused", ())) or f"it is {version['state']}"
                raise Refused(409, f"the model {name} cannot be promoted: {why}")
            previous = None if present is None else present["id"]
            self._step_down()
            facts = {"previous": previous, "promoted_at_us": time.time_ns() // 1000, "promoted_by": by}
            return self.move(name, "promoted", **facts)

    def rollback(self) -> dict[str, Any]:
        """Promote the previous version again. Raises Refused if there is none."""
        with self._database.together():
            present = self.promoted()
            previous = None if present is None else present.get("previous")
            if present is None or previous is None:
                raise Refused(409, "there is no earlier model to go back to")
            before = self.one(previous).get("previous")
            self._step_down(rolled_back=True)
            facts = {"previous": before, "promoted_at_us": time.time_ns() // 1000, "promoted_by": "rollback"}
            return self.move(previous, "promoted", **facts)

    def interrupted(self) -> None:
        """Mark candidates whose training ended with the service as failed."""
        for version in self.all():
            if version["state"] == "training":
                self.move(
                    version["id"], "failed", refused=["the service ended while it was trained"],
                    refused_ko=["학습하는 동안 서비스가 끝났습니다"],
                )  # fmt: skip

    def _step_down(self, **facts: Any) -> None:
        present = self.promoted()
        if present is not None:
            self.move(present["id"], "earlier", **facts)

    def _put(self, name: str, state: str, folder: Path, created_us: int, document: Mapping[str, Any]) -> None:
        self._database.put_model(name, state, str(folder), created_us, json.loads(json.dumps(document)))


def _said(version: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in version.items() if name not in ("id", "state", "folder", "created_us")}

"""The release a service runs: a version and the defects that it carries, read at start and again on SIGHUP."""

import json

import settings


class Release:
    def __init__(self, service: str) -> None:
        self._path = settings.RELEASES / f"{service}.json"
        self.load()

    def load(self) -> None:
        content = json.loads(self._path.read_text())
        self.version: str = content["version"]
        self._defects = frozenset(content["defects"])

    def has(self, defect: str) -> bool:
        return defect in self._defects

"""A cache of results that depend only on a session's tokens."""

import hashlib
import threading
from collections.abc import Iterable

from isang.model.batches import Floats, Rows, Sessions

MOST_NUMBERS = 3_000_000
"""Maximum number of values cached per kind (24 MB); the least recently used are evicted."""
Name = bytes
"""A hash of a session's tokens."""
Owner = tuple[object, ...]
"""The objects that the answers come from, compared by identity."""


class Answered:
    """Answers of each kind from one owner, such as an encoder; a new owner starts with an empty cache."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Answers] = {}
        self._lock = threading.Lock()

    def names(self, sessions: Sessions) -> list[Name]:
        """The cache key of each session."""
        return [hashlib.blake2b(sessions[index].data, digest_size=16).digest() for index in range(len(sessions))]

    def known(self, kind: str, owner: Owner, names: list[Name]) -> dict[int, Floats]:
        """The cached answers of this kind, by the index of the session."""
        with self._lock:
            if kind not in self._kinds or not self._kinds[kind].are_from(owner):
                self._kinds[kind] = _Answers(owner)
            return self._kinds[kind].known(names)

    def keep(self, kind: str, owner: Owner, names: list[Name], rows: Rows, answers: Iterable[Floats]) -> None:
        """Cache the `answers` for the sessions `rows` among those with these `names`."""
        with self._lock:
            if kind in self._kinds and self._kinds[kind].are_from(owner):
                for row, answer in zip(rows.tolist(), answers, strict=True):
                    self._kinds[kind].keep(names[row], answer)


class _Answers:
    """The answers of one owner, the most recently used last."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._answers: dict[Name, Floats] = {}
        self._numbers = 0

    def are_from(self, owner: Owner) -> bool:
        return len(owner) == len(self._owner) and all(map(_same, owner, self._owner))

    def known(self, names: list[Name]) -> dict[int, Floats]:
        found = {place: self._answers[name] for place, name in enumerate(names) if name in self._answers}
        for place in found:
            self._answers[names[place]] = self._answers.pop(names[place])
        return found

    def keep(self, name: Name, answer: Floats) -> None:
        if name in self._answers or answer.size > MOST_NUMBERS:
            return
        self._answers[name] = answer.copy()
        self._numbers += answer.size
        while self._numbers > MOST_NUMBERS:
            self._numbers -= self._answers.pop(next(iter(self._answers))).size


def _same(one: object, other: object) -> bool:
    return one is other

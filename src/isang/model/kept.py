"""Results computed once and cached by their owner, safe for several threads."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Cached results by name. They live as long as their owner and are not shared with others."""

    def __init__(self) -> None:
        self._results: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def once(self, name: Hashable, work: Callable[[], T]) -> T:
        """The result of `work`, which runs for the first caller; other threads wait for it."""
        with self._lock:
            if name not in self._results:
                self._results[name] = work()
            result: T = self._results[name]
            return result

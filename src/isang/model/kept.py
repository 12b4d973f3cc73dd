"""What is worked out once and then kept by its owner, however many threads ask for it."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Results by name. They live as long as their owner does, and no other owner sees them."""

    def __init__(self) -> None:
        self._results: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def once(self, name: Hashable, work: Callable[[], T]) -> T:
        """The result of `work`, which is done for the first one who asks; others wait for it."""
        with self._lock:
            if name not in self._results:
                self._results[name] = work()
            result: T = self._results[name]
            return result

"""Work on several items at a time, results in the order of the items."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = min(4, os.cpu_count() or 1)
"""More would hold more chunks in memory at a time."""


def in_order(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`map` over threads, for functions that release the interpreter; few items are held at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """`items`, each of which is made in a thread of its own while the one before it is in use."""
    with ThreadPoolExecutor(1) as pool:
        rest = iter(items)
        coming = pool.submit(_next, rest)
        while item := coming.result():
            coming = pool.submit(_next, rest)
            yield item[0]


def _next(items: Iterator[Item]) -> list[Item]:
    """The next item; nothing in the end."""
    return [item] if (item := next(items, None)) is not None else []

"""One Ray for the tests that need it."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from isang.distributed.engine import started


@pytest.fixture(scope="session")
def ray_engine() -> Iterator[Any]:
    """A Ray with four workers on this machine."""
    pytest.importorskip("ray", reason="needs Ray: pip install 'isang[ray]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own, of resources that it leaves to the garbage collector
        with started("ray=4") as ray:
            yield ray

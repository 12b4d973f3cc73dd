"""Shared fixtures."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch is loaded: the models of tests are so small that a second thread only waits for the first, and one that
# waits by spinning takes its core from the other process of the tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

settings.register_profile("isang", deadline=None, max_examples=30)  # no test asserts on time: machines are shared
settings.register_profile("long", deadline=None, max_examples=1_000)  # pytest --hypothesis-profile=long
settings.load_profile("isang")

LONGEST = ("distributed", "training", "service", "test_commands.py", "detection")
"""Folders and files of the tests that take longest: they come first, so that both processes of `scripts/test` end about
together."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order by LONGEST; tests of one file stay together."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    tests = Path(__file__).parent
    items.sort(key=lambda item: ranks.get(item.path.relative_to(tests).parts[0], len(LONGEST)))


SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real logs and real training runs, which lie beside the project and are not part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real logs in ../shared/data, which are not part of the project")
    return SHARED_DATA

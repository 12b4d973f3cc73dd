"""Shared fixtures."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch is loaded: the models of tests are so small that a second thread only waits for the first, and one that
# waits by spinning takes its core from the other process of the tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

settings.register_profile("isang", deadline=None)  # no test asserts on time: machines are shared and noisy
settings.load_profile("isang")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real logs and real training runs, which lie beside the project and are not part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real logs in ../shared/data, which are not part of the project")
    return SHARED_DATA

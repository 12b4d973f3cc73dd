"""Shared fixtures."""

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("isang", deadline=None)  # no test asserts on time: machines are shared and noisy
settings.load_profile("isang")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real logs and real training runs, which lie beside the project and are not part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real logs in ../shared/data, which are not part of the project")
    return SHARED_DATA

"""Shared fixtures."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real logs and real training runs, which lie beside the project and are not part of it."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the real logs in ../shared/data, which are not part of the project")
    return SHARED_DATA

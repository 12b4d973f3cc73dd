"""What is refused before the service starts."""

from pathlib import Path

import pytest

from isang.errors import UsageError
from isang.service.lifecycle import check
from isang.service.settings import ServiceSettings


@pytest.mark.parametrize("url", ["http://", "https:///x", "http://[::1", "file:///etc/passwd", "//a", ""])
def test_an_address_without_a_host_is_none(tmp_path: Path, url: str) -> None:
    for name in ("webhook", "alertmanager"):
        with pytest.raises(UsageError, match=f"--{name} must be an address"):
            ServiceSettings(home=tmp_path, **{name: url})


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is no folder that may be written to"):
        check(ServiceSettings(home=tmp_path / "file" / "home", port=0))
    assert "can start" in check(ServiceSettings(home=tmp_path / "new" / "home", port=0))
    assert not (tmp_path / "new").exists(), "nothing is written"

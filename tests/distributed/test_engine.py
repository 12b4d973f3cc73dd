"""What `--engine` may ask for, and what is said where that cannot be had."""

from pathlib import Path

import pytest

from isang import stages
from isang.distributed import engine
from isang.errors import EngineError, UsageError


def test_what_engines_may_be_asked_for() -> None:
    assert engine.parsed("ray") == (None, None)
    assert engine.parsed("ray=3") == (3, None)
    assert engine.parsed("ray=10.0.0.5:6379") == (None, "10.0.0.5:6379")
    for wrong in ("spark", "ray=", "ray=0", "ray=5000", "rays=2"):
        with pytest.raises(UsageError, match="--engine"):
            engine.parsed(wrong)


def test_without_ray_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'isang\[ray\]'"):
        stages.prepare(["app.log"], tmp_path / "data", engine="ray")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere"])
def test_an_address_where_nobody_answers_is_named(address: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="needs Ray: pip install 'isang[ray]'")
    with pytest.raises(EngineError, match=f"ray={address}"):
        stages.prepare(["app.log"], tmp_path / "data", engine=f"ray={address}")

"""Threads are settled before anything that computes is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isang.threads import settle, usable_cores


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("150000 100000", 1), ("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None)],
)
def test_a_container_s_quota_limits_the_cores(tmp_path: Path, quota: str, cores: int | None) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    bound = len(os.sched_getaffinity(0))
    assert usable_cores(file) == (bound if cores is None else min(cores, bound))
    assert usable_cores(tmp_path / "absent") == bound


def test_what_the_user_has_set_stays() -> None:
    environment = {"OMP_WAIT_POLICY": "ACTIVE", "OMP_NUM_THREADS": "7"}
    settle(environment)
    assert environment["OMP_WAIT_POLICY"] == "ACTIVE"
    assert environment["OMP_NUM_THREADS"] == "7"
    assert "GOMP_SPINCOUNT" not in environment, "it would change how they wait"


def test_threads_sleep_while_they_wait_wherever_isang_is_imported() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    code = "import isang, os, sys; assert 'torch' not in sys.modules; print(os.environ['OMP_WAIT_POLICY'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "PASSIVE\n"

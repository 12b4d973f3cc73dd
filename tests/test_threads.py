"""Threads are settled before anything that computes is loaded."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from isang.threads import ahead, settle, usable_cores


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


def test_work_done_ahead_gives_its_result_or_raises_its_error() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        assert go_on.wait(10)
        return 7

    result = ahead(work)
    assert begun.wait(10), "it goes on while nobody waits for it"
    go_on.set()
    assert result() == 7

    with pytest.raises(ZeroDivisionError):
        ahead(lambda: 1 // 0)()


def test_a_module_is_loaded_beside_long_work_and_not_beside_short_work() -> None:
    code = (
        "import sys, time\n"
        "from isang.threads import loading\n"
        "with loading('wave', 60): pass\n"
        "with loading('colorsys', 0.0): time.sleep(0.5)\n"
        "print('wave' in sys.modules, 'colorsys' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50)
    assert done.stdout == "False True\n"  # within the timeout: the end does not wait for what nobody needed

"""How many threads to compute with, and how they wait for each other: settled before torch or polars are loaded."""

import os
from collections.abc import MutableMapping
from pathlib import Path

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where Linux (cgroup v2) says how much processor time a container may use: quota and period in microseconds."""


def usable_cores(quota_file: Path = CPU_QUOTA) -> int:
    """The cores that this process may use: those it is bound to, no more than its container's quota allows."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text(encoding="ascii").split()
        allowed = max(1, int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no cgroup v2, or "max": no quota
        return bound
    return min(bound, allowed)


def settle(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set what the user has not set.

    OpenMP's threads sleep while they wait, after a moment in which most waits end (`GOMP_SPINCOUNT`, of the GNU
    library that torch uses). By default they spin, and one busy neighbour on a shared core then holds up every barrier:
    a training on two cores beside two busy processes made 33 steps in 38 s spinning, 601 sleeping.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
        environment.setdefault("GOMP_SPINCOUNT", "2000")
    cores = usable_cores()
    if cores < (os.cpu_count() or 1):
        environment.setdefault("OMP_NUM_THREADS", str(cores))
        environment.setdefault("POLARS_MAX_THREADS", str(cores))

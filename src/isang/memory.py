"""A process that judges for months holds little more memory than its data take.

Judging takes and frees pieces of all sizes, between which free memory stays that is never used whole again.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

LARGE_BYTES = 4 << 20
"""Pieces from this size on are taken from the system, and go back to it as soon as they are freed."""
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""Parameters of glibc's mallopt, see malloc.h."""


def hold_little() -> None:
    """For the whole process, from now on; what the user set in the environment stays as it is."""
    library = _c_library()
    if hasattr(library, "mallopt"):
        if "MALLOC_ARENA_MAX" not in os.environ:
            library.mallopt(_ARENA_MAX, 1)
        if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
            library.mallopt(_MMAP_THRESHOLD, LARGE_BYTES)


def give_back() -> None:
    """Return free memory to the system, where its C library can."""
    library = _c_library()
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def resident_bytes() -> int:
    """What the process holds in memory; 0 where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _c_library() -> Any:
    """None where there may be no such functions."""
    return ctypes.CDLL(None) if sys.platform.startswith("linux") else None

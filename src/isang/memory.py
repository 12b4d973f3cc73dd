"""Keeps the memory of a long-running process close to the size of its data.

Judging allocates and frees blocks of all sizes, which fragments the heap.
"""

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

LARGE_BYTES = 4 << 20
"""Blocks of at least this size are allocated with mmap, and returned to the system as soon as they are freed."""
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
"""Parameters of glibc's mallopt, see malloc.h."""


def hold_little() -> None:
    """Configure malloc for the whole process, from now on; settings in the environment take precedence."""
    library = _c_library()
    if hasattr(library, "mallopt"):
        if "MALLOC_ARENA_MAX" not in os.environ:
            library.mallopt(_ARENA_MAX, 1)
        if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
            library.mallopt(_MMAP_THRESHOLD, LARGE_BYTES)


def give_back() -> None:
    """Return free memory to the system, if its C library supports it."""
    library = _c_library()
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def resident_bytes() -> int:
    """Resident memory of the process; 0 if the system does not report it."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _c_library() -> Any:
    """The C library; None where these functions may be missing."""
    return ctypes.CDLL(None) if sys.platform.startswith("linux") else None

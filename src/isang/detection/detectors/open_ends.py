"""Sessions that may continue: they have MASK in place of END, so that no detector sees an end.

The model knows such sessions from training, where it had to predict the continuation of sessions cut anywhere.
"""

import numpy as np
from numpy.typing import NDArray

from isang.model.batches import Sessions
from isang.model.vocabulary import END, MASK


def leave_open(sessions: Sessions, unfinished_S: NDArray[np.bool_]) -> Sessions:
    """The sessions, with an open end for those that are `unfinished_S`, shape S."""
    if not unfinished_S.any():
        return sessions
    flat = sessions.flat.copy()
    ends_S = sessions.offsets[1:] - 1
    flat[ends_S[unfinished_S]] = MASK
    return Sessions(flat, sessions.offsets)


def closed(sessions: Sessions) -> Sessions:
    """The sessions as if all of them had ended."""
    return Sessions(np.where(sessions.flat == MASK, np.int32(END), sessions.flat), sessions.offsets)


def are_open(sessions: Sessions) -> NDArray[np.bool_]:
    """Which sessions have an open end, shape S."""
    open_S: NDArray[np.bool_] = sessions.flat[sessions.offsets[1:] - 1] != END
    return open_S

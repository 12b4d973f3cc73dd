"""What a model is trained on, as the loop sees it."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from isang.model.batches import Rows, Sessions, cut
from isang.model.vocabulary import Vocabulary
from isang.training.journal.suspicious_normal import NormalSessions

DIGEST_SESSIONS = 10_000
"""So many sessions, evenly spaced, vouch for the identity of a source."""
MAX_VALIDATION_SESSIONS = 20_000
"""Validation looks at no more than so many of the held-out sessions, evenly spaced: its error is small enough then."""


class TokenSource(Protocol):
    """Sessions in memory or on disk; the loop sees no more of them than this."""

    def __len__(self) -> int: ...

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens per session."""

    def take(self, rows: Rows) -> Sessions:
        """The sessions `rows`, in that order."""


@dataclass(frozen=True)
class Data:
    """Sessions to learn from and sessions to judge by; none is longer than the model's positions."""

    training: TokenSource
    validation: TokenSource
    vocabulary_size: int
    templates: tuple[str, ...] = ()
    """The text of each token, for people; empty where nobody needs it."""
    normal: NormalSessions | None = None
    """What is known of these sessions before anything is learned from them; None: nobody looked."""

    @cached_property
    def validated(self) -> TokenSource:
        """The held-out sessions that validation looks at."""
        count = len(self.validation)
        if count <= MAX_VALIDATION_SESSIONS:
            return self.validation
        return self.validation.take(np.linspace(0, count - 1, MAX_VALIDATION_SESSIONS).astype(np.int64))

    def digest(self) -> str:
        """A name for this data: other data has another one."""
        digest = hashlib.sha256(str(self.vocabulary_size).encode())
        for source in (self.training, self.validation):
            digest.update(np.ascontiguousarray(source.lengths).tobytes())
            some = np.unique(np.linspace(0, len(source) - 1, DIGEST_SESSIONS).astype(np.int64))
            digest.update(source.take(some).flat.tobytes())
        return digest.hexdigest()


def to_data(
    training: Sessions,
    validation: Sessions,
    vocabulary: Vocabulary,
    positions: int,
    normal: NormalSessions | None = None,
) -> Data:
    """Sessions in the tokens of `vocabulary` as the loop takes them, longer ones in pieces of `positions` tokens."""
    names = tuple(vocabulary.name(token) for token in range(vocabulary.size))
    return Data(cut(training, positions)[0], cut(validation, positions)[0], vocabulary.size, names, normal)

"""Training data as the training loop sees it."""

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
"""Number of evenly spaced sessions that are hashed to identify a source."""
MAX_VALIDATION_SESSIONS = 20_000
"""Maximum number of held-out sessions used for validation, evenly spaced; enough to make its error small."""


class TokenSource(Protocol):
    """Sessions in memory or on disk: all that the loop needs of them."""

    def __len__(self) -> int: ...

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens per session."""

    def take(self, rows: Rows) -> Sessions:
        """The sessions `rows`, in that order."""


@dataclass(frozen=True)
class Data:
    """Training and validation sessions; none is longer than the model's number of positions."""

    training: TokenSource
    validation: TokenSource
    vocabulary_size: int
    templates: tuple[str, ...] = ()
    """The text of each token, for display; empty if not needed."""
    normal: NormalSessions | None = None
    """Facts about these sessions, collected before training; None if they were not collected."""

    @cached_property
    def validated(self) -> TokenSource:
        """The held-out sessions used for validation."""
        count = len(self.validation)
        if count <= MAX_VALIDATION_SESSIONS:
            return self.validation
        return self.validation.take(np.linspace(0, count - 1, MAX_VALIDATION_SESSIONS).astype(np.int64))

    def digest(self) -> str:
        """A hash that identifies this data."""
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
    """Sessions in tokens of `vocabulary` for the loop; longer ones are cut into pieces of `positions` tokens."""
    names = tuple(vocabulary.name(token) for token in range(vocabulary.size))
    return Data(cut(training, positions)[0], cut(validation, positions)[0], vocabulary.size, names, normal)

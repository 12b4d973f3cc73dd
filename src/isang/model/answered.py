"""What an encoder has answered about sessions, so that nobody asks it twice."""

import hashlib
import threading

import numpy as np

from isang.model.batches import Floats, Rows, Sessions

MOST_TOKENS = 1_000_000
"""Answers about so many tokens are kept, those asked about first; with three answers they take 24 MB."""
Name = bytes
"""A hash of a session's tokens."""


class Answered:
    """The answers of one encoder, each of shape (answers, tokens of the session)."""

    def __init__(self) -> None:
        self._encoder: object = None
        self._answers: dict[Name, Floats] = {}
        self._room = MOST_TOKENS
        self._lock = threading.Lock()

    def names(self, sessions: Sessions) -> list[Name]:
        """What each of the sessions is kept under."""
        return [hashlib.blake2b(sessions[index].data, digest_size=16).digest() for index in range(len(sessions))]

    def known(self, encoder: object, names: list[Name]) -> dict[int, Floats]:
        """Which of these sessions the `encoder` was asked about, by their place, and its answers."""
        with self._lock:
            if encoder is not self._encoder:
                self._encoder, self._answers, self._room = encoder, {}, MOST_TOKENS
            answers = self._answers
        return {place: answers[name] for place, name in enumerate(names) if name in answers}

    def keep(self, encoder: object, names: list[Name], rows: Rows, answers: list[Floats]) -> None:
        """Keep `answers`, each of shape (G, L), about the G sessions `rows` of those with these `names`."""
        with self._lock:
            if encoder is not self._encoder:
                return
            of_each = np.stack(answers, axis=1)
            for row, answer in zip(rows.tolist(), of_each, strict=True):
                if self._room >= answer.shape[1] and names[row] not in self._answers:
                    self._answers[names[row]] = answer.copy()
                    self._room -= answer.shape[1]

"""Attention within concatenated sessions, in as few kernel calls as possible.

A kernel call costs more than a short session's arithmetic. So short sessions of any length share rows of ROW tokens, in
which a token sees only those of its own session. Adjacent longer sessions of equal length share one call. Up to
rounding, no result depends on the neighbouring sessions.
Shapes: B sessions, T tokens in all, D width; S places in C rows of R tokens; G sessions of one length L, H heads.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

ROW = 32
"""Tokens in a row of short sessions. Longer rows would compute more that the mask then hides."""

Group = tuple[int, int, int]
"""The index of its first token, the number G of consecutive sessions, their length L."""


class Attention(NamedTuple):
    """Which tokens attend to one another."""

    taken_S: Tensor
    """The token at each place of the rows; unused places hold an arbitrary token."""
    mask_C1RR: Tensor
    """0 where two tokens of a row see each other, else -inf."""
    groups: list[Group]
    """The longer sessions."""
    place_T: Tensor
    """The place of each token in the rows followed by the groups."""

    def mix(self, query_key_value_TF: Tensor, heads: int) -> Tensor:
        """The attention output of each token, shape (T, D), from the concatenated projections, shape (T, 3 D)."""
        parts = []
        if len(self.taken_S):
            rows = query_key_value_TF.index_select(0, self.taken_S)
            parts.append(_mixed(rows, len(self.mask_C1RR), heads, self.mask_C1RR))
        for start, sessions, length in self.groups:
            parts.append(_mixed(query_key_value_TF[start : start + sessions * length], sessions, heads, None))
        together = parts[0] if len(parts) == 1 else torch.cat(parts)
        return together.index_select(0, self.place_T) if len(self.taken_S) else together


def attention_within(lengths_B: NDArray[np.int64], device: torch.device) -> Attention:
    """The attention pattern for sessions of these lengths."""
    short_B, starts_B = lengths_B <= ROW, np.cumsum(lengths_B) - lengths_B
    groups = list(_groups(lengths_B, short_B, starts_B))
    rows, place_B = _rows(lengths_B, short_B)
    of_T = np.repeat(np.arange(len(lengths_B)), lengths_B)
    inside_T = np.arange(len(of_T)) - starts_B[of_T]
    behind = rows * ROW
    for start, sessions, length in groups:
        first = int(np.searchsorted(starts_B, start))
        place_B[first : first + sessions] = behind + length * np.arange(sessions)
        behind += sessions * length
    place_T, short_T = place_B[of_T] + inside_T, short_B[of_T]
    taken_S, session_S = np.zeros(rows * ROW, dtype=np.int64), np.full(rows * ROW, -1)
    taken_S[place_T[short_T]], session_S[place_T[short_T]] = np.flatnonzero(short_T), of_T[short_T]
    session_CR = session_S.reshape(rows, ROW)
    apart_C1RR = session_CR[:, None, :, None] != session_CR[:, None, None, :]
    mask_C1RR = torch.zeros(apart_C1RR.shape).masked_fill_(torch.from_numpy(apart_C1RR), -torch.inf)
    taken_S_, place_T_ = torch.from_numpy(taken_S), torch.from_numpy(place_T)
    return Attention(taken_S_.to(device), mask_C1RR.to(device), groups, place_T_.to(device))


def _groups(lengths_B: NDArray[np.int64], short_B: NDArray[np.bool_], starts_B: NDArray[np.int64]) -> Iterator[Group]:
    """The longer sessions; adjacent ones of equal length form a group."""
    first = 0
    for length, same in groupby(lengths_B.tolist()):
        sessions = len(list(same))
        if not short_B[first]:
            yield int(starts_B[first]), sessions, length
        first += sessions


def _rows(lengths_B: NDArray[np.int64], short_B: NDArray[np.bool_]) -> tuple[int, NDArray[np.int64]]:
    """The number of rows for the short sessions, and where each begins; one that does not fit starts the next row."""
    place_B = np.zeros(len(lengths_B), dtype=np.int64)
    row, used = 0, 0
    for number in np.flatnonzero(short_B).tolist():
        length = int(lengths_B[number])
        if used + length > ROW:
            row, used = row + 1, 0
        place_B[number] = row * ROW + used
        used += length
    return row + (used > 0), place_B


def _mixed(query_key_value: Tensor, sessions: int, heads: int, mask: Tensor | None) -> Tensor:
    """Attention within `sessions` of equal length, shape (G L, D)."""
    parts = query_key_value.view(sessions, -1, 3, heads, query_key_value.shape[1] // (3 * heads))
    queries_GHLK, keys_GHLK, values_GHLK = parts.permute(2, 0, 3, 1, 4).unbind(0)
    mask = None if mask is None else mask.to(queries_GHLK.dtype)
    mixed_GHLK = functional.scaled_dot_product_attention(queries_GHLK, keys_GHLK, values_GHLK, attn_mask=mask)
    return mixed_GHLK.transpose(1, 2).flatten(2).flatten(0, 1)

"""Attention in rows is attention session by session, in no more calls than the lengths of long sessions make."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from isang.model import attention
from isang.model.attention import ROW, attention_within

WIDTH, HEADS = 16, 2


def reference(projected: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    parts = []
    for session in projected.split(lengths):
        queries, keys, values = session.view(len(session), 3, HEADS, -1).permute(1, 2, 0, 3)
        weights = (queries @ keys.transpose(1, 2) / (WIDTH // HEADS) ** 0.5).softmax(dim=-1)
        parts.append((weights @ values).transpose(0, 1).flatten(1))
    return torch.cat(parts)


@pytest.mark.parametrize(
    "lengths",
    [[2], [ROW], [ROW + 1], [3, 3, 4, 9, 40, 40, 41], [41, 2, 40, 40, 7, ROW, 1], [5] * 50, [ROW, ROW - 1, 1, 100]],
)
def test_rows_hold_what_each_session_alone_gives(lengths: list[int]) -> None:
    generator = torch.Generator().manual_seed(0)
    projected = torch.randn(sum(lengths), 3 * WIDTH, generator=generator).requires_grad_()
    mixed = attention_within(np.array(lengths), projected.device).mix(projected, HEADS)
    expected = reference(projected, lengths)
    torch.testing.assert_close(mixed, expected, rtol=1e-5, atol=1e-6)
    upstream = torch.randn(mixed.shape, generator=generator)
    (found,), (wanted,) = (torch.autograd.grad(each, projected, upstream) for each in (mixed, expected))
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sessions", [100, 200, 400])
def test_calls_do_not_grow_with_the_sessions(sessions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of lengths up to ROW all are one call, and what is worked out grows as the tokens do."""
    calls: list[tuple[int, ...]] = []
    kernel = functional.scaled_dot_product_attention

    def counted(queries: torch.Tensor, *others: torch.Tensor, **options: torch.Tensor) -> torch.Tensor:
        calls.append(tuple(queries.shape))
        return kernel(queries, *others, **options)

    monkeypatch.setattr(attention.functional, "scaled_dot_product_attention", counted)
    lengths = np.sort(np.arange(sessions) % 20 + 2)
    attention_within(lengths, torch.device("cpu")).mix(torch.zeros(int(lengths.sum()), 3 * WIDTH), HEADS)
    ((rows, _, row, _),) = calls
    assert row == ROW
    assert rows * ROW < 1.5 * lengths.sum()

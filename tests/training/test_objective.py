"""The loss of a session is its own."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isang.config import ModelConfig
from isang.model.batches import from_sequences
from isang.model.encoder import Encoder
from isang.model.masking import hide
from isang.model.vocabulary import BEGIN, END, MARKS
from isang.training.objective import Validation, hidden_losses, part_of

V = 30


@pytest.fixture(scope="module")
def model() -> Encoder:
    torch.manual_seed(0)
    return Encoder(ModelConfig(layers=2, width=32, heads=2, positions=64), V).eval()


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(0, 2**31))
def test_what_stands_beside_a_session_never_changes_its_loss(model: Encoder, sizes: list[int], seed: int) -> None:
    generator = np.random.default_rng(seed)
    events = [generator.integers(len(MARKS), V, size) for size in sizes]
    batch = from_sequences([np.array([BEGIN, *tokens, END], dtype=np.int32) for tokens in events])
    hidden = hide(batch, 0.15, V, generator)
    with torch.inference_mode():
        together = hidden_losses(model, hidden)
        alone = [hidden_losses(model, part_of(hidden, np.array([row]))) for row in range(len(batch))]
    torch.testing.assert_close(torch.cat(alone), together, rtol=0, atol=5e-6)


def test_the_change_between_two_validations_is_as_uncertain_as_its_differences_by_session() -> None:
    """By hand: differences 1, 0, 2 over six hidden events; their spread √(2/3), times √3, over 6."""
    events_S = np.array([1.0, 2.0, 3.0])
    earlier, later = Validation(np.array([1.0, 2.0, 3.0]), events_S), Validation(np.array([2.0, 2.0, 5.0]), events_S)
    assert later.loss - earlier.loss == pytest.approx(0.5)
    assert later.change_error(earlier) == pytest.approx(2**0.5 / 6)
    assert later.change_error(later) == 0

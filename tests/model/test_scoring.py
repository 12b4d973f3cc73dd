"""The encoder as it scores gives the numbers of the encoder as it was trained."""

import numpy as np
import pytest
import torch

from isang.config import ModelConfig
from isang.model.batches import from_sequences
from isang.model.encoder import Encoder
from isang.model.scoring import SHORT, EncoderBlock, ScoringEncoder

V = 20


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_logits_are_those_of_the_trained_encoder(layers: int) -> None:
    """Sessions of several lengths, one of them longer than the model's positions, and asked at other places each."""
    torch.manual_seed(0)
    encoder = Encoder(ModelConfig(layers=layers, width=64, heads=2, positions=SHORT + 30), V).eval()
    before = {name: values.clone() for name, values in encoder.state_dict().items()}
    generator = np.random.default_rng(0)
    shapes = {
        (1, 2): slice(1, None),
        (3, 17): slice(2, None, 3),
        (2, SHORT + 40): slice(0, None, 4),
        (2, 9): slice(0, 9),
    }
    blocks = [EncoderBlock(generator.integers(1, V, shape).astype(np.int32), asked) for shape, asked in shapes.items()]
    batch = from_sequences([tokens for block in blocks for tokens in block.tokens_GL])
    with torch.inference_mode():
        states_TD = encoder(torch.from_numpy(batch.flat), batch.lengths).split(batch.lengths.tolist())
        asked = [block.asked for block in blocks for _ in block.tokens_GL]
        expected_NV = encoder.logits(
            torch.cat([states[places] for states, places in zip(states_TD, asked, strict=True)])
        )
        torch.testing.assert_close(ScoringEncoder(encoder).logits(blocks), expected_NV, rtol=0, atol=1e-5)
    after = encoder.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], values) for name, values in before.items()), "the model itself stays"

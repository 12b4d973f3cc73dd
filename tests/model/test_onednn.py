"""The encoder as it scores gives the numbers of the encoder as it was trained."""

import numpy as np
import torch

from isang.config import ModelConfig
from isang.model.batches import from_sequences
from isang.model.encoder import Encoder
from isang.model.onednn import for_scoring

V = 20


def test_states_are_those_of_the_trained_encoder() -> None:
    torch.manual_seed(0)
    encoder = Encoder(ModelConfig(layers=2, width=64, heads=2, positions=64), V).eval()
    before = {name: values.clone() for name, values in encoder.state_dict().items()}
    generator = np.random.default_rng(0)
    batch = from_sequences([generator.integers(5, V, size).astype(np.int32) for size in (2, 3, 3, 17, 60)])
    asked_N = torch.tensor([0, 4, 40])
    with torch.inference_mode():
        arguments = torch.from_numpy(batch.flat), batch.lengths, asked_N
        torch.testing.assert_close(for_scoring(encoder)(*arguments), encoder(*arguments), rtol=0, atol=1e-5)
    after = encoder.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], values) for name, values in before.items()), "the model itself stays"

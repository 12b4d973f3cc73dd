"""Laws of the encoder."""

import numpy as np
import torch

from isang.config import ModelConfig
from isang.model.encoder import Encoder
from isang.model.vocabulary import BEGIN, END, PAD

TINY = ModelConfig(layers=2, width=32, heads=2, positions=32)
V = 20


def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(TINY, V).eval()


def test_padding_never_changes_a_hidden_state() -> None:
    model = encoder()
    tokens = torch.tensor([[BEGIN, 7, 9, 11, END]])
    with torch.inference_mode():
        alone = model(tokens)
        padded = model(torch.nn.functional.pad(tokens, (0, 9), value=PAD))[:, :5]
    torch.testing.assert_close(alone, padded, rtol=0, atol=2e-6)


def test_sessions_of_a_batch_do_not_see_each_other() -> None:
    model = encoder()
    one, other = torch.tensor([[BEGIN, 7, 9, END]]), torch.tensor([[BEGIN, 8, 8, END]])
    with torch.inference_mode():
        together = model(torch.cat([one, other]))
        torch.testing.assert_close(together[:1], model(one), rtol=0, atol=2e-6)


def test_order_matters() -> None:
    model = encoder()
    with torch.inference_mode():
        forward = model(torch.tensor([[BEGIN, 7, 9, END]]))
        backward = model(torch.tensor([[BEGIN, 9, 7, END]]))
    assert not np.allclose(forward[0, 0], backward[0, 0], atol=1e-4)


def test_shapes_and_an_untrained_model_knows_nothing() -> None:
    """At the start the loss is about ln V, as it must be for a guess among V tokens."""
    model = encoder()
    with torch.inference_mode():
        hidden_BLD = model(torch.tensor([[BEGIN, 7, 9, END]]))
        logits_NV = model.logits(hidden_BLD[0])
    assert hidden_BLD.shape == (1, 4, 32)
    assert logits_NV.shape == (4, V)
    loss = torch.nn.functional.cross_entropy(logits_NV, torch.tensor([10, 11, 12, 13]))
    assert abs(float(loss) - np.log(V)) < 0.2

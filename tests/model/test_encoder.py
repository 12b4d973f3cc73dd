"""Laws of the encoder."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from isang.config import ModelConfig
from isang.model.batches import from_sequences
from isang.model.encoder import Dropout, Encoder, weight_shapes
from isang.model.vocabulary import BEGIN, END

TINY = ModelConfig(layers=2, width=32, heads=2, positions=32)
V = 20


def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(TINY, V).eval()


def hidden_states(model: Encoder, *sequences: list[int]) -> list[torch.Tensor]:
    """The hidden states of each sequence, all seen in one batch."""
    batch = from_sequences([np.array(sequence, dtype=np.int32) for sequence in sequences])
    with torch.inference_mode():
        states_TD = model(torch.from_numpy(batch.flat), batch.lengths)
    return list(states_TD.split(batch.lengths.tolist()))


def test_sessions_of_a_batch_do_not_see_each_other() -> None:
    """Whatever stands beside a session, of its length or not, its hidden states stay."""
    model = encoder()
    session = [BEGIN, 7, 9, 11, END]
    (alone,) = hidden_states(model, session)
    for company in ([BEGIN, 8, 8, 8, END], [BEGIN, 8, END], [BEGIN, *[8] * 20, END]):
        first, _, last = hidden_states(model, session, company, session)
        torch.testing.assert_close(first, alone, rtol=0, atol=2e-6)
        torch.testing.assert_close(last, alone, rtol=0, atol=2e-6)


def test_every_token_sees_the_whole_session() -> None:
    model = encoder()
    (one,) = hidden_states(model, [BEGIN, 7, 9, 11, END])
    (other,) = hidden_states(model, [BEGIN, 7, 9, 12, END])
    assert ((one - other).abs().amax(dim=1) > 1e-5).all()


def test_order_matters() -> None:
    model = encoder()
    (forward,) = hidden_states(model, [BEGIN, 7, 9, END])
    (backward,) = hidden_states(model, [BEGIN, 9, 7, END])
    assert not np.allclose(forward[0], backward[0], atol=1e-4)


def test_shapes_and_an_untrained_model_knows_nothing() -> None:
    """At the start the loss is about ln V, as it must be for a guess among V tokens."""
    model = encoder()
    (hidden_TD,) = hidden_states(model, [BEGIN, 7, 9, END])
    with torch.inference_mode():
        logits_NV = model.logits(hidden_TD)
    assert hidden_TD.shape == (4, 32)
    assert logits_NV.shape == (4, V)
    loss = torch.nn.functional.cross_entropy(logits_NV, torch.tensor([10, 11, 12, 13]))
    assert abs(float(loss) - np.log(V)) < 0.2


def test_positions_not_asked_for_change_nothing() -> None:
    """Neither the answers at the others nor the gradients of any weight."""
    model = encoder()
    batch = from_sequences([np.array([BEGIN, *range(5, 5 + size), END], dtype=np.int32) for size in (3, 3, 9)])
    tokens_T, asked_N = torch.from_numpy(batch.flat), torch.tensor([1, 7, 8, 15])

    def gradients(states_ND: torch.Tensor) -> list[torch.Tensor]:
        model.zero_grad()
        model.logits(states_ND).square().sum().backward()  # type: ignore[no-untyped-call]
        return [weights.grad.clone() for weights in model.parameters() if weights.grad is not None]

    some, all_states = model(tokens_T, batch.lengths, asked_N), model(tokens_T, batch.lengths)
    torch.testing.assert_close(some, all_states[asked_N], rtol=0, atol=2e-6)
    for one, other in zip(gradients(some), gradients(all_states[asked_N]), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_dropout_drops_its_share_keeps_the_mean_and_rests_when_scoring() -> None:
    torch.manual_seed(0)
    dropout, ones = Dropout(0.1), torch.ones(400, 500)
    dropped = dropout(ones)
    assert abs(float((dropped == 0).float().mean()) - 0.1) < 0.005
    assert abs(float(dropped.mean()) - 1) < 0.005
    assert torch.equal(dropout.eval()(ones), ones)


def test_batches_of_ever_other_sizes_gather_no_memory() -> None:
    """In a process of its own: oneDNN reads how many kernels it may keep only once."""
    program = """
import resource, numpy as np, torch
from isang.config import ModelConfig
from isang.model.encoder import Encoder
torch.set_num_threads(1)
model = Encoder(ModelConfig(layers=1, width=64, heads=2), 20)
def peak_after(sizes):
    for sessions in sizes:
        lengths = np.full(sessions, 3)
        model(torch.zeros(3 * sessions, dtype=torch.long), lengths).sum().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
first = peak_after([1100, 1099, 1098])
print(peak_after(range(900, 1097)) - first)
"""
    grown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert int(grown) < 64, "MB"


@pytest.mark.parametrize("layers", [1, 3])
def test_the_shapes_of_weights_are_known_without_making_them(layers: int) -> None:
    config = ModelConfig(width=24, heads=2, layers=layers, expansion=3, positions=17)
    made = {name: tuple(weights.shape) for name, weights in Encoder(config, 11).state_dict().items()}
    assert weight_shapes(config, 11) == made

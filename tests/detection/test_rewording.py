"""The made-up new release of the benchmark: what it rewords, and that it rewords nothing else."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.synthetic import STEPS, shop_dataset

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rewording() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rewording", ROOT / "benchmarks" / "rewording.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


WORDS = ["Received", "block", "<*>", "PacketResponder", "size", "of", "terminating"]
words = st.lists(st.sampled_from(WORDS), min_size=2, max_size=8).filter(lambda chosen: set(chosen) != {"<*>"})


@given(words=words, seed=st.integers(0, 1_000))
def test_a_reworded_template_is_new_and_keeps_its_slots(rewording: ModuleType, words: list[str], seed: int) -> None:
    template = " ".join(words)
    reworded = rewording.reword(template, np.random.default_rng(seed), {template})
    assert reworded != template
    assert reworded.split().count("<*>") == words.count("<*>")
    assert rewording.reword(template, np.random.default_rng(seed), {template}) == reworded


def test_only_later_sessions_and_a_share_of_the_templates_are_reworded(rewording: ModuleType) -> None:
    dataset = shop_dataset(100)
    changed = rewording.reword_dataset(dataset, np.arange(60, 100), list(range(len(STEPS))), 0.25, seed=1)
    before, after = dataset.sessions["events"].to_list(), changed.sessions["events"].to_list()
    assert after[:60] == before[:60]
    new = changed.templates[len(dataset.templates) :]
    assert len(new) == 3, "a quarter of twelve"
    assert changed.templates["template"].is_unique().all()
    pairs = {
        (one, other) for old, later in zip(before, after, strict=True) for one, other in zip(old, later, strict=True)
    }
    renamed = {one: other for one, other in pairs if one != other}
    assert set(renamed.values()) == set(new["event"])
    assert all((one, one) not in {(a, b) for old, later in zip(before[60:], after[60:], strict=True)
                                  for a, b in zip(old, later, strict=True)} for one in renamed)  # fmt: skip
    assert changed.sessions.drop("events").equals(dataset.sessions.drop("events"))

"""The exported encoder gives the numbers of the trained one, and nothing but an export of the same model is read."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from isang.config import ModelConfig
from isang.errors import InputError, UsageError
from isang.model.batches import from_sequences
from isang.model.encoder import Encoder
from isang.model.onnx import export
from isang.model.onnx.export import facts_of, read_onnx, require_onnx, to_onnx, write_onnx
from isang.model.onnx.scoring import OnnxEncoder
from isang.model.scoring import EncoderBlock
from isang.model.vocabulary import MARKS, Vocabulary

HERE = importlib.util.find_spec("onnx") is not None and importlib.util.find_spec("onnxruntime") is not None
needs_onnx = pytest.mark.skipif(not HERE, reason="needs the extra isang[onnx]")
VOCABULARY = Vocabulary(tuple(f"event {number} <*>" for number in range(14)), ("INFO",) * 14)
POSITIONS = 40


def made(layers: int = 2, seed: int = 0, heads: int = 2) -> Encoder:
    """An encoder whose biases and scales are no zeros and ones, as those of a new one are."""
    torch.manual_seed(seed)
    encoder = Encoder(ModelConfig(layers=layers, width=32, heads=heads, positions=POSITIONS), VOCABULARY.size).eval()
    with torch.no_grad():
        for values in encoder.parameters():
            values += 0.1 * torch.randn_like(values)
    return encoder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_onnx(made(), VOCABULARY, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


@needs_onnx
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_logits_are_those_of_the_trained_encoder(layers: int) -> None:
    """Sessions of several lengths, one of them longer than the model's positions, and asked at other places each."""
    encoder = made(layers)
    generator = np.random.default_rng(0)
    shapes = {(1, 2): slice(1, None), (3, 17): slice(2, None, 3), (2, POSITIONS + 9): slice(0, None, 4)}
    blocks = [
        EncoderBlock(generator.integers(1, VOCABULARY.size, shape).astype(np.int32), asked)
        for shape, asked in shapes.items()
    ]
    batch = from_sequences([tokens for block in blocks for tokens in block.tokens_GL])
    with torch.inference_mode():
        states_TD = encoder(torch.from_numpy(batch.flat), batch.lengths).split(batch.lengths.tolist())
        asked = [block.asked for block in blocks for _ in block.tokens_GL]
        expected_NV = encoder.logits(
            torch.cat([states[places] for states, places in zip(states_TD, asked, strict=True)])
        )
    exported = OnnxEncoder(to_onnx(encoder, VOCABULARY))
    torch.testing.assert_close(exported.logits(blocks), expected_NV, rtol=1e-5, atol=1e-5)


@needs_onnx
def test_the_file_is_valid_and_holds_standard_operators_alone(file: Path) -> None:
    import onnx

    model = onnx.load_model_from_string(file.read_bytes())
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert [value.name for value in model.graph.input] == ["tokens", "asked"]
    assert [value.name for value in model.graph.output] == ["logits"]
    assert {entry.key: entry.value for entry in model.metadata_props} == facts_of(made(), VOCABULARY)


@needs_onnx
def test_the_same_model_makes_the_same_bytes_and_is_read_back(file: Path) -> None:
    assert read_onnx(file, made(), VOCABULARY) == file.read_bytes() == to_onnx(made(), VOCABULARY)


@needs_onnx
@pytest.mark.parametrize(
    ("encoder", "vocabulary", "says"),
    [
        (made(seed=1), VOCABULARY, "another model: it has other weights"),
        (made(heads=4), VOCABULARY, "another model: it has other weights"),
        (made(), Vocabulary(VOCABULARY.templates[::-1], VOCABULARY.levels), "another model: it knows other templates"),
        (made(layers=1), VOCABULARY, "larger than any export of this model"),
    ],
)
def test_an_export_of_another_model_is_refused(
    file: Path, encoder: Encoder, vocabulary: Vocabulary, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROOM_BYTES", 0)
    monkeypatch.setattr(export, "LAYER_BYTES", 11_000)
    with pytest.raises(InputError, match=f"model.onnx .*{says}.*isang export"):
        read_onnx(file, encoder, vocabulary)


@needs_onnx
def test_a_file_of_another_version_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isang.__version__", "99.0")
    with pytest.raises(InputError, match=r"written by isang '[\d.]+', and this is isang 99.0"):
        read_onnx(file, made(), VOCABULARY)


@needs_onnx
@pytest.mark.parametrize("content", [b"", b"no model", b"\x08", b"{}\n" * 50])
def test_what_is_no_onnx_file_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError, match="is no ONNX file"):
        read_onnx(file, made(), VOCABULARY)


@needs_onnx
def test_a_file_of_another_tool_is_refused(file: Path) -> None:
    import onnx

    model = onnx.load_model_from_string(file.read_bytes())
    del model.metadata_props[:]
    file.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="was not written by isang export"):
        read_onnx(file, made(), VOCABULARY)


@needs_onnx
def test_a_changed_weight_and_weights_in_other_files_are_refused(file: Path) -> None:
    import onnx

    model = onnx.load_model_from_string(file.read_bytes())
    weight = model.graph.initializer[0]
    whole = weight.raw_data
    weight.raw_data = bytes(reversed(whole))
    file.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="changed or damaged"):
        read_onnx(file, made(), VOCABULARY)
    weight.raw_data = whole
    onnx.external_data_helper.set_external_data(weight, "/etc/hostname")
    file.write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="changed or damaged"):
        read_onnx(file, made(), VOCABULARY)


@needs_onnx
def test_a_file_that_is_there_is_replaced_only_when_asked(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(UsageError, match="--overwrite"):
        write_onnx(made(seed=1), VOCABULARY, file)
    assert file.read_bytes() == before
    write_onnx(made(seed=1), VOCABULARY, file, overwrite=True)
    assert file.read_bytes() == to_onnx(made(seed=1), VOCABULARY) != before
    assert [path.name for path in file.parent.iterdir()] == ["model.onnx"]
    with pytest.raises(UsageError, match="is a folder"):
        write_onnx(made(), VOCABULARY, file.parent, overwrite=True)


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_onnx(path, made(), VOCABULARY)


def test_a_model_that_no_file_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx", reason="needs the extra isang[onnx]")
    monkeypatch.setattr(export, "MAX_BYTES", 1_000)
    with pytest.raises(InputError, match="at most 1,000 bytes"):
        to_onnx(made(), VOCABULARY)


@pytest.mark.skipif(HERE, reason="the extra isang[onnx] is installed")
def test_the_missing_extra_is_named() -> None:
    with pytest.raises(UsageError, match=r"--onnx needs .*isang\[onnx\]"):
        require_onnx("--onnx")


def test_there_is_room_for_all_names_in_a_deep_model() -> None:
    """The bound on the size holds where the names weigh most beside the weights."""
    pytest.importorskip("onnx", reason="needs the extra isang[onnx]")
    encoder = Encoder(ModelConfig(layers=150, width=2, heads=1, positions=4), len(MARKS))
    content = to_onnx(encoder, Vocabulary((), ()))
    weights = sum(values.numel() * 4 for values in encoder.state_dict().values())
    assert len(content) - weights < export.LAYER_BYTES * 150

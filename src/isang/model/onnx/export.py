"""The file that `isang export` writes: the graph, and metadata that identify the model."""

import hashlib
import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import isang
from isang.errors import InputError, UsageError
from isang.files import write_bytes
from isang.model.encoder import Encoder
from isang.model.onnx.graph import IR_VERSION, OPSET, encoder_graph
from isang.model.vocabulary import Vocabulary

if TYPE_CHECKING:
    from onnx import ModelProto

SCHEMA = 1
MAX_BYTES = (1 << 31) - 1
"""Maximum size of a self-contained ONNX file."""
ROOM_BYTES, LAYER_BYTES = 64 << 10, 16 << 10
"""Upper bound on the size of a file without its weights, in all and per layer: names of nodes and values."""
Facts = dict[str, str]


def require_onnx(wanted: str) -> None:
    """Raise UsageError, which names what is `wanted`, if the packages of the extra are not installed."""
    try:
        for package in ("onnx", "onnxruntime"):
            importlib.import_module(package)
    except ImportError as error:
        raise UsageError(f"{wanted} needs a package that is not here: pip install 'isang[onnx]'") from error


def facts_of(encoder: Encoder, vocabulary: Vocabulary) -> Facts:
    """The metadata of a model."""
    weights = hashlib.sha256(f"heads {encoder.config.heads}".encode())
    for name, values in sorted(encoder.state_dict().items()):
        weights.update(f" {name} {tuple(values.shape)} ".encode())
        weights.update(values.contiguous().numpy().tobytes())
    known = json.dumps([vocabulary.templates, vocabulary.levels], ensure_ascii=False)
    return {
        "isang": isang.__version__,
        "schema": str(SCHEMA),
        "vocabulary_sha256": hashlib.sha256(known.encode("utf-8", "surrogatepass")).hexdigest(),
        "weights_sha256": weights.hexdigest(),
    }


def to_onnx(encoder: Encoder, vocabulary: Vocabulary) -> bytes:
    """The content of the file; the same model gives the same bytes. Raises InputError if the model is too large."""
    from onnx import helper

    if _most_bytes(encoder) > MAX_BYTES:
        raise InputError(f"the model's weights do not fit in one ONNX file of at most {MAX_BYTES:,} bytes")
    model = helper.make_model(
        encoder_graph(encoder),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="isang",
        producer_version=isang.__version__,
    )
    helper.set_model_props(model, facts_of(encoder, vocabulary))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def write_onnx(encoder: Encoder, vocabulary: Vocabulary, path: Path, *, overwrite: bool = False) -> None:
    """Write the file in one step. Raises UsageError if a file exists that may not be replaced."""
    if path.is_dir():
        raise UsageError(f"--out must be a file such as model.onnx, but {path} is a folder")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} is there already; choose another --out or replace it with --overwrite")
    write_bytes(path, to_onnx(encoder, vocabulary))


def read_onnx(path: Path, encoder: Encoder, vocabulary: Vocabulary) -> bytes:
    """The content of a file that was exported from this model.

    Raises InputError unless it is byte for byte what would be exported now. This rejects weights in external files,
    unknown operators and whatever else a file could hold.
    """
    most = _most_bytes(encoder)
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise InputError(f"{path} is larger than any export of this model, which has at most {most:,} bytes; {_AGAIN}")
    if content != to_onnx(encoder, vocabulary):
        raise InputError(f"{path} {_difference(content, facts_of(encoder, vocabulary))}; {_AGAIN}")
    return content


_AGAIN = "write it again with isang export MODEL --out FILE"


def _most_bytes(encoder: Encoder) -> int:
    weights: int = sum(values.numel() * values.element_size() for values in encoder.state_dict().values())
    return weights + ROOM_BYTES + LAYER_BYTES * len(encoder.layers)


def _difference(content: bytes, expected: Facts) -> str:
    """What differs from the expected content, in words."""
    found = _facts_in(content)
    if found is None:
        return "is no ONNX file"
    if "isang" not in found:
        return "was not written by isang export"
    if (found["isang"], found.get("schema")) != (expected["isang"], expected["schema"]):
        return f"was written by isang {found['isang'][:40]!r}, and this is isang {expected['isang']}"
    if found.get("vocabulary_sha256") != expected["vocabulary_sha256"]:
        return "was exported from another model: it knows other templates"
    if found.get("weights_sha256") != expected["weights_sha256"]:
        return "was exported from another model: it has other weights"
    return "differs from what isang export writes for this model: it was changed or damaged"


def _facts_in(content: bytes) -> Facts | None:
    """The metadata; None if the content is not an ONNX file."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model: ModelProto = onnx.ModelProto.FromString(content)
    except DecodeError:
        return None
    return {entry.key: entry.value for entry in model.metadata_props} if model.HasField("graph") else None

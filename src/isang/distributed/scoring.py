"""Scoring by workers that load the model once each."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from isang.artifact import Model, load_model
from isang.detection.detectors.encoder.masked_model import Surprise, scoring_encoder, surprise_of_batch
from isang.distributed.engine import Ray
from isang.model.batches import Tokens


class Scorer:
    """A model in a worker."""

    def __init__(self, folder: Path, onnx: Path | None) -> None:
        import torch

        torch.set_num_threads(1)
        self._encoder = scoring_encoder(_loaded(folder, onnx))

    def work(self, tokens_GL: Tokens) -> Surprise:
        """The encoder's results for sessions of one length."""
        return surprise_of_batch(self._encoder, tokens_GL)


def scored_on(ray: Ray, model: Model, folder: Path, onnx: Path | None = None) -> Model:
    """The `model` with an encoder that runs in the workers of `ray`, which load it from `folder`, visible to all
    machines.

    Batches are the same as in one process, and so are the results. The first batches start the workers.
    """

    def score(batches: Iterable[Tokens]) -> Iterator[Surprise]:
        paths = folder.absolute(), None if onnx is None else onnx.absolute()
        return ray.in_order_on(Scorer, paths, batches, doing=lambda _: f"scoring with the model {folder}")

    return replace(model, scorer=score)


def _loaded(folder: Path, onnx: Path | None) -> Model:
    model = load_model(folder)
    if onnx is None:
        return model
    from isang.model.onnx.export import read_onnx
    from isang.model.onnx.scoring import OnnxEncoder

    return replace(model, onnx=OnnxEncoder(read_onnx(onnx, model.needed_encoder(), model.vocabulary)))

"""The exported encoder run by onnxruntime, in place of `scoring.ScoringEncoder`.

Shapes: N positions asked for in all blocks, V vocabulary.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isang.model.onnx.graph import ASKED, LOGITS, TOKENS
from isang.model.scoring import EncoderBlock


class OnnxEncoder:
    """An exported encoder on one thread; several threads may call it at once."""

    def __init__(self, content: bytes) -> None:
        """`content` is what `onnx_file.read_onnx` gives."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # each of torch's threads has its own batch
        options.log_severity_level = 3  # errors only
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def logits(self, blocks: Sequence[EncoderBlock]) -> Tensor:
        """Logits at the asked positions, session by session, block by block, shape (N, V)."""
        answers = []
        for block in blocks:
            asked = np.arange(block.tokens_GL.shape[1])[block.asked]
            (logits_GAV,) = self._session.run([LOGITS], {TOKENS: block.tokens_GL.astype(np.int64), ASKED: asked})
            answers.append(logits_GAV.reshape(-1, logits_GAV.shape[-1]))
        return torch.from_numpy(np.concatenate(answers))

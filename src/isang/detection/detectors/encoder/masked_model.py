"""The encoder's surprise at each event, gap and end of sessions.

Shapes: S sessions, T tokens in all, G sessions of one length L, N questions, V vocabulary, D width.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from isang.artifact import Model
from isang.model.batches import Floats, Rows, Sessions, Tokens, cut, equal_length_batches
from isang.model.masking import Question, asked_gaps, hidden_ends, hidden_events
from isang.model.onnx.scoring import OnnxEncoder
from isang.model.scoring import EncoderBlock, ScoringEncoder
from isang.model.vocabulary import MASK, NOTHING
from isang.progress import Progress
from isang.threads import side_by_side

Measure = Callable[[Tensor, Tensor], Tensor]
"""Maps the log-probabilities of all answers, (N, V), and the right answers to nats, N."""

SCORING_TOKENS = 8_192
"""Tokens per batch when scoring: fewer need more calls, more exceed the processor's caches."""
EVENT_PASSES, GAP_PASSES = 3, 3
"""Number of copies of a session in which events are hidden, and in which gaps are queried; one more queries its end."""
KIND = "surprise"
"""The kind under which the answers about a session are cached."""
DECIMALS = 3
"""Surprises are rounded to this many decimals, so that the order of summation in larger batches has no effect."""


class Surprise(NamedTuple):
    """Three answers about the tokens of sessions, in nats; each of shape T, as `sessions.flat`, NaN if there is
    none."""

    event_T: Floats
    """-log of the probability of each event when it is hidden; "no event" is one of the alternatives."""
    gap_T: Floats
    """-log of the total probability of the answers no likelier than "nothing is missing just before this token".

    0 if "nothing" is the likeliest answer, however many others there are.
    """
    end_T: Floats
    """-log of the probability that the session ends where it does, given what came before."""


def surprise(model: Model, sessions: Sessions) -> Surprise:
    """Hide each event once and query each gap and end once, in a few passes.

    Cached answers are not computed again. Sessions longer than the model's positions are processed in consecutive
    pieces. Each thread (as many as torch has) processes its own batches alone, so the number of threads does not
    affect the results.
    """
    pieces, _ = cut(sessions, model.config.model.positions)
    answers = Surprise(*(np.full(len(sessions.flat), np.nan) for _ in Surprise._fields))

    def places(rows: Rows) -> Rows:
        return pieces.offsets[rows][:, None] + np.arange(pieces.lengths[rows[0]])

    owner, names = (model.onnx or model.encoder,), model.answered.names(pieces)
    known = model.answered.known(KIND, owner, names)
    for place, answer_3L in known.items():
        start = pieces.offsets[place]
        for into_T, answer_L in zip(answers, answer_3L, strict=True):
            into_T[start : start + len(answer_L)] = answer_L
    unknown = np.array([place for place in range(len(pieces)) if place not in known], dtype=np.int64)
    most = SCORING_TOKENS // (EVENT_PASSES + GAP_PASSES + 1)
    batches = [unknown[rows] for rows in equal_length_batches(pieces.lengths[unknown], most)]
    score = model.scorer or partial(_score_here, scoring_encoder(model))
    with Progress("scoring sessions", total=len(unknown), unit="distinct sessions") as bar:
        for rows, scored in zip(batches, score(pieces.flat[places(rows)] for rows in batches), strict=True):
            for into_T, answer_GL in zip(answers, scored, strict=True):
                into_T[places(rows)] = answer_GL
            model.answered.keep(KIND, owner, names, rows, np.stack(scored, axis=1))
            bar.advance(len(rows))
    return answers


def _score_here(encoder: ScoringEncoder | OnnxEncoder, batches: Iterable[Tokens]) -> Iterator[Surprise]:
    yield from side_by_side(torch.get_num_threads()).map(partial(surprise_of_batch, encoder), batches)


def event_probabilities(model: Model, tokens: Tokens, position: int) -> Floats:
    """The model's probabilities for the event at `position` of a session when it is hidden, shape V."""
    hidden = tokens.copy()
    hidden[position] = MASK
    return _probabilities(model, hidden, position)


def gap_probabilities(model: Model, tokens: Tokens, position: int) -> Floats:
    """The model's probabilities for an event between the tokens at `position` - 1 and `position`, shape V."""
    return _probabilities(model, np.insert(tokens, position, MASK).astype(np.int32), position)


def scoring_encoder(model: Model) -> ScoringEncoder | OnnxEncoder:
    """The scoring encoder with the model's weights, created once."""
    return model.onnx or model.kept.once(ScoringEncoder, lambda: ScoringEncoder(model.needed_encoder()))


@torch.inference_mode()
def surprise_of_batch(encoder: ScoringEncoder | OnnxEncoder, tokens_GL: Tokens) -> Surprise:
    """The three answers about sessions of one length, each of shape (G, L)."""
    answers = Surprise(*(np.full(tokens_GL.shape, np.nan) for _ in Surprise._fields))
    questions: list[tuple[Question, Floats, Measure]] = [
        *((question, answers.event_T, _improbability) for question in hidden_events(tokens_GL, EVENT_PASSES)),
        *((question, answers.gap_T, _nothing_missing) for question in asked_gaps(tokens_GL, GAP_PASSES)),
        (hidden_ends(tokens_GL), answers.end_T, _improbability),
    ]
    logits_NV = encoder.logits([EncoderBlock(question.tokens_GL, question.asked) for question, _, _ in questions])
    sizes = [question.meant_GA.size for question, _, _ in questions]
    of_each = functional.log_softmax(logits_NV, dim=-1).split_with_sizes(sizes)
    for (question, into_T, measure), log_NV in zip(questions, of_each, strict=True):
        right_N = torch.from_numpy(tokens_GL[:, question.places].ravel()).long()
        measured_N = np.round(measure(log_NV, right_N).numpy().astype(np.float64), DECIMALS)
        meant_N = question.meant_GA.ravel()
        places_N = np.arange(tokens_GL.size).reshape(tokens_GL.shape)[:, question.places].ravel()
        into_T.reshape(-1)[places_N[meant_N]] = measured_N[meant_N]
    return answers


def _improbability(log_NV: Tensor, right_N: Tensor) -> Tensor:
    return functional.nll_loss(log_NV, right_N, reduction="none")


def _nothing_missing(log_NV: Tensor, _: Tensor) -> Tensor:
    """See `Surprise.gap_T`."""
    tail_N = log_NV.masked_fill(log_NV > log_NV[:, NOTHING, None], -torch.inf).logsumexp(dim=-1)
    return (-tail_N).clamp(min=0)


def _probabilities(model: Model, hidden: Tokens, position: int) -> Floats:
    limit = model.config.model.positions
    start = max(0, min(position - limit // 2, len(hidden) - limit))
    seen = hidden[start : start + limit]
    with torch.inference_mode():
        asked = slice(position - start, position - start + 1)
        logits_1V = scoring_encoder(model).logits([EncoderBlock(seen[None], asked)])
        return functional.softmax(logits_1V[0].double(), dim=-1).numpy()

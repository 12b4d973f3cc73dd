"""The encoder as an ONNX graph of standard operators only, written by hand.

One call takes sessions of one length, so no token is ever padded. As in `scoring.py`, the first layer's work before
attention is done once for each distinct pair of token and position, and the last layer only at requested positions.
Shapes: G sessions of one length L, T = G L tokens, U different pairs of token and position, A positions asked for in
each session, D width, F width of the feed-forward network, H heads, K width of a head, V vocabulary.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from isang.model.encoder import Encoder, Layer

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

TOKENS, ASKED, LOGITS = "tokens", "asked", "logits"
OPSET, IR_VERSION = 20, 9
"""The first operator set with GELU, and the file format of that time, which onnxruntime reads since 1.17."""


def encoder_graph(encoder: Encoder) -> "GraphProto":
    """From `tokens` (G, L) and `asked` (A), both int64, to `logits` (G, A, V), float32."""
    from onnx import TensorProto, helper

    graph, vocabulary = _Graph(), encoder.vocabulary_size
    hidden = _embedded(graph, encoder)
    for number, layer in enumerate(encoder.layers):
        if isinstance(layer, Layer):
            last = number == len(encoder.layers) - 1
            hidden = _layer(graph, f"layer{number}", layer, hidden, first=number == 0, last=last)
    normed_ND = _norm(graph, "norm", encoder.norm, hidden)
    bias_V = graph.constant("head_bias", _array(encoder.head_bias))
    logits_NV = graph.add("Gemm", "logits_NV", normed_ND, "token_embedding", bias_V, transB=1)
    graph.add("Reshape", LOGITS, logits_NV, graph.shape("G", "A", vocabulary))
    inputs = {TOKENS: ["sessions", "length"], ASKED: ["positions"]}
    return helper.make_graph(
        graph.nodes,
        "isang",
        [helper.make_tensor_value_info(name, TensorProto.INT64, sizes) for name, sizes in inputs.items()],
        [helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, ["sessions", "positions", vocabulary])],
        graph.constants,
    )


class _Graph:
    """Nodes and constants in order; a value has the name of the node that makes it."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._known: set[str] = set()

    def add(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        """A node and the name of its value."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """A constant and its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def numbers(self, name: str, values: int | list[int]) -> str:
        """A constant of whole numbers; made once for each name."""
        if name not in self._known:
            self._known.add(name)
            self.constant(name, np.array(values, dtype=np.int64))
        return name

    def shape(self, *sizes: str | int) -> str:
        """A shape of sizes that the graph knows by name (G, L, A) or that are numbers; made once for each."""
        name = "_".join(("shape", *map(str, sizes)))
        if name not in self._known:
            self._known.add(name)
            parts = [size if isinstance(size, str) else self.numbers(f"size_{size}", [size]) for size in sizes]
            self.add("Concat", name, *parts, axis=0)
        return name

    def linear(self, name: str, values_TD: str, weight_FD: NDArray[np.float32], bias_F: NDArray[np.float32]) -> str:
        """A linear layer, (T, F)."""
        weight = self.constant(f"{name}_weight", weight_FD.T)
        return self.add("Gemm", name, values_TD, weight, self.constant(f"{name}_bias", bias_F))


def _embedded(graph: _Graph, encoder: Encoder) -> str:
    """The embedded distinct pairs of token and position, (U, D); `pair_of_token` gives the pair of each token, (T)."""
    from onnx import helper

    positions = graph.numbers("positions", encoder.config.positions)
    first, second = graph.numbers("first", 0), graph.numbers("second", 1)
    graph.add("Shape", "G_L", TOKENS)
    graph.add("Slice", "G", "G_L", graph.numbers("from_0", [0]), graph.numbers("to_1", [1]))
    graph.add("Slice", "L", "G_L", "to_1", graph.numbers("to_2", [2]))
    graph.add("Shape", "A", ASKED)
    every_L = graph.add("Range", "every_L", first, graph.add("Gather", "length", "G_L", second), second)
    last = graph.numbers("last_position", encoder.config.positions - 1)  # longer sessions repeat it
    places_L = graph.add("Min", "places_L", every_L, last)
    pairs_GL = graph.add("Add", "pairs_GL", graph.add("Mul", "scaled_GL", TOKENS, positions), places_L)
    pairs_T = graph.add("Reshape", "pairs_T", pairs_GL, graph.shape(-1))
    graph.nodes.append(helper.make_node("Unique", [pairs_T], ["pairs_U", "", "pair_of_token"], name="pairs_U"))
    tokens_UD = graph.add(
        "Gather",
        "tokens_UD",
        graph.constant("token_embedding", _array(encoder.token_embedding.weight)),
        graph.add("Div", "tokens_U", "pairs_U", positions),
    )
    places_UD = graph.add(
        "Gather",
        "places_UD",
        graph.constant("position_embedding", _array(encoder.position_embedding.weight)),
        graph.add("Mod", "places_U", "pairs_U", positions),
    )
    return graph.add("Add", "embedded_UD", tokens_UD, places_UD)


def _layer(graph: _Graph, name: str, layer: Layer, hidden: str, *, first: bool, last: bool) -> str:
    """New hidden states, (T, D), or (G A, D) of the last layer; those given to the first one are (U, D)."""
    width = layer.attention_out.in_features
    weight, bias = _array(layer.query_key_value.weight), _array(layer.query_key_value.bias)
    scale = np.float32((width // layer.heads) ** -0.5)

    def of_tokens(values: str) -> str:
        return graph.add("Gather", f"{values}_T", values, "pair_of_token") if first else values

    def queries_of(values: str) -> str:
        return graph.linear(f"{name}_queries", values, scale * weight[:width], scale * bias[:width])

    normed = _norm(graph, f"{name}_attention_norm", layer.attention_norm, hidden)
    keys = of_tokens(graph.linear(f"{name}_keys", normed, weight[width : 2 * width], bias[width : 2 * width]))
    values = of_tokens(graph.linear(f"{name}_values", normed, weight[2 * width :], bias[2 * width :]))
    if last:
        queries = queries_of(_where_asked(graph, of_tokens(normed), width))
        hidden = _where_asked(graph, of_tokens(hidden), width)
    else:
        queries, hidden = of_tokens(queries_of(normed)), of_tokens(hidden)

    mixed = _attention(graph, name, (queries, keys, values), layer.heads, width, "A" if last else "L")
    out = graph.linear(
        f"{name}_attention_out", mixed, _array(layer.attention_out.weight), _array(layer.attention_out.bias)
    )
    hidden = graph.add("Add", f"{name}_attended", hidden, out)
    normed = _norm(graph, f"{name}_feed_forward_norm", layer.feed_forward_norm, hidden)
    expanded = graph.linear(f"{name}_expanded", normed, _array(layer.expand.weight), _array(layer.expand.bias))
    activated = graph.add("Gelu", f"{name}_activated", expanded)
    contracted = graph.linear(
        f"{name}_contracted", activated, _array(layer.contract.weight), _array(layer.contract.bias)
    )
    return graph.add("Add", f"{name}_hidden", hidden, contracted)


def _where_asked(graph: _Graph, values_TD: str, width: int) -> str:
    """The values at the requested positions, (G A, D)."""
    values_GLD = graph.add("Reshape", f"{values_TD}_GLD", values_TD, graph.shape("G", "L", width))
    values_GAD = graph.add("Gather", f"{values_TD}_GAD", values_GLD, ASKED, axis=1)
    return graph.add("Reshape", f"{values_TD}_asked", values_GAD, graph.shape(-1, width))


def _attention(graph: _Graph, name: str, from_layer: tuple[str, str, str], heads: int, width: int, asking: str) -> str:
    """Attention from queries (already scaled), keys and values of shape (…, D); the result has the queries' shape.

    `asking` is the number of queries per session: L or A.
    """

    def by_head(values: str, size: str, order: list[int]) -> str:
        parted = graph.add("Reshape", f"{values}_parted", values, graph.shape("G", size, heads, width // heads))
        return graph.add("Transpose", f"{values}_by_head", parted, perm=order)

    queries, keys, values = from_layer
    queries_GHAK, keys_GHKL = by_head(queries, asking, [0, 2, 1, 3]), by_head(keys, "L", [0, 2, 3, 1])
    values_GHLK = by_head(values, "L", [0, 2, 1, 3])
    similar_GHAL = graph.add("MatMul", f"{name}_similar", queries_GHAK, keys_GHKL)
    weights_GHAL = graph.add("Softmax", f"{name}_weights", similar_GHAL, axis=-1)
    mixed_GHAK = graph.add("MatMul", f"{name}_mixed", weights_GHAL, values_GHLK)
    mixed_GAHK = graph.add("Transpose", f"{name}_mixed_GAHK", mixed_GHAK, perm=[0, 2, 1, 3])
    return graph.add("Reshape", f"{name}_mixed_ND", mixed_GAHK, graph.shape(-1, width))


def _norm(graph: _Graph, name: str, norm: nn.LayerNorm, hidden: str) -> str:
    scale_D = graph.constant(f"{name}_scale", _array(norm.weight))
    bias_D = graph.constant(f"{name}_bias", _array(norm.bias))
    return graph.add("LayerNormalization", name, hidden, scale_D, bias_D, axis=-1, epsilon=norm.eps)


def _array(values: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.detach().numpy()
    return array

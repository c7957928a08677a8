"""The encoder's layers as an ONNX graph with int8 weights.

Each weight matrix has one scale per column (its greatest magnitude is 127); inputs are quantised
as they come, by ONNX Runtime's DynamicQuantizeMatMul. Against the published weights in float32 the
mean cosine of a text's vector is 0.993, at a third of the time and a quarter of the size. The
embeddings stay outside: all models look them up in one table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .base import HEADS, LAYERS, WIDTH, Floats

_CONTRIB = "com.microsoft"
_EPSILON = 1e-12
OPSET = 17
IR_VERSION = 9


class _Graph:
    """Nodes and constants, named as they are added."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self._helper: Any = helper
        self._arrays: Any = numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, array: Any) -> str:
        self.constants.append(self._arrays.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: list[str], *outputs: str, **attributes: Any) -> str:
        self.nodes.append(
            self._helper.make_node(kind, inputs, list(outputs), name=outputs[0], **attributes)
        )
        return outputs[0]

    def product(self, x: str, name: str, weight: Floats, bias: Floats | None = None) -> str:
        """x · weightᵀ (+ bias), in int8."""
        columns = weight.T
        scale = np.maximum(np.abs(columns).max(axis=0) / 127, 1e-12).astype(np.float32)
        whole = np.clip(np.rint(columns / scale), -127, 127).astype(np.int8)
        inputs = [
            x,
            self.constant(f"{name}.weight", whole),
            self.constant(f"{name}.scale", scale),
            self.constant(f"{name}.zero", np.zeros(len(scale), np.int8)),
        ]
        if bias is not None:
            inputs.append(self.constant(f"{name}.bias", bias))
        return self.node("DynamicQuantizeMatMul", inputs, name, domain=_CONTRIB)

    def add_and_norm(self, x: str, skip: str, name: str, tensors: Mapping[str, Floats]) -> str:
        inputs = [x, skip]
        inputs += [self.constant(f"{name}.{part}", tensors[part]) for part in _PARTS]
        inputs.append(self.constant(f"{name}.before", tensors["before"]))
        return self.node("SkipLayerNormalization", inputs, name, domain=_CONTRIB, epsilon=_EPSILON)


def build_graph(tensors: Mapping[str, Floats]) -> bytes:
    """ONNX bytes of the layers. Inputs `x` (n, t, WIDTH) and `mask` (n, t); output `states`."""
    from onnx import TensorProto, helper

    graph = _Graph()
    x = graph.node(
        "LayerNormalization",
        ["x", *(graph.constant(f"first.{part}", tensors[f"first.{part}"]) for part in _PARTS)],
        "first",
        axis=-1,
        epsilon=_EPSILON,
    )
    thirds = graph.constant("thirds", np.array([WIDTH, WIDTH, WIDTH], np.int64))
    for layer in range(LAYERS):
        x = _layer(graph, x, thirds, f"{layer}.", tensors)
    graph.node("Identity", [x], "states")
    shape = ["n", "t", WIDTH]
    made = helper.make_graph(
        graph.nodes,
        "encoder",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, shape),
            helper.make_tensor_value_info("mask", TensorProto.INT32, ["n", "t"]),
        ],
        [helper.make_tensor_value_info("states", TensorProto.FLOAT, shape)],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(_CONTRIB, 1)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


_PARTS = ("weight", "bias")


def _layer(graph: _Graph, x: str, thirds: str, name: str, tensors: Mapping[str, Floats]) -> str:
    def both(*parts: str) -> tuple[Floats, Floats]:
        weights = [tensors[f"{name}{part}.weight"] for part in parts]
        biases = [tensors[f"{name}{part}.bias"] for part in parts]
        return np.concatenate(weights), np.concatenate(biases)

    def norm(which: str, before: str) -> dict[str, Floats]:
        weight, bias = both(which)
        return {"weight": weight, "bias": bias, "before": tensors[f"{name}{before}.bias"]}

    weight, bias = both("query", "key", "value")
    mixed = graph.product(x, f"{name}mixed", weight, bias)
    heads = [f"{name}query", f"{name}key", f"{name}value"]
    graph.node("Split", [mixed, thirds], *heads, axis=-1)
    seen = graph.node(
        "MultiHeadAttention",
        [*heads, "", "mask"],
        f"{name}attention",
        domain=_CONTRIB,
        num_heads=HEADS,
    )
    out = graph.product(seen, f"{name}output", tensors[f"{name}output.weight"])
    x = graph.add_and_norm(out, x, f"{name}norm1", norm("norm1", "output"))
    up = graph.product(x, f"{name}up", tensors[f"{name}up.weight"])
    bent = graph.node(
        "BiasGelu",
        [up, graph.constant(f"{name}up.bias", tensors[f"{name}up.bias"])],
        f"{name}bent",
        domain=_CONTRIB,
    )
    down = graph.product(bent, f"{name}down", tensors[f"{name}down.weight"])
    return graph.add_and_norm(down, x, f"{name}norm2", norm("norm2", "down"))

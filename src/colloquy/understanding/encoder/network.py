"""The encoder's layers in PyTorch, for training only: functions over a dictionary of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from .base import HEADS, LAYERS, WIDTH

Tensors = dict[str, torch.Tensor]
Drop = Callable[[torch.Tensor], torch.Tensor]
_EPSILON = 1e-12
_FAR = -1e4
_SCALE = (WIDTH // HEADS) ** -0.5
_NATIVE = ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16")


def product_type() -> torch.dtype:
    """The type in which products are fastest here: bfloat16 where the CPU has it, else float32.

    Where it has not, PyTorch emulates it: one product forth and back took 2.2 s for 0.045 s.
    """
    has = torch.cpu.get_capabilities()
    return torch.bfloat16 if any(has.get(name) for name in _NATIVE) else torch.float32


class Dropout:
    """Dropout whose masks are windows of one long random row: drawing anew takes a sixth of a step.

    A window begins at a random place, so that no two steps share their masks.
    """

    def __init__(self, share: float, seed: int, low: torch.dtype, length: int = 1 << 22) -> None:
        self._random = torch.Generator().manual_seed(seed)
        kept = torch.rand(length, generator=self._random) >= share
        self._factors = {kind: (kept / (1 - share)).to(kind) for kind in (torch.float32, low)}
        self._length = length

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        room = self._length - x.numel()
        if room <= 0:  # a batch larger than any of ours
            return x
        at = int(torch.randint(room, (1,), generator=self._random))
        return x * self._factors[x.dtype][at : at + x.numel()].view(x.shape)


def states_of(
    tensors: Tensors, x: torch.Tensor, mask: torch.Tensor, drop: Drop, low: torch.dtype
) -> torch.Tensor:
    """States (n, t, WIDTH) of embedded pieces `x` (n, t, WIDTH); `mask` (n, t) is true on pieces.

    Products run in `low`, sums and norms in float32. `drop` is applied to what each part adds.
    """
    x = drop(_norm(tensors, "first", x))
    far = torch.zeros(mask.shape, dtype=low).masked_fill(~mask, _FAR)[:, None, None, :]
    for layer in range(LAYERS):
        x = _layer(tensors, f"{layer}.", x, far, drop)
    return x


def pooled(states: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """The mean (n, WIDTH) of the states where `inside` (n, t) is true."""
    weight = inside[..., None].float()
    return (states * weight).sum(1) / weight.sum(1)


def _layer(
    tensors: Tensors, name: str, x: torch.Tensor, far: torch.Tensor, drop: Drop
) -> torch.Tensor:
    n, t, _ = x.shape
    low = far.dtype
    rounded = x.to(low)

    def heads(part: str) -> torch.Tensor:
        made: Any = _product(tensors, name + part, rounded)
        return made.view(n, t, HEADS, WIDTH // HEADS).transpose(1, 2)

    # Written out: on a CPU the backward pass of PyTorch's fused attention takes half of all time.
    query, key, value = heads("query"), heads("key"), heads("value")
    near = torch.softmax((query @ key.transpose(2, 3)) * _SCALE + far, dim=-1)
    seen = (near @ value).transpose(1, 2).reshape(n, t, WIDTH)
    out = _product(tensors, name + "output", seen)
    x = _norm(tensors, name + "norm1", x + drop(out))
    up = F.gelu(_product(tensors, name + "up", x.to(low)))
    down = _product(tensors, name + "down", up)
    return _norm(tensors, name + "norm2", x + drop(down))


def _product(tensors: Tensors, name: str, x: torch.Tensor) -> torch.Tensor:
    weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    return F.linear(x, weight.to(x.dtype), bias.to(x.dtype))


def _norm(tensors: Tensors, name: str, x: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x, (WIDTH,), tensors[f"{name}.weight"], tensors[f"{name}.bias"], _EPSILON)

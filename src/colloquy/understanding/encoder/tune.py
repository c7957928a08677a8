"""Fine-tuning the encoder on a task, and training only a head where PyTorch is missing.

AdamW (Loshchilov and Hutter, 2019) with a linear warm-up over a tenth of the steps and a linear
decline, batches of sequences of like length, products in bfloat16 where the CPU has it. The
embeddings stay as they are published: that halves the work and lets all models share one table.
The same data and seed give the same model on the same machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from .base import WIDTH, Base, Floats, Pieces
from .graph import build_graph
from .model import EncoderModel, Header

Kind = Literal["single", "multiple", "words"]
"""What the targets are: one label per text, any number of them, or one label per word."""

UNLABELLED = -100
"""The target of a word that is not to be learned from."""


class Recipe(Struct, frozen=True, kw_only=True):
    """How to train. `epochs` None: as many as `default_epochs` thinks right for the rows."""

    epochs: int | None = None
    rate: float = 2e-4
    head_rate: float = 1e-3
    batch: int = 32
    dropout: float = 0.1
    smoothing: float = 0.1
    decay: float = 0.01
    seed: int = 0


DEFAULT = Recipe()


def can_tune() -> bool:
    """Is PyTorch here? Without it only heads are trained, over the published layers."""
    return find_spec("torch") is not None


def default_epochs(rows: int) -> int:
    """Rounds over the data: about 75,000 texts in all, at least 3 and at most 20 times each."""
    return max(3, min(20, round(75_000 / max(1, rows))))


def silent(_: str) -> None:
    """Progress that nobody reads."""


def tune(
    base: Base,
    sequences: Sequence[Pieces],
    targets: Sequence[Any],
    header: Header,
    kind: Kind,
    recipe: Recipe = DEFAULT,
    progress: Callable[[str], None] = silent,
) -> EncoderModel:
    """A model for `header.labels`.

    `targets`: column numbers (single), lists of column numbers (multiple), or lists with one
    column number or UNLABELLED per word (words), in the order of `sequences`.
    """
    if can_tune():
        tensors, weights, bias = _fine_tune(
            base, sequences, targets, len(header.labels), kind, recipe, progress
        )
        return EncoderModel(base, header, build_graph(tensors), weights, bias)
    graph = build_graph(base.tensors())
    labels = len(header.labels)
    nothing = np.zeros((labels, WIDTH), np.float32), np.zeros(labels, np.float32)
    frozen = EncoderModel(base, header, graph, *nothing)
    progress("PyTorch is not installed: training a head over the published encoder")
    weights, bias = _head_alone(frozen, sequences, targets, labels, kind)
    return EncoderModel(base, header, graph, weights, bias)


def _batches(sequences: Sequence[Pieces], size: int, chance: random.Random) -> Iterator[list[int]]:
    """Every sequence once, in random batches whose members are of like length."""
    order = list(range(len(sequences)))
    chance.shuffle(order)
    batches = []
    for start in range(0, len(order), size * 50):
        piece = sorted(order[start : start + size * 50], key=lambda at: len(sequences[at].ids))
        batches += [piece[at : at + size] for at in range(0, len(piece), size)]
    chance.shuffle(batches)
    yield from batches


def _fine_tune(
    base: Base,
    sequences: Sequence[Pieces],
    targets: Sequence[Any],
    labels: int,
    kind: Kind,
    recipe: Recipe,
    progress: Callable[[str], None],
) -> tuple[dict[str, Floats], Floats, Floats]:
    import torch

    from .network import Dropout, product_type, states_of

    torch.manual_seed(recipe.seed)
    low = product_type()
    drop = Dropout(recipe.dropout, recipe.seed, low)
    tensors = {name: torch.tensor(array) for name, array in base.tensors().items()}
    weights = torch.empty(labels, WIDTH).normal_(std=0.02)
    bias = torch.zeros(labels)
    body, head = list(tensors.values()), [weights, bias]
    for tensor in [*body, *head]:
        tensor.requires_grad_()
    groups = [{"params": body, "lr": recipe.rate}, {"params": head, "lr": recipe.head_rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.decay, betas=(0.9, 0.98), fused=True)
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    epochs = recipe.epochs or default_epochs(len(sequences))
    chance = random.Random(recipe.seed)
    total = epochs * -(-len(sequences) // recipe.batch)
    step = 0
    for epoch in range(epochs):
        lost = 0.0
        for batch in _batches(sequences, recipe.batch, chance):
            share = min((step + 1) / (0.1 * total), (total - step) / (0.9 * total))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * share
            chosen = [sequences[index] for index in batch]
            x, mask = base.inputs(chosen)
            inputs = torch.from_numpy(x), torch.from_numpy(mask).bool()
            states = states_of(tensors, *inputs, drop, low)
            wanted = [targets[index] for index in batch]
            loss = _loss(drop(states), chosen, wanted, weights, bias, kind, recipe.smoothing)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(body, 1.0)
            optimizer.step()
            step += 1
            lost += float(loss.detach())
            if step % 50 == 0:
                progress(f"tuning: epoch {epoch + 1} of {epochs}, {step / total:.0%}")
        progress(f"tuning: epoch {epoch + 1} of {epochs}, loss {lost * epochs / total:.4f}")
    arrays = {name: tensor.detach().numpy() for name, tensor in tensors.items()}
    return arrays, weights.detach().numpy(), bias.detach().numpy()


def _loss(
    states: Any,
    chosen: Sequence[Pieces],
    targets: Sequence[Any],
    weights: Any,
    bias: Any,
    kind: Kind,
    smoothing: float,
) -> Any:
    import torch
    import torch.nn.functional as F

    from .network import pooled

    if kind == "words":
        rows = [row for row, one in enumerate(chosen) for place in one.words if place]
        places = [place for one in chosen for place in one.words if place]
        wanted = [
            label
            for one, row in zip(chosen, targets, strict=True)
            for place, label in zip(one.words, row, strict=True)
            if place
        ]
        vectors = states[rows, places]
        return F.cross_entropy(
            F.linear(vectors, weights, bias), torch.tensor(wanted), ignore_index=UNLABELLED
        )
    inside = torch.zeros(states.shape[:2], dtype=torch.bool)
    for row, one in enumerate(chosen):
        inside[row, : one.pooled] = True
    scores = F.linear(pooled(states, inside), weights, bias)
    if kind == "single":
        return F.cross_entropy(scores, torch.tensor(targets), label_smoothing=smoothing)
    applies = torch.zeros(scores.shape)
    for row, columns in enumerate(targets):
        applies[row, columns] = 1.0
    return F.binary_cross_entropy_with_logits(scores, applies, reduction="none").sum(1).mean()


def _head_alone(
    frozen: EncoderModel,
    sequences: Sequence[Pieces],
    targets: Sequence[Any],
    labels: int,
    kind: Kind,
) -> tuple[Floats, Floats]:
    """Logistic regression over the published encoder's vectors."""
    from sklearn.linear_model import LogisticRegression

    if kind == "words":
        states = frozen.states(sequences)
        vectors = np.concatenate(
            [found[one.words] for found, one in zip(states, sequences, strict=True)]
        )
        flat: npt.NDArray[Any] = np.concatenate([np.array(row) for row in targets])
        vectors, wanted = vectors[flat != UNLABELLED], flat[flat != UNLABELLED]
    else:
        vectors = frozen.embed(sequences)
    weights = np.zeros((labels, WIDTH), np.float32)
    bias = np.full(labels, -10.0, np.float32)
    if kind == "multiple":
        for label in range(labels):
            has = np.array([label in row for row in targets])
            if has.any() and not has.all():
                fitted = LogisticRegression(C=10.0, max_iter=300).fit(vectors, has)
                weights[label], bias[label] = fitted.coef_[0], fitted.intercept_[0]
        return weights, bias
    if kind == "single":
        wanted = np.array(targets)
    fitted = LogisticRegression(C=10.0, max_iter=300).fit(vectors, wanted)
    if len(fitted.classes_) == 2:
        weights[fitted.classes_[1]] = fitted.coef_[0]
        bias[fitted.classes_] = [0.0, fitted.intercept_[0]]
    else:
        weights[fitted.classes_], bias[fitted.classes_] = fitted.coef_, fitted.intercept_
    return weights, bias

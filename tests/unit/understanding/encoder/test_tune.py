import numpy as np
import pytest

from colloquy.understanding.encoder import tune as module
from colloquy.understanding.encoder.base import Base, load_base
from colloquy.understanding.encoder.model import EncoderModel, Header
from colloquy.understanding.encoder.tune import (
    UNLABELLED,
    Recipe,
    can_tune,
    default_epochs,
    silent,
    tune,
)

FLATS = ["is the flat free", "can i see the apartment", "two rooms near the park", "rent it out"]
MONEY = ["i want a refund", "you charged me twice", "where is my money", "the payment failed"]
RECIPE = Recipe(epochs=8, rate=3e-4, head_rate=5e-3)

needs_torch = pytest.mark.skipif(
    not can_tune(), reason="PyTorch is not installed: nothing is fine-tuned here"
)


@pytest.fixture(scope="module")
def base() -> Base:
    return load_base()


def header(base: Base, *labels: str) -> Header:
    return Header(task="test", version="", base=base.checksum, labels=list(labels), tuned=True)


def trained(base: Base) -> EncoderModel:
    return tune(
        base,
        base.texts(FLATS + MONEY),
        [0] * 4 + [1] * 4,
        header(base, "flat", "money"),
        "single",
        RECIPE,
    )


@needs_torch
def test_one_label_per_text_is_learned_and_the_same_again(base: Base) -> None:
    lines: list[str] = []
    model = trained(base)
    asked = base.texts(["is that flat still available", "give me my money back"])
    assert model.scores(asked).argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose(trained(base).scores(asked), model.scores(asked), atol=1e-4)
    tune(
        base,
        base.texts(FLATS),
        [0, 0, 1, 1],
        model.header,
        "single",
        Recipe(epochs=1),
        lines.append,
    )
    assert lines[-1].startswith("tuning: epoch 1 of 1, loss ")


@needs_torch
def test_products_are_in_the_type_that_the_cpu_has(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from colloquy.understanding.encoder.network import product_type

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert product_type() is torch.bfloat16
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "amx_bf16": False})
    assert product_type() is torch.float32
    asked = base.texts(["is that flat still available", "give me my money back"])
    assert trained(base).scores(asked).argmax(axis=1).tolist() == [0, 1]


@needs_torch
def test_several_labels_per_text(base: Base) -> None:
    texts = [*FLATS, *MONEY, "refund my rent for the flat", "the flat was charged twice"]
    targets = [[0]] * 4 + [[1]] * 4 + [[0, 1]] * 2
    model = tune(
        base, base.texts(texts), targets, header(base, "flat", "money"), "multiple", RECIPE
    )
    scores = model.scores(base.texts(["an apartment with a garden", "refund the money"]))
    assert scores[0, 0] > scores[0, 1]
    assert scores[1, 1] > scores[1, 0]


@needs_torch
def test_words_are_labelled_and_those_without_a_label_are_left_alone(base: Base) -> None:
    texts = [["a", "flat", "in", city] for city in ("paris", "rome", "berlin", "madrid")] * 2
    targets = [[UNLABELLED, 0, 0, 1]] * 8
    model = tune(base, base.tokens(texts), targets, header(base, "O", "city"), "words", RECIPE)
    (scores,) = model.word_scores(base.tokens([["a", "house", "in", "vienna"]]))
    assert scores.argmax(axis=1).tolist()[1:] == [0, 0, 1]


@pytest.mark.parametrize("labels", [2, 3])
def test_without_pytorch_a_head_is_trained(
    base: Base, monkeypatch: pytest.MonkeyPatch, labels: int
) -> None:
    monkeypatch.setattr(module, "can_tune", lambda: False)
    names = ["flat", "money", "unused"][:labels]
    model = tune(
        base,
        base.texts(FLATS + MONEY),
        [0] * 4 + [1] * 4,
        header(base, *names),
        "single",
        progress=silent,
    )
    scores = model.scores(base.texts(["an apartment to let", "refund me"]))
    assert scores.argmax(axis=1).tolist() == [0, 1]


def test_without_pytorch_several_labels_and_words(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "can_tune", lambda: False)
    both = tune(
        base,
        base.texts(FLATS + MONEY),
        [[0]] * 4 + [[1]] * 4,
        header(base, "flat", "money"),
        "multiple",
    )
    scores = both.scores(base.texts(["an apartment to let"]))
    assert scores[0, 0] > 0 > scores[0, 1]
    cities = [["in", city] for city in ("paris", "rome", "berlin", "madrid")]
    words = tune(base, base.tokens(cities), [[0, 1]] * 4, header(base, "O", "city"), "words")
    (found,) = words.word_scores(base.tokens([["in", "vienna"]]))
    assert found.argmax(axis=1).tolist() == [0, 1]


def test_few_rows_are_seen_often_and_many_seldom() -> None:
    assert default_epochs(100) == 20
    assert default_epochs(15_000) == 5
    assert default_epochs(1_000_000) == 3

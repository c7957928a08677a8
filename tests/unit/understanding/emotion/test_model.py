"""The linear model: training, its file, and that neither batch nor order matters."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.understanding.emotion import model as module
from colloquy.understanding.emotion.features import is_mark, tokens_of_feeling
from colloquy.understanding.emotion.labels import FINE
from colloquy.understanding.emotion.model import EmotionModel
from colloquy.understanding.emotion.ship import SHIPPED, load_shipped
from colloquy.understanding.emotion.train import Example, Settings, train

GLAD = ("what a great day", "this is great", "i love it", "so happy today", "great and lovely")
SAD = ("what a sad day", "this is awful", "i hate it", "so sad today", "awful and sad")
FAST = Settings(iterations=20)


def _examples(times: int = 6) -> list[Example]:
    found = []
    for number in range(times):
        found += [Example(f"{text} {number}x", ["joy"]) for text in GLAD]
        found += [Example(f"{text} {number}x", ["sadness"]) for text in SAD]
        found += [
            Example(f"great but awful {number}x", ["joy", "sadness"]),
            Example(f"sad and great {number}x", ["joy", "sadness"]),
        ]
    return found


def _single() -> list[Example]:
    return [one for one in _examples() if len(one.labels) == 1]


@pytest.fixture(scope="module")
def trained() -> EmotionModel:
    return train(_examples(), "multiple", settings=FAST).model


@pytest.fixture(scope="module")
def shipped() -> EmotionModel:
    return load_shipped()


def _names(model: EmotionModel, text: str) -> list[str]:
    chosen = model.chosen(model.probabilities([text]))[0]
    return [label for label, one in zip(model.labels, chosen, strict=True) if one]


def test_learns_several_labels_per_text(trained: EmotionModel) -> None:
    assert _names(trained, "a great day") == ["joy"]
    assert _names(trained, "an awful day") == ["sadness"]
    assert _names(trained, "awful but great") == ["joy", "sadness"]


def test_learns_one_label_per_text_and_its_probabilities_sum_to_one() -> None:
    learned = train(_single(), "single", settings=FAST)
    found = learned.model.probabilities(["a great day", "an awful day"])
    assert found.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert learned.model.chosen(found).tolist() == [[True, False], [False, True]]
    assert np.exp(learned.unseen).sum(axis=1) == pytest.approx(np.ones(len(_single())))


def test_scores_of_unseen_rows_come_from_models_that_had_not_seen_them() -> None:
    # A word that occurs with one label in a single text can only be known to who saw that text.
    odd = [*_examples(), *(Example("qzxv", ["sadness"]) for _ in range(5))]
    learned = train(odd, "multiple", settings=FAST)
    column = learned.model.labels.index("sadness")
    assert learned.unseen[-1, column] < learned.model.scores(["qzxv"])[0, column]


def test_what_was_said_before_is_heard() -> None:
    said = [("was it good or bad", False)]
    rows = []
    for number in range(12):
        for before, label in (("we won the match", "joy"), ("we lost the match", "sadness")):
            heard = [(before, True), *said]
            rows.append(Example("that is how it was", [label], heard, f"d{number}{label}"))
    model = train(rows, "single").model
    texts = ["that is how it was"] * 2
    found = model.probabilities(texts, [[("we won", True)], [("we lost", True)]])
    assert found.argmax(axis=1).tolist() == [0, 1]
    alike = model.probabilities(texts, [[("we won", False)], [("we lost", False)]])
    assert alike[0].tolist() == alike[1].tolist()


def test_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(_examples(), "multiple", settings=FAST).model.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_cannot_be_learned_is_refused() -> None:
    with pytest.raises(InvalidInput, match="two labels"):
        train([Example("a", ["joy"])] * 3, "single")
    with pytest.raises(InvalidInput, match="row 2 has 0 labels"):
        train([*_examples()[:1], Example("b", []), Example("c", ["sadness"])], "multiple")
    with pytest.raises(InvalidInput, match="row 1 has 2 labels"):
        train([Example("a", ["joy", "sadness"])], "single")


def test_a_saved_model_scores_alike(trained: EmotionModel, tmp_path: Path) -> None:
    trained.save(tmp_path / "model")
    again = EmotionModel.load(tmp_path / "model")
    assert again.header == trained.header
    texts = ["a great day", "sad!!!", "", "nothing known"]
    assert again.scores(texts).tolist() == trained.scores(texts).tolist()


def test_damaged_and_foreign_files_are_refused(trained: EmotionModel, tmp_path: Path) -> None:
    path = tmp_path / "model"
    with pytest.raises(NotFound):
        EmotionModel.load(path)
    trained.save(path)
    data = path.read_bytes()
    for wrong, said in (
        (b"", "not an emotion model"),
        (b"PK" + data, "not an emotion model"),
        (data[:-40], "checksum"),
        (data[:200] + b"\x07" + data[201:], "checksum"),
    ):
        path.write_bytes(wrong)
        with pytest.raises(InvalidInput, match=said):
            EmotionModel.load(path)
    other = EmotionModel(
        msgspec.structs.replace(trained.header, algorithm=module.ALGORITHM + 1),
        trained._keys, trained._idf, trained._scales, trained._weights, trained._bias,
    )  # fmt: skip
    other.save(path)
    with pytest.raises(InvalidInput, match="train it again"):
        EmotionModel.load(path)


def test_the_shipped_model_is_small_and_knows_the_28(shipped: EmotionModel) -> None:
    assert SHIPPED.stat().st_size < 4_000_000
    assert set(shipped.labels) == set(FINE)
    assert shipped.version in SHIPPED.with_suffix(".md").read_text()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Thanks, that is so kind of you!", "gratitude"),
        ("lol that's hilarious", "amusement"),
        ("I am so sorry for what I did", "remorse"),
        ("I'm terrified of spiders", "fear"),
        ("The bus leaves at five", "neutral"),
    ],
)
def test_the_shipped_model_knows_plain_cases(shipped: EmotionModel, text: str, label: str) -> None:
    assert label in _names(shipped, text)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=60), min_size=1, max_size=6))
def test_a_batch_scores_as_its_texts_one_by_one(shipped: EmotionModel, texts: list[str]) -> None:
    together = shipped.probabilities(texts)
    assert np.isfinite(together).all()
    for text, row in zip(texts, together, strict=True):
        assert shipped.probabilities([text])[0] == pytest.approx(row, abs=1e-6)
    assert shipped.probabilities(texts[::-1])[::-1] == pytest.approx(together, abs=1e-6)


def test_an_empty_batch_has_no_rows(shipped: EmotionModel) -> None:
    assert shipped.probabilities([]).shape == (0, 28)


def test_a_full_cache_changes_nothing(
    trained: EmotionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"great day number {number} of w{number}" for number in range(50)]
    before = trained.scores(texts)
    monkeypatch.setattr(module, "_MAX_ROWS", 20)
    assert trained.scores(texts[:1]).tolist() == before[:1].tolist()
    assert trained.scores(texts[1:]) == pytest.approx(before[1:], abs=1e-6)


def test_signs_are_tokens_of_their_own() -> None:
    tokens = [
        token for token in tokens_of_feeling("SOOOOO GOOD!!!! :) ... 42") if not is_mark(token)
    ]
    assert tokens == ["soo", "good", "!!", ":)", "..", "0"]
    marks = [token for token in tokens_of_feeling("THIS IS VERY BAD SERVICE") if is_mark(token)]
    assert any("shouted" in mark for mark in marks)
    assert tokens_of_feeling("  ") == []

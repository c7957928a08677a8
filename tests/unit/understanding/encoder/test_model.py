from pathlib import Path

import numpy as np
import pytest

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.understanding.encoder.base import WIDTH, Base, load_base
from colloquy.understanding.encoder.graph import build_graph
from colloquy.understanding.encoder.model import EncoderModel, Header

TEXTS = ["when is the flat free?", "i want my money back", "when is the apartment free?", "hi", ""]


@pytest.fixture(scope="module")
def base() -> Base:
    return load_base()


@pytest.fixture(scope="module")
def model(base: Base) -> EncoderModel:
    header = Header(
        task="test",
        version="v1",
        base=base.checksum,
        labels=["a", "b"],
        tuned=False,
        extra={"x": 1},
    )
    weights = np.random.default_rng(0).normal(size=(2, WIDTH)).astype(np.float32)
    bias = np.array([0.5, -0.5], np.float32)
    return EncoderModel(base, header, build_graph(base.tensors()), weights, bias)


def test_texts_that_mean_the_same_are_near(base: Base, model: EncoderModel) -> None:
    vectors = model.embed(base.texts(TEXTS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    flat, money, apartment = vectors[:3]
    assert flat @ apartment > flat @ money + 0.2


def test_a_result_does_not_depend_on_the_batch(base: Base, model: EncoderModel) -> None:
    together = model.scores(base.texts(TEXTS))
    alone = np.concatenate([model.scores(base.texts([text])) for text in TEXTS])
    backwards = model.scores(base.texts(TEXTS[::-1]))[::-1]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, backwards)


def test_no_texts_have_no_vectors(model: EncoderModel) -> None:
    assert model.embed([]).shape == (0, WIDTH)


def test_words_have_scores_and_those_cut_off_have_none(base: Base, model: EncoderModel) -> None:
    (scores,) = model.word_scores(base.tokens([["a", "flat", "in", "town"]], limit=4))
    assert scores.shape == (4, 2)
    assert np.abs(scores[:2]).min() > 0
    assert not scores[2:].any()


def test_int8_is_near_the_published_weights(base: Base, model: EncoderModel) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is only there for training")
    from colloquy.understanding.encoder.network import product_type, states_of

    tensors = {name: torch.tensor(array) for name, array in base.tensors().items()}
    for one in base.texts(TEXTS):
        x, mask = base.inputs([one])
        with torch.inference_mode():
            states = states_of(
                tensors, torch.tensor(x), torch.tensor(mask).bool(), lambda y: y, product_type()
            )
        wanted = states[0].mean(0).numpy()
        found = model.embed([one])[0]
        assert wanted @ found / np.linalg.norm(wanted) / np.linalg.norm(found) > 0.95


def test_a_file_holds_all_of_it(base: Base, model: EncoderModel, tmp_path: Path) -> None:
    path = tmp_path / "m.encoder"
    model.save(path)
    again = EncoderModel.load(path, base)
    assert again.header.extra == {"x": 1} and again.header.labels == ["a", "b"]
    sequences = base.texts(TEXTS)
    np.testing.assert_array_equal(again.scores(sequences), model.scores(sequences))
    assert [found.name for found in tmp_path.iterdir()] == ["m.encoder"]


def test_damaged_and_foreign_files_are_refused(
    base: Base, model: EncoderModel, tmp_path: Path
) -> None:
    with pytest.raises(NotFound):
        EncoderModel.load(tmp_path / "none", base)
    path = tmp_path / "m.encoder"
    path.write_bytes(b"something else entirely")
    with pytest.raises(InvalidInput, match="no encoder model"):
        EncoderModel.load(path, base)
    content = bytearray(model.to_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="damaged"):
        EncoderModel.load(path, base)
    path.write_bytes(model.to_bytes()[:-100])
    with pytest.raises(InvalidInput, match="damaged"):
        EncoderModel.load(path, base)


def test_a_model_of_another_encoder_is_refused(base: Base) -> None:
    header = Header(task="t", version="", base="0" * 12, labels=["a"], tuned=False)
    nothing = np.zeros((1, WIDTH), np.float32), np.zeros(1, np.float32)
    with pytest.raises(InvalidInput, match="was trained on the encoder"):
        EncoderModel(base, header, b"", *nothing)

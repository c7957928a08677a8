"""The classifier: golden intents of the shipped pack, calibration, the file, hostile texts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.understanding import intent
from colloquy.understanding.intent import Guess, IntentModel, read_header, tokens_of
from colloquy.understanding.pack import Pack, pack_from
from colloquy.understanding.packs.folder import load_pack
from colloquy.understanding.train import model_version, train

SMALL = pack_from(
    {
        "name": "small",
        "intents": {
            "greet": {"examples": ["hi", "hello there", "good morning", "hey", "hi all"]},
            "price": {"examples": ["how much is it", "what does it cost", "price please", "cost?"]},
            "hours": {
                "examples": ["when are you open", "opening hours", "until when are you open"]
            },
        },
    }
)


@pytest.fixture(scope="module")
def shipped() -> IntentModel:
    return IntentModel.load(PROPERTY_MODEL)


@pytest.fixture(scope="module")
def trained() -> IntentModel:
    return train(load_pack(PROPERTY_PACK))


GOLDEN = [
    ("Hello Ana!", "greet"),
    ("bye then", "goodbye"),
    ("thank you very much for that", "thanks"),
    ("yes please do it", "affirm"),
    ("no, not that", "deny"),
    ("could i see the apartment on tuesday afternoon?", "book_viewing"),
    ("I'd like to veiw the house tomorow", "book_viewing"),
    ("i have to cancel my appointment for friday", "cancel_viewing"),
    ("what's the rent of the 2 bed", "price_question"),
    ("is the flat still available?", "availability"),
    ("can I have a dog", "pets"),
    ("is there somewhere to park the car?", "parking"),
    ("when will I get my deposit back", "deposit"),
    ("my radiator is cold and leaking", "repair_request"),
    ("I am really not happy with your service", "complaint"),
    ("give me a human", "talk_to_human"),
    ("when are you open on monday", "opening_hours"),
    ("where is it located", "location"),
    ("my payment was declined", "payment_problem"),
]


@pytest.mark.parametrize(("text", "name"), GOLDEN)
def test_golden_intents_of_the_shipped_pack(shipped: IntentModel, text: str, name: str) -> None:
    (guess,) = shipped.classify([tokens_of(text)])
    assert guess.intent == name
    assert guess.confidence >= 0.75


@pytest.mark.parametrize(
    "text",
    ["who is the president", "I ordered a pizza", "asdkjasd", "the meaning of life", "日本語"],
)
def test_foreign_subjects_are_not_claimed(shipped: IntentModel, text: str) -> None:
    (guess,) = shipped.classify([tokens_of(text)])
    assert guess.confidence < 0.75


def test_the_shipped_model_is_what_training_yields(
    shipped: IntentModel, trained: IntentModel
) -> None:
    assert shipped.version == model_version(load_pack(PROPERTY_PACK)) == trained.version
    assert f"`{shipped.version}`" in PROPERTY_MODEL.with_suffix(".md").read_text()
    assert shipped.labels == trained.labels
    texts = [tokens_of(text) for text, _ in GOLDEN]
    np.testing.assert_allclose(shipped.scores(texts), trained.scores(texts), atol=0.02)


def test_training_is_deterministic(tmp_path: Path) -> None:
    reordered = pack_from(
        {"name": "other", "intents": {
            name: {"examples": taught.examples[::-1]}
            for name, taught in reversed(SMALL.intents.items())
        }}
    )  # fmt: skip
    for index, pack in enumerate((SMALL, SMALL, reordered)):
        train(pack).save(tmp_path / str(index))
    first, *others = [(tmp_path / str(index)).read_bytes() for index in range(3)]
    assert others == [first, first]


def test_small_packs_work() -> None:
    model = train(SMALL)
    guesses = model.classify([tokens_of(text) for text in ("hello", "how much", "are you open?")])
    assert [guess.intent for guess in guesses] == ["greet", "price", "hours"]


def test_a_single_intent_is_told_from_other_talk() -> None:
    examples = ["i want to buy it", "can i buy one", "i'd like to purchase this", "buy now"]
    model = train(pack_from({"name": "one", "intents": {"buy": {"examples": examples}}}))
    buy, other = model.classify([tokens_of("i want to buy one"), tokens_of("where is the moon")])
    assert buy.intent == "buy"
    assert buy.confidence > other.confidence


def test_nothing_to_train_on() -> None:
    with pytest.raises(InvalidInput):
        train(Pack(name="empty"))


def test_confidence_is_calibrated(trained: IntentModel) -> None:
    """On the pack's own texts, read with a typing error each, sure guesses are mostly right."""
    pack = load_pack(PROPERTY_PACK)
    texts, truth = [], []
    for name, taught in pack.intents.items():
        for example in taught.examples:
            if len(example) > 12:
                middle = len(example) // 2
                texts.append(tokens_of(example[:middle] + example[middle + 1 :]))
                truth.append(name)
    guesses = trained.classify(texts)
    sure = [guess.intent == name for guess, name in zip(guesses, truth, strict=True)
            if guess.confidence >= 0.75]  # fmt: skip
    assert len(sure) > len(texts) / 2
    assert sum(sure) / len(sure) > 0.9
    outside = trained.classify([tokens_of(text) for text in ("play a song", "who won", "buy milk")])
    assert max(guess.confidence for guess in outside) < np.mean([g.confidence for g in guesses])


def test_batch_equals_one_by_one(shipped: IntentModel) -> None:
    texts = [tokens_of(text) for text, _ in GOLDEN] + [[], ["zzz"]]
    fresh = IntentModel.load(PROPERTY_MODEL)
    assert shipped.classify(texts) == [fresh.classify([text])[0] for text in texts]
    assert shipped.classify([[]]) == [Guess()]
    assert shipped.classify([]) == []


def test_the_cache_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intent, "_MAX_CACHE_BYTES", 64 * 1024)
    monkeypatch.setattr(intent, "_MAX_CACHED_PAIRS", 2_000)
    model = IntentModel.load(PROPERTY_MODEL)
    expected = model.classify([tokens_of("can i bring my dog")])
    for start in range(0, 6_000, 200):
        model.classify([[f"word{number}" for number in range(start, start + 200)]])
    assert len(model._rows) < 2_500
    assert len(model._matrix) <= 2_048
    assert model.classify([tokens_of("can i bring my dog")]) == expected


def test_saved_and_loaded(shipped: IntentModel, tmp_path: Path) -> None:
    shipped.save(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == PROPERTY_MODEL.read_bytes()
    header, _ = read_header(PROPERTY_MODEL.read_bytes())
    assert header == shipped.header
    assert PROPERTY_MODEL.stat().st_size < 1_000_000


@pytest.mark.parametrize("damage", ["empty", "foreign", "cut", "header"])
def test_damaged_files_are_refused(tmp_path: Path, damage: str) -> None:
    good = PROPERTY_MODEL.read_bytes()
    path = tmp_path / "model"
    path.write_bytes(
        {
            "empty": b"",
            "foreign": b"PK" + good,
            "cut": good[: len(good) // 2],
            "header": good.replace(b'"labels"', b'"lables"', 1),
        }[damage]
    )
    with pytest.raises(InvalidInput):
        IntentModel.load(path)


def test_an_older_algorithm_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    data = PROPERTY_MODEL.read_bytes()
    path.write_bytes(data.replace(b'"algorithm":2', b'"algorithm":1', 1))
    with pytest.raises(InvalidInput, match="train it again"):
        IntentModel.load(path)


def test_a_model_of_other_word_vectors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    model = IntentModel.load(PROPERTY_MODEL)
    model.header = msgspec.structs.replace(model.header, words="0" * 12)
    model.save(path)
    with pytest.raises(InvalidInput, match=r"vectors 000000000000.*train it again"):
        IntentModel.load(path)


def test_a_changed_byte_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "model"
    data = bytearray(PROPERTY_MODEL.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(InvalidInput, match="damaged: its checksum is wrong"):
        IntentModel.load(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        IntentModel.load(tmp_path / "none")


def test_tokens() -> None:
    assert tokens_of("Don’t call 415, OK? 👍") == ["don't", "call", "0", "ok", "?", "👍"]
    assert tokens_of("\u0000 \ud800 !!") == []

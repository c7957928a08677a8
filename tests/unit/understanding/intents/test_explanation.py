"""Explanations of intents: they add up to the model's score, and say the same every time."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.errors import InvalidInput
from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK, SUPPORT_MODEL, SUPPORT_PACK
from colloquy.understanding.analyse import Analyser
from colloquy.understanding.intent import IntentModel, tokens_of
from colloquy.understanding.intents.explanation import contributions, explain, resembling
from colloquy.understanding.packs.folder import load_pack
from colloquy.understanding.wire import Item

PACK = load_pack(PROPERTY_PACK)
MODEL = IntentModel.load(PROPERTY_MODEL)


def test_a_claimed_intent() -> None:
    found = explain(PACK, MODEL, "Is my DOG allowed in there??")
    assert found.claim.intent == found.claim.guess == "pets"
    assert found.claim.why == "sure" and found.reason.startswith("pets is claimed: its confidence")
    assert found.nearest[0].intent == "pets" and 0.3 < found.nearest[0].similarity < 1.0
    assert [near.similarity for near in found.nearest] == sorted(
        (near.similarity for near in found.nearest), reverse=True
    )
    assert max(found.words, key=lambda word: word.contribution).word in ("dog", "allowed")
    assert len(found.others) == len(found.nearest) == 5
    assert all(other.name != "pets" for other in found.others)
    assert found.claim.confidence + sum(other.confidence for other in found.others) <= 1.0


@given(st.lists(st.sampled_from(["dog", "rent", "the", "is", "zzqx", "pay", "0", "?"]), max_size=9))
def test_a_contribution_is_what_the_score_loses_without_the_word(words: list[str]) -> None:
    whole = MODEL.scores([words])[0]
    for column in (1, len(whole) - 1):
        found = contributions(MODEL, words, column)
        assert [word.word for word in found] == words
        for place, word in enumerate(found):
            left = MODEL.scores([words[:place] + words[place + 1 :]])[0]
            assert word.contribution == pytest.approx(whole[column] - left[column], abs=1e-4)


def test_words_nobody_knows_speak_against() -> None:
    words = explain(PACK, MODEL, "are dogs allowed qwertz").words
    assert [word.word for word in words] == ["are", "dogs", "allowed", "qwertz"]
    assert words[1].contribution > 0 > words[3].contribution


def test_an_example_is_most_like_itself() -> None:
    text = PACK.intents["parking"].examples[3]
    near = resembling(MODEL, PACK.rows(), tokens_of(text))
    assert (near[0].text, near[0].intent, near[0].similarity) == (text, "parking", 1.0)
    assert near[1].similarity < 1.0
    assert explain(PACK, MODEL, text).nearest == near


@pytest.mark.parametrize(
    "text", ["hello", "the dog pays", "who painted the mona lisa", "hm", "", "?", "1" * 5000]
)
def test_it_claims_what_the_analyser_claims(text: str) -> None:
    for folder, file in ((PROPERTY_PACK, PROPERTY_MODEL), (SUPPORT_PACK, SUPPORT_MODEL)):
        pack, model = load_pack(folder), IntentModel.load(file)
        (served,) = Analyser(pack, model).analyse([Item(text, 0, None)])
        found = explain(pack, model, text)
        assert (found.claim.intent, found.claim.confidence) == (served.intent, served.confidence)
        assert explain(pack, model, text) == found


def test_no_words_no_reasons() -> None:
    found = explain(PACK, MODEL, "...")
    assert found.claim.why == "nothing" and found.claim.guess is None
    assert found.words == [] and found.nearest == [] and found.others == []
    assert "no word" in found.reason


def test_why_nothing_is_claimed() -> None:
    text = "what about the dog and the car"
    strict = msgspec.structs.replace(PACK, threshold=0.999)
    assert explain(strict, MODEL, text).claim.why == "unsure"
    torn = msgspec.structs.replace(PACK, threshold=0.01, margin=0.999)
    found = explain(torn, MODEL, text)
    assert found.claim.why == "torn" and found.others[0].name in found.reason


def test_several_intents_are_not_explained() -> None:
    several = msgspec.structs.replace(PACK, multi_label=True)
    with pytest.raises(InvalidInput, match="several"):
        explain(several, MODEL, "hello")

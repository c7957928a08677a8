"""Settings of an app, and what its decorators refuse."""

from __future__ import annotations

import pytest

from colloquy import Colloquy
from colloquy.model.errors import InvalidInput, SettingsError
from colloquy.runtime.assistant import pack_of
from colloquy.settings import Settings


def test_the_command_line_changes_settings_that_were_made_already() -> None:
    app = Colloquy(Settings(port=1, workers=3))
    settings = app.settings({"port": "7", "preset": "test"})
    assert (settings.port, settings.workers, settings.preset) == (7, 0, "test")
    assert app.settings().port == 1


def test_a_wrong_override_of_ready_made_settings_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        Colloquy(Settings()).settings({"port": "none", "nonsense": "1"})
    assert {problem["setting"] for problem in caught.value.extra["problems"]} == {
        "port",
        "nonsense",
    }


def test_names_are_registered_once() -> None:
    app = Colloquy()
    app.on_intent("hours")(lambda turn: "9 to 18")
    with pytest.raises(InvalidInput):
        app.on_intent("hours")(lambda turn: "always")
    app.on_fallback(lambda turn: None)
    with pytest.raises(InvalidInput):
        app.on_fallback(lambda turn: None)


@pytest.mark.parametrize(
    ("pattern", "emotion", "confidence", "field"),
    [
        ("(", "joy", 0.9, "emotion_rules[1].pattern"),
        ("a", "hunger", 0.9, "emotion_rules[1].emotion"),
        ("a", "joy", 1.5, "emotion_rules[1].confidence"),
    ],
)
def test_a_rule_of_emotion_that_cannot_be_is_refused_where_it_is_given(
    pattern: str, emotion: str, confidence: float, field: str
) -> None:
    app = Colloquy()
    app.add_emotion_rule("meh+", "frustrated")
    with pytest.raises(InvalidInput) as caught:
        app.add_emotion_rule(pattern, emotion, confidence)
    assert caught.value.field == field
    assert len(app.emotion_rules) == 1


def test_rules_of_emotion_stand_before_those_of_settings_and_pack() -> None:
    given = {"understanding.emotion_rules": '[{"pattern": "b", "emotion": "joy"}]'}
    app = Colloquy(pack="support")
    app.add_emotion_rule("a", "love")
    pack = pack_of(app, app.settings(given))
    own = pack_of(Colloquy(pack="support"), app.settings())
    assert pack is not None and own is not None
    assert [rule.pattern for rule in pack.emotions[:2]] == ["a", "b"]
    assert pack.emotions[2:] == own.emotions
    assert pack.training_data() == own.training_data(), "the model of intents is the same"
    assert pack.version != own.version
    bare = pack_of(Colloquy(), app.settings(given))
    assert bare is not None and not bare.trainable
    wrong = {"understanding.emotion_rules": '[{"pattern": "(", "emotion": "joy"}]'}
    with pytest.raises(InvalidInput) as caught:
        pack_of(app, app.settings(wrong))
    assert caught.value.field == "understanding.emotion_rules[0].pattern"

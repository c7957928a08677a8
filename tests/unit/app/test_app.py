"""Settings of an app, and what its decorators refuse."""

from __future__ import annotations

import pytest

from colloquy import Colloquy
from colloquy.model.errors import InvalidInput, SettingsError
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

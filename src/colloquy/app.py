"""What users write: an assistant is a `Colloquy` with handlers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .delivery.outbox import PushChannel
from .model.errors import InvalidInput
from .replies.handlers import Handler, Handlers
from .settings import Resolution, Settings, overlay, resolve

if TYPE_CHECKING:
    from .testing import TestClient

H = TypeVar("H", bound=Handler)


class Colloquy:
    """An assistant: handlers, an intent pack, settings.

        app = Colloquy()

        @app.on_intent("opening_hours", examples=["when do you open?", "are you open on sunday"])
        def hours(turn):
            return "Monday to Friday, 9 to 18."

    `config`: a TOML file, or settings made already; without it the file that `COLLOQUY_CONFIG`
    names, else `colloquy.toml` in the working folder. The `COLLOQUY_…` environment counts too.
    `pack`: the name of a shipped intent pack, or a path.
    """

    def __init__(
        self, config: str | Path | Settings | None = None, *, pack: str | Path | None = None
    ) -> None:
        self._config = config
        self.pack = pack
        self.handlers = Handlers()
        self.channels: dict[str, PushChannel] = {}

    def settings(self, overrides: dict[str, str] | None = None) -> Settings:
        """The settings that count for this app; `overrides` come from the command line.

        Raises SettingsError with every problem at once.
        """
        return self.resolution(overrides).settings

    def resolution(self, overrides: dict[str, str] | None = None) -> Resolution:
        """The same settings with the origin of each. Raises SettingsError."""
        if isinstance(self._config, Settings):
            return overlay(self._config, overrides or {})
        file = Path(self._config) if self._config is not None else None
        return resolve(file, os.environ, overrides or {})

    # -- handlers -----------------------------------------------------------------------------

    def on_intent(self, name: str, *, examples: Sequence[str] = ()) -> Callable[[H], H]:
        """Answers messages with this intent. `examples` are added to the pack's and trained."""

        def register(fn: H) -> H:
            self.handlers.intents[name] = self.handlers.register(fn, f"intent:{name}")
            if examples:
                self.handlers.examples[name] = list(examples)
            return fn

        return register

    def on_message(self, fn: H) -> H:
        """Sees every message before the intent's handler. Returning None passes on."""
        name = f"message:{getattr(fn, '__qualname__', len(self.handlers.messages))}"
        self.handlers.messages.append(self.handlers.register(fn, name))
        return fn

    def on_fallback(self, fn: H) -> H:
        """Answers when nothing else did."""
        if self.handlers.fallback is not None:
            raise InvalidInput("there is a fallback already", field="on_fallback")
        self.handlers.fallback = self.handlers.register(fn, "fallback")
        return fn

    def on_timer(self, name: str) -> Callable[[H], H]:
        """Runs when a timer of this name, set by `turn.later`, is due."""

        def register(fn: H) -> H:
            self.handlers.timers[name] = self.handlers.register(fn, f"timer:{name}")
            return fn

        return register

    def add_channel(self, name: str, channel: PushChannel) -> None:
        """Replies on this channel are pushed through `channel.send`; others are read by clients.

        Raises InvalidInput when the name is taken.
        """
        if name in self.channels:
            raise InvalidInput(f"channel {name} is there already", field=name)
        self.channels[name] = channel

    # -- running ------------------------------------------------------------------------------

    def test_client(self, **settings: str) -> TestClient:
        """Runs this assistant without a server, on a temporary database.

        with app.test_client() as client:
            assert client.send("when do you open?")[0].text == "Monday to Friday, 9 to 18."
        """
        from .testing import TestClient

        return TestClient(self, **settings)

"""What users write: an assistant is a `Colloquy` with handlers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .context.validation import Rule
from .delivery.outgoing import PushChannel
from .ledger.steps import StepFunction
from .model.errors import InvalidInput
from .replies.handlers import Handler, Handlers
from .replies.responder import Responder
from .replies.tools import Tool, tool_of
from .settings import Resolution, Settings, overlay, resolve

if TYPE_CHECKING:
    from .model.turn import Turn
    from .testing import TestClient
    from .understanding.emotion.rules import EmotionRule

H = TypeVar("H", bound=Handler)
R = TypeVar("R", bound=StepFunction)
F = TypeVar("F", bound=Callable[..., Any])


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
        self.rollback_steps: list[tuple[str, StepFunction, float]] = []
        self.context_rules: list[Rule] = []
        self.emotion_rules: list[EmotionRule] = []
        self.tools: dict[str, Tool] = {}
        self.own_responder: Responder | None = None
        self.openfeature_domains: list[str | None] = []

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
        """Answers messages with this intent and with those below it that have no handler of their
        own ("billing" answers "billing/refund"). `examples` are added to the pack's and trained."""

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

    def on_rollback(self, name: str, *, timeout_s: float = 30.0) -> Callable[[R], R]:
        """Runs with every rollback, once what it restores is restored: clear a cache, tell another
        system. The step registered last runs first; the first that fails undoes the rollback.
        """

        def register(fn: R) -> R:
            self.rollback_steps.append((name, fn, timeout_s))
            return fn

        return register

    def bind_openfeature(self, domain: str | None = None) -> None:
        """When the engine starts, its flags answer what this process asks through OpenFeature, in
        this domain or in all that have no provider of their own (docs/flags.md)."""
        self.openfeature_domains.append(domain)

    def add_context_rule(self, rule: Rule) -> None:
        """Holds assembled contexts to one more rule (docs/context.md). Raises Conflict at the start
        where there is one of that id."""
        self.context_rules.append(rule)

    def add_emotion_rule(
        self, pattern: str, emotion: str, confidence: float = 0.9, *, name: str | None = None
    ) -> None:
        """A text that matches the pattern has this emotion (docs/packs.md), before what settings
        and pack say. Raises InvalidInput."""
        from .understanding.emotion.rules import EmotionRule, EmotionRules

        rule = EmotionRule(pattern, emotion, confidence, name)
        EmotionRules([*self.emotion_rules, rule], "emotion_rules")
        self.emotion_rules.append(rule)

    def add_channel(self, name: str, channel: PushChannel) -> None:
        """Replies on this channel are pushed through `channel.send`; others are read by clients.

        Raises InvalidInput when the name is taken.
        """
        if name in self.channels:
            raise InvalidInput(f"channel {name} is there already", field=name)
        self.channels[name] = channel

    # -- language models ----------------------------------------------------------------------

    @overload
    def tool(self, fn: F) -> F: ...

    @overload
    def tool(
        self,
        *,
        name: str | None = None,
        description: str | None = None,
        idempotent: bool = False,
        timeout_s: float | None = None,
        granted: Callable[[Turn], bool] | None = None,
    ) -> Callable[[F], F]: ...

    def tool(self, fn: F | None = None, **options: Any) -> F | Callable[[F], F]:
        """A function that a language model may call: `@app.tool`, or with options in brackets.

        Its arguments are annotated; a first one named `turn` gets the turn. What they are for
        stands in the docstring. `granted(turn)`: whether this conversation may use it. Raises
        InvalidInput.
        """

        def register(fn: F) -> F:
            self.add_tool(tool_of(fn, **options))
            return fn

        return register(fn) if fn is not None else register

    def add_tool(self, tool: Tool) -> None:
        """A tool made by `colloquy.replies.tools`: an older system's, or one of another format.

        Raises InvalidInput when the name is taken.
        """
        if tool.name in self.tools:
            raise InvalidInput(f"tool {tool.name} is there already", field=tool.name)
        self.tools[tool.name] = tool

    def responder(self, responder: Responder) -> Responder:
        """Answers what no handler and no template does, in place of the settings' language model.

        Raises InvalidInput when there is one already.
        """
        if self.own_responder is not None:
            raise InvalidInput("there is a responder already", field="responder")
        self.own_responder = responder
        return responder

    # -- running ------------------------------------------------------------------------------

    def test_client(self, **settings: str) -> TestClient:
        """Runs this assistant without a server, on a temporary database.

        with app.test_client() as client:
            assert client.send("when do you open?")[0].text == "Monday to Friday, 9 to 18."
        """
        from .testing import TestClient

        return TestClient(self, **settings)

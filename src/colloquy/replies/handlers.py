"""The handlers of an app and which of them answers a turn.

Order: a timer's handler; the handler that asked for a slot; `on_message` handlers, the first that
answers; the intent's handler; the pack's template for the intent; `on_fallback`; the fallback text.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from ..model.errors import InvalidInput
from ..model.reply import TONES, Reply
from ..model.session import Owner
from ..model.turn import Turn
from ..model.understanding import Entity, Understanding

Answer = Reply | str | None | Iterable[Reply | str]
Handler = Callable[[Turn], Answer | Awaitable[Answer]]

ASK_AGAIN = 1
"""Times a slot is asked again when the awaited entity is missing; then the text is taken."""

_SLOT = re.compile(r"\{(\w+)\}")
_Found = TypeVar("_Found")


class Registration:
    """A handler with what the pipeline must know of it."""

    __slots__ = ("fn", "is_async", "name", "slow")

    def __init__(self, fn: Handler, name: str) -> None:
        self.fn = fn
        self.name = name
        self.is_async = inspect.iscoroutinefunction(fn)
        self.slow = 0
        """How often in a row it outlasted its grace."""


class Handlers:
    """What an app registered."""

    def __init__(self) -> None:
        self.intents: dict[str, Registration] = {}
        self.examples: dict[str, list[str]] = {}
        self.messages: list[Registration] = []
        self.timers: dict[str, Registration] = {}
        self.fallback: Registration | None = None
        self.named: dict[str, Registration] = {}

    def register(self, fn: Handler, name: str) -> Registration:
        """Raises InvalidInput when the name is taken."""
        if name in self.named:
            raise InvalidInput(f"{name} is registered already", field=name)
        registration = Registration(fn, name)
        self.named[name] = registration
        return registration

    def for_turn(self, turn: Turn) -> list[Registration]:
        """The handlers to try, in order; an answer of None passes on to the next."""
        if turn.fired is not None:
            found = self.timers.get(turn.fired.name)
            return [found] if found is not None else []
        chosen: list[Registration] = []
        if turn.asked is not None:
            asker = self.named.get(turn.asked.get("handler", ""))
            if asker is not None:
                chosen.append(asker)
        chosen += self.messages
        found = _nearest(self.intents, turn.understanding.intent)
        if found is not None:
            chosen.append(found)
        return chosen


def _nearest(known: Mapping[str, _Found], intent: str | None) -> _Found | None:
    """What is known of the intent, else of the nearest above it: "billing" for "billing/refund"."""
    while intent:
        if intent in known:
            return known[intent]
        intent = intent.rpartition("/")[0]
    return None


def _standing_for(label: str, understanding: Understanding) -> Entity | None:
    """What answers a question for this label though it has another one."""
    if label in ("date", "time", "datetime"):
        # A day and a time in one expression are one `datetime`: it answers either question; and
        # "between 3 and 5" is from 3 on.
        interval = understanding.entity("interval")
        if interval is not None and isinstance(interval.value, dict):
            interval = replace(interval, value=interval.value["from"])
        return understanding.entity("datetime") or interval
    number = understanding.entity("number") if label == "quantity" else None
    return number and replace(number, value={"value": number.value, "unit": None})


def fill_slot(turn: Turn) -> Reply | None:
    """Fills the slot that was asked for from this turn's message, or asks once more."""
    asked = turn.asked
    if asked is None or not turn.incoming:
        return None
    label = asked.get("entity")
    value: Any = turn.text.strip()
    if label:
        entity = turn.understanding.entity(label) or _standing_for(label, turn.understanding)
        if entity is None and asked.get("tries", 0) < ASK_AGAIN and asked.get("question"):
            asked["tries"] = asked.get("tries", 0) + 1
            return Reply(text=asked["question"])
        if entity is not None:
            value = entity.value if entity.value is not None else entity.text
    turn.slots[asked["slot"]] = value
    return None


def replies_of(answer: Answer) -> list[Reply]:
    """What a handler returned as replies. Raises InvalidInput for anything else."""
    if answer is None:
        return []
    if isinstance(answer, Reply):
        if answer.hand_over not in (None, *Owner):
            raise InvalidInput(f"{answer.hand_over!r} cannot own a conversation", field="hand_over")
        if answer.tone not in (None, *TONES):
            raise InvalidInput(f"{answer.tone!r} is no tone: {', '.join(TONES)}", field="tone")
        return [answer]
    if isinstance(answer, str):
        return [Reply(text=answer)]
    if isinstance(answer, (list, tuple)):
        return [reply for item in answer for reply in replies_of(item)]
    raise InvalidInput(
        f"a handler returns a Reply, a text, None or a list of these, not {type(answer).__name__}"
    )


class Templates:
    """Reply templates of a pack: the first whose slots are all known, in turn by turn rotation."""

    def __init__(self, templates: Mapping[str, Sequence[str]]) -> None:
        self._templates = {intent: tuple(texts) for intent, texts in templates.items() if texts}

    def answer(self, turn: Turn) -> Reply | None:
        """The pack's answer to the turn's intent, or None."""
        texts = _nearest(self._templates, turn.understanding.intent)
        if not texts:
            return None
        start = turn.session.last_seq % len(texts)
        for text in (*texts[start:], *texts[:start]):
            filled = self._fill(text, turn)
            if filled is not None:
                return Reply(text=filled)
        return None

    @staticmethod
    def _fill(text: str, turn: Turn) -> str | None:
        """The text with {slots} and {entities} put in, or None when one is not known."""
        if "{" not in text:
            return text
        missing = False

        def value(match: re.Match[str]) -> str:
            nonlocal missing
            name = match[1]
            if name in turn.slots:
                return str(turn.slots[name])
            entity = turn.understanding.entity(name)
            if entity is None:
                missing = True
                return ""
            return entity.text

        filled = _SLOT.sub(value, text)
        return None if missing else filled

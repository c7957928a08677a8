"""What somebody wants, and what was promised to them for a named time, or taken back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from ..graph.admission import SECRET_NAMES
from ..graph.learning import TYPE
from ..model.times import rfc3339, to_us
from ..model.turn import Turn
from ..model.understanding import Entity, Understanding
from .lesson import Notebook
from .work import Work

COUNTS = frozenset(
    {"rooms", "bedrooms", "bathrooms", "beds", "guests", "people", "persons", "nights", "size"}
)
"""Preferences in which a number says enough without a unit."""
ANSWERED = 0.9
"""Confidence of what somebody answered to a question."""

_BUDGET = re.compile(
    r"(?:\b(?:under|below|up to|at most|max(?:imum)?|no more than|less than|budget(?: is| of|:)?"
    r"|höchstens|maximal|bis zu|unter)\s*)$",
    re.IGNORECASE,
)
_NEGATION = frozenset(
    {
        "no", "not", "never", "without", "dont", "don't", "doesnt", "doesn't", "kein", "keine",
        "keinen", "nicht", "ohne", "sans", "pas", "sin", "senza", "non", "sem", "não",
    }
)  # fmt: skip
_NEGATION_REACH = 24
"""Characters before something that are looked through for a negation."""
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


class Plan(Struct, frozen=True):
    """What of the settings counts here: names of preferences, and what intents promise."""

    preferences: frozenset[str]
    promises: Mapping[str, str]
    withdrawals: Mapping[str, str]
    labels: frozenset[str]
    """Of entities that may say something."""
    language: str | None = None
    """The one that people write here, unless something else is said; None: that is not known."""


def from_entity(
    notes: Notebook, plan: Plan, person: str, text: str, entity: Entity, found: Understanding
) -> None:
    """What an entity of a message says that somebody wants, if it does."""
    name = _preferred(plan, text, entity)
    if name is None:
        return
    if found.act == "question":
        # "Is there a lift?" wants to know, not to have.
        notes.refuse("question")
    elif _is_negated(text, entity.start):
        notes.refuse("negated")
    else:
        _prefer(notes, person, name, _plain_value(entity), entity.confidence)


def _preferred(plan: Plan, text: str, entity: Entity) -> str | None:
    """Which preference an entity tells, if any."""
    for name in (entity.role, entity.label):
        if name is not None and name in plan.preferences:
            return name
    value = entity.value
    if entity.label == "quantity" and isinstance(value, dict):
        unit = value.get("unit")
        return next((name for name in (unit, f"{unit}s") if name in plan.preferences), None)
    if entity.label == "money" and "budget" in plan.preferences:
        return "budget" if _BUDGET.search(text[max(0, entity.start - 24) : entity.start]) else None
    return None


def _plain_value(entity: Entity) -> Any:
    value = entity.value
    if value is None:
        return " ".join(entity.text.split())
    if entity.label in ("quantity", "rooms") and isinstance(value, dict) and "value" in value:
        return value["value"]
    return value


def _prefer(notes: Notebook, person: str, name: str, value: Any, confidence: float) -> None:
    refusal = None
    if confidence < notes.limits.min_confidence:
        refusal = "unsure"
    elif isinstance(value, str) and not (name in COUNTS and value.isdecimal()):
        refusal = notes.limits.refusal(value, confidence)
    elif isinstance(value, int | float) and not isinstance(value, bool) and name not in COUNTS:
        refusal = "bare_number"
    if refusal is not None:
        notes.refuse(refusal)
    else:
        notes.tell(person, f"prefers.{name}", value, confidence)


def _is_negated(text: str, start: int) -> bool:
    before = text[max(0, start - _NEGATION_REACH) : start].casefold().replace("\u2019", "'")
    return any(word in _NEGATION for word in _WORD.findall(before)[-3:])


def are_possible(plan: Plan, turn: Turn) -> bool:
    """Whether it is worth looking at what the turn came to."""
    intent = turn.understanding.intent
    return bool(turn.slots) or intent in plan.promises or intent in plan.withdrawals


def from_turn(notes: Notebook, plan: Plan, person: str, work: Work) -> None:
    """What a turn filled into slots, and what its answer promised or took back."""
    before = len(notes.lesson.assertions)
    _slots(notes, plan, person, work)
    _promise(notes, plan, person, work)
    if len(notes.lesson.assertions) > before:
        notes.tell(person, TYPE, "person", 1.0)


def _slots(notes: Notebook, plan: Plan, person: str, work: Work) -> None:
    """Slots that this turn filled: somebody was asked for them and answered."""
    slots = work.turn.slots
    if not slots:
        return
    before = work.live.session.state.get("slots") or {}
    for name, value in slots.items():
        if name not in plan.preferences or before.get(name) == value or value is None:
            continue
        if SECRET_NAMES.search(name):
            notes.refuse("secret")
        else:
            _prefer(notes, person, name, value, ANSWERED)


# -- what was promised ------------------------------------------------------------------------


def withdrawn_promise(plan: Plan, work: Work) -> str | None:
    """The id of the promise that the turn takes back, whether or not it was ever made."""
    intent = work.turn.understanding.intent
    what = None if intent is None else plan.withdrawals.get(intent)
    return None if what is None or not _is_agreed(work) else _commitment(work, what)


def _is_agreed(work: Work) -> bool:
    """Whether the turn's intent was answered with words by its own handler or template. Where
    either side asks, nothing is agreed yet."""
    turn = work.turn
    intent = turn.understanding.intent
    return (
        bool(work.replies)
        and turn.asked is None
        and turn.answered_by in (f"template:{intent}", f"intent:{intent}")
        and not any("?" in (reply.text or "") for reply in work.replies)
    )


def _commitment(work: Work, what: str) -> str:
    return f"commitment:{work.live.session.id.hex()}:{what}"


def _promise(notes: Notebook, plan: Plan, person: str, work: Work) -> None:
    """An intent that stands for a promise for one time that lies ahead, or takes it back."""
    turn = work.turn
    found = turn.understanding
    taken_back = withdrawn_promise(plan, work)
    if taken_back is not None:
        if notes.holds(taken_back, TYPE):
            notes.tell(taken_back, "status", "withdrawn", found.confidence)
        return
    what = None if found.intent is None else plan.promises.get(found.intent)
    if what is None or found.act == "question" or not _is_agreed(work):
        return
    due = [entity for entity in found.entities if entity.label == "datetime"]
    if len(due) != 1 or not isinstance(due[0].value, str):
        return
    at = to_us(datetime.fromisoformat(due[0].value))
    if at <= turn.incoming[-1].received_at:
        return
    promise = _commitment(work, what)
    sure = min(found.confidence, due[0].confidence)
    notes.tell(promise, "dueAt", rfc3339(at), sure)
    notes.tell(promise, "status", "open", sure)
    notes.tell(promise, "text", what, sure)
    notes.tell(promise, TYPE, "commitment", sure)
    notes.join(promise, "PROMISED_TO", person, sure)

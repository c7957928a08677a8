"""The form of a flag: what was said of it as texts, and texts as what is to be said of it.

What is too long for a form, such as an allow-list of ten thousand people, is not in it; a field
that is not sent leaves its part as it is.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote_plus

import msgspec
from msgspec import Struct

from ...flags.registry import MAX_TEXT, Flag
from ...flags.state import read_state
from ...model.errors import ColloquyError, InvalidInput
from ...model.flags import ExplainRequest, FlagState, Value
from ..forms import MAX_FORM, FormRequest
from ..ledger.fields import param
from .words import percent_text

LISTS = {
    "people": ("People", "person"),
    "agents": ("Agents", "agent"),
    "tenants": ("Tenants", "tenant"),
}
MAX_AREA = MAX_FORM // 5
"""Bytes of one area as it is sent: four of them and the short fields fit into a form."""
SUBJECT = ("person", "conversation", "channel", "tenant", "agent")
_TRUTH = {"true": True, "false": False}
_BYTE = re.compile(r" \(byte (\d+)\)$")
_CONTROLS = {"rollout.percentage": "percentage", "rollout.value": "rollout_value"}


class FlagForm(Struct, frozen=True):
    """What the fields say. None: the field is not there, because its text would be too long."""

    value: str = ""
    percentage: str = ""
    rollout_value: str = ""
    by: str = "person"
    allowed: str = ""
    people: str | None = ""
    agents: str | None = ""
    tenants: str | None = ""
    rules: str | None = ""


class Wrong(Struct, frozen=True):
    """What is wrong with a form, and with which of its controls; "" for none of them."""

    control: str
    text: str


def filled(state: FlagState) -> FlagForm:
    """The form that says what is said now."""
    rollout = state.rollout
    rules = ""
    if state.rules:
        rules = msgspec.json.format(msgspec.json.encode(state.rules), indent=2).decode()
    has_list = bool(state.people or state.agents or state.tenants)
    return FlagForm(
        value=_written(state.value),
        percentage="" if rollout is None else percent_text(rollout.percentage),
        rollout_value="" if rollout is None else _written(rollout.value),
        by="person" if rollout is None else rollout.by,
        allowed=_written(state.allowed) if has_list else "",
        people=_area("\n".join(state.people)),
        agents=_area("\n".join(state.agents)),
        tenants=_area("\n".join(state.tenants)),
        rules=_area(rules),
    )


async def sent(request: FormRequest) -> FlagForm:
    """Areas with their blanks, so that a wrong place is counted as the sender sees it."""
    fields = await request.fields()
    areas = {
        name: fields[name][0].replace("\r\n", "\n") if name in fields else None
        for name in (*LISTS, "rules")
    }
    short = {
        name: await request.field(name)
        for name in ("value", "percentage", "rollout_value", "by", "allowed")
    }
    return msgspec.structs.replace(FlagForm(**short), **areas)


def said(form: FlagForm, flag: Flag, now: FlagState) -> FlagState:
    """What the form says of the flag. `now`: what is kept of parts that are not in the form.

    Raises InvalidInput with the place as the API names it.
    """
    raw: dict[str, Any] = {}
    if form.value:
        raw["value"] = typed(flag, form.value, "value")
    for name in LISTS:
        text = getattr(form, name)
        raw[name] = list(getattr(now, name)) if text is None else _lines(text, name)
    if any(raw[name] for name in LISTS) and form.allowed:
        raw["allowed"] = typed(flag, form.allowed, "allowed")
    raw["rules"] = msgspec.to_builtins(now.rules) if form.rules is None else _json(form.rules)
    if form.percentage:
        raw["rollout"] = {
            "percentage": _percentage(form.percentage),
            "by": form.by,
        }
        if form.rollout_value:
            raw["rollout"]["value"] = typed(flag, form.rollout_value, "rollout.value")
    return read_state(flag, raw)


def wrong(error: ColloquyError) -> Wrong:
    """The error at the control that it is about, with the place within it."""
    field = error.field or ""
    control = _CONTROLS.get(field) or re.split(r"[.\[]", field.removeprefix("rollout."))[0]
    inside = field != control and control in ("rules", *LISTS)
    return Wrong(control, f"{field}: {error.detail}" if inside else error.detail)


def asked(request: FormRequest) -> ExplainRequest | None:
    """Whom the address asks for; None if for nobody. Raises InvalidInput."""
    if not any(name in request.query_params for name in (*SUBJECT, "attributes")):
        return None
    attributes: dict[str, bool | int | float | str] = {}
    for number, line in enumerate(param(request, "attributes").splitlines(), 1):
        if line.strip():
            name, sign, text = line.partition("=")
            if not sign or not name.strip():
                raise InvalidInput(f"line {number}: write it as name=value", field="attributes")
            attributes[name.strip()] = _scalar(text.strip())
    return ExplainRequest(**{name: param(request, name) for name in SUBJECT}, attributes=attributes)


def _written(value: Value | None) -> str:
    """A value as the fields have it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _area(text: str) -> str | None:
    return text if len(quote_plus(text.replace("\n", "\r\n"))) <= MAX_AREA else None


def typed(flag: Flag, text: str, field: str) -> Value:
    """Raises InvalidInput for a text of another type; `read_state` checks the rest."""
    if flag.type is bool:
        if text not in _TRUTH:
            raise InvalidInput("choose on or off", field=field)
        return _TRUTH[text]
    try:
        return flag.type(text)
    except ValueError:
        kind = "whole number" if flag.type is int else "number"
        raise InvalidInput(f"{text!r:.40} is no {kind}", field=field) from None


def _percentage(text: str) -> float:
    """Raises InvalidInput."""
    field = "rollout.percentage"
    try:
        found = float(text)
    except ValueError:
        raise InvalidInput(f"{text!r:.40} is no number", field=field) from None
    if not 0.0 <= found <= 100.0:  # NaN is in no range
        raise InvalidInput(f"a percentage is 0 to 100, not {found:g}", field=field)
    return found


def _lines(text: str, name: str) -> list[str]:
    """An id a line, each once. Raises InvalidInput."""
    found: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if len(line.strip()) > MAX_TEXT:
            raise InvalidInput(f"line {number}: at most {MAX_TEXT} characters", field=name)
        if line.strip():
            found[line.strip()] = None
    return list(found)


def _json(text: str) -> Any:
    """The rules as JSON; none for nothing. Raises InvalidInput with line and column."""
    if not text.strip():
        return []
    data = text.encode("utf-8", "replace")
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        place = _BYTE.search(str(error))
        at = int(place[1]) if place else len(data)
        before = data[:at].decode("utf-8", "ignore")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        what = str(error)[: place.start()] if place else str(error)
        what = what.removeprefix("JSON is malformed: ")
        raise InvalidInput(
            f"this is no JSON, at line {line}, column {column}: {what}", field="rules"
        ) from None


def _scalar(text: str) -> bool | int | float | str:
    """`true` and `3.5` as what they are; anything else is a text."""
    try:
        return msgspec.json.decode(text, type=bool | int | float | str)
    except msgspec.MsgspecError:
        return text

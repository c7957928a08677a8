"""The form that begins a roll-out: what was sent as texts, and texts as what is asked for."""

from __future__ import annotations

import math
import re

import msgspec
from msgspec import Struct

from ...flags.registry import Flag
from ...model.errors import ColloquyError, InvalidInput
from ...model.flags import Value
from ...model.message import input_error
from ...model.rollouts import STEPS, RolloutNote, RolloutRequest
from ..flags.form import Wrong, typed
from ..flags.words import percent_text
from ..forms import FormRequest
from .words import duration_of, duration_text

ROWS = 6
"""Steps that the form has room for; the command line and the API take more."""
_COLUMNS = {"percentage": "percentage", "hold_s": "hold", "minimum": "minimum"}
_STEP = re.compile(r"steps\[(\d+)\]\.(\w+)")


class StepRow(Struct, frozen=True):
    """A step as its fields say it; one without a percentage is none."""

    percentage: str = ""
    hold: str = ""
    minimum: str = ""


class BeginForm(Struct, frozen=True):
    """What the fields say."""

    value: str = ""
    by: str = "person"
    level: str = "feature"
    reason: str = ""
    rows: tuple[StepRow, ...] = ()

    @property
    def used(self) -> list[int]:
        """The numbers of the rows that are steps, from 1."""
        return [number for number, row in enumerate(self.rows, 1) if row != StepRow()]


def filled(flag: Flag, now: Value) -> BeginForm:
    """The form before anybody wrote into it; `now`: what everybody is served."""
    rows = [
        StepRow(percent_text(step.percentage), duration_text(step.hold_s), str(step.minimum))
        for step in STEPS
    ]
    value = str(not now).lower() if flag.type is bool else ""
    return BeginForm(value=value, rows=tuple(rows + [StepRow()] * (ROWS - len(rows))))


async def sent(request: FormRequest) -> BeginForm:
    names = ("value", "by", "level", "reason")
    short = {name: await request.field(name) for name in names}
    rows = [
        StepRow(*[await request.field(f"{name}-{number}") for name in _COLUMNS.values()])
        for number in range(1, ROWS + 1)
    ]
    return BeginForm(**short, rows=tuple(rows))


def wanted(form: BeginForm, flag: Flag) -> RolloutRequest:
    """What the form asks for. Raises InvalidInput with the control as the field, or with the place
    as the API names it."""
    steps = [
        {
            "percentage": _number(row.percentage, f"percentage-{number}"),
            "hold_s": duration_of(row.hold, f"hold-{number}"),
            "minimum": _whole(row.minimum, f"minimum-{number}"),
        }
        for number, row in enumerate(form.rows, 1)
        if row != StepRow()
    ]
    if not steps:
        raise InvalidInput("a roll-out has a step", field="percentage-1")
    raw = {
        "flag": flag.name,
        "value": typed(flag, form.value, "value"),
        "by": form.by,
        "level": form.level,
        "reason": form.reason,
        "steps": steps,
    }
    try:
        return msgspec.convert(raw, RolloutRequest)
    except msgspec.ValidationError as error:
        raise input_error(error) from None


def wrong(error: ColloquyError, form: BeginForm) -> Wrong:
    """The error at the control that it is about."""
    field = error.field or ""
    step = _STEP.fullmatch(field)
    if step is not None and step[2] in _COLUMNS and int(step[1]) < len(form.used):
        field = f"{_COLUMNS[step[2]]}-{form.used[int(step[1])]}"
    return Wrong(field, error.detail)


async def note_of(request: FormRequest) -> RolloutNote:
    """Why, and the revision that the page showed. Raises InvalidInput."""
    revision = await request.field("revision")
    if not revision.isascii() or not revision.isdecimal() or len(revision) > 15:
        raise InvalidInput("the page is out of date: reload it", field="revision")
    raw = {"reason": await request.field("reason"), "revision": int(revision)}
    try:
        return msgspec.convert(raw, RolloutNote)
    except msgspec.ValidationError as error:
        raise input_error(error) from None


def _number(text: str, field: str) -> float:
    """Raises InvalidInput."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InvalidInput(f"{text!r:.40} is no number", field=field)
    return found


def _whole(text: str, field: str) -> int:
    """Raises InvalidInput."""
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise InvalidInput(f"{text!r:.40} is no whole number", field=field)
    return int(text)

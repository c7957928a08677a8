"""All flags, and one of them: what is in force, what is said, who is served what, since when."""

from __future__ import annotations

import contextlib
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from ...api.parameters import Engine
from ...flags.state import NOTHING_SAID
from ...model.errors import ColloquyError, Unavailable
from ...model.flags import Explanation, FlagState, FlagView
from ...model.ledger import ChangeView
from ...runtime.flags.records import FLAGS, SWITCHES
from ..access import CurrentOperator, Operator, requires
from ..forms import FormRequest
from ..ledger.fields import HOME, href, names_of, param
from ..render import page
from .form import LISTS, SUBJECT, FlagForm, Wrong, asked, filled, wrong
from .words import KEYS, REASONS, rule_text, value_text, why_text

FLAGS_PAGE = "/console/flags"
NEWEST = 10
"""Changes that the page of a flag shows."""


class Row(Struct, frozen=True):
    """A flag in the list."""

    view: FlagView
    why: str


@get("/flags", guards=[requires("operate")])
async def list_flags(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """All of them, or those that `q` finds; as a part: the rows alone."""
    return await show_all(request, runtime, operator)


@get("/flags/{name:str}", guards=[requires("operate")])
async def show_flag(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, name: FromPath[str]
) -> Response[Any]:
    """One flag; as a part: why somebody is served what they are."""
    return await show_one(request, runtime, operator, name)


async def show_all(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    refused: ColloquyError | None = None,
    switch: str = "",
) -> Response[Any]:
    """`refused`: why a switch was not thrown or put back, `switch` which."""
    await _look(runtime)
    desk = runtime.flag_desk
    found, wanted = desk.list(), param(request, "q", 100)
    rows = [Row(view, why_text(view, state_of(runtime, view.name))) for view in found.flags]
    shown = [row for row in rows if _fits(row, wanted.lower())]
    is_part = request.headers.get("hx-request") == "true"
    return page(
        request,
        "flags/_rows.html" if is_part else "flags/list.html",
        200 if refused is None else refused.status,
        rows=shown,
        total=len(rows),
        q=wanted,
        switches=found.switches,
        is_stale=found.is_stale,
        refused=refused,
        refused_switch=switch,
        may_act=operator.may("operate"),
        value_text=value_text,
        named=names_of(runtime),
    )


async def show_one(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    name: str,
    *,
    form: FlagForm | None = None,
    error: ColloquyError | None = None,
    refused: ColloquyError | None = None,
) -> Response[Any]:
    """`form`: what was sent, with the `error` that it had; `refused`: why the flag was not killed
    or revived. Raises NotFound."""
    await _look(runtime)
    desk = runtime.flag_desk
    view = desk.show(name)
    subject, explained, problem = _explained(request, runtime, name)
    if request.headers.get("hx-request") == "true":
        return page(request, "flags/_explained.html", explained=explained, problem=problem,
                    reasons=REASONS, value_text=value_text)  # fmt: skip
    state = state_of(runtime, name)
    own = desk.switch(name)
    holding = [one for one in (own, *desk.list().switches) if one.thrown and name in one.flags]
    status = next((one.status for one in (error, refused, problem) if one is not None), 200)
    may_read = operator.may("read")
    changes = await _history(runtime, name) if may_read else []
    said_form = filled(state) if form is None else form
    return page(
        request,
        "flags/flag.html",
        status,
        view=view,
        state=state,
        why=why_text(view, state),
        rules=[rule_text(rule) for rule in state.rules],
        form=said_form,
        step=_step(said_form.percentage),
        error=error,
        wrong=Wrong("", "") if error is None else wrong(error),
        newest=next((one for one in changes if one.collection == FLAGS), None),
        own=own,
        holding=holding,
        refused=refused,
        refused_switch=name,
        subject=subject,
        explained=explained,
        problem=problem,
        lists=LISTS,
        keys=KEYS,
        reasons=REASONS,
        changes=changes[:NEWEST],
        histories=[
            (collection, href(f"{HOME}/history", collection=collection, key=name))
            for collection in (FLAGS, SWITCHES)
        ],
        is_stale=desk.is_stale,
        may_act=operator.may("operate"),
        may_change=operator.may("admin"),
        may_read=may_read,
        value_text=value_text,
        href=href,
        named=names_of(runtime),
    )


def state_of(runtime: Engine, name: str) -> FlagState:
    """What operators said of a flag, as it is in force."""
    return runtime.flags.states.get(name, NOTHING_SAID)


async def _look(runtime: Engine) -> None:
    """What another process has changed is shown at once; without the database, what is known."""
    with contextlib.suppress(Unavailable):
        await runtime.flag_desk.refresh()


def _fits(row: Row, wanted: str) -> bool:
    view = row.view
    texts = (view.name, view.meaning, view.owner, row.why, value_text(view.value))
    return any(wanted in text.lower() for text in texts)


def _explained(
    request: FormRequest, runtime: Engine, name: str
) -> tuple[dict[str, str], Explanation | None, ColloquyError | None]:
    """The fields of the form, and what it asks for, or what is wrong with it."""
    subject = {field: param(request, field) for field in (*SUBJECT, "attributes")}
    try:
        whom = asked(request) if request.method == "GET" else None
        found = None if whom is None else runtime.flag_desk.explain(name, whom)
        return subject, found, None
    except ColloquyError as error:
        return subject, None, error


async def _history(runtime: Engine, name: str) -> list[ChangeView]:
    """The newest changes of what is said, and of the flag's own switch, newest first."""
    found: list[ChangeView] = []
    for collection in (FLAGS, SWITCHES):
        changes = await runtime.ledger.changes(None, NEWEST, collection=collection, key=name)
        found += changes.changes
    return sorted(found, key=lambda change: change.position, reverse=True)


def _step(percentage: str) -> str:
    """Of the number field: hundredths, unless the API said something finer, which a browser would
    then refuse to send."""
    try:
        percent = float(percentage or "0")
    except ValueError:
        return "0.01"
    return "0.01" if round(percent, 2) == percent else "any"


ROUTES: list[HTTPRouteHandler] = [list_flags, show_flag]

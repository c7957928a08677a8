"""Every roll-out and every roll-back, and one of each; what each level would take back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from ...api.parameters import Engine
from ...flags import REGISTRY
from ...model.errors import ColloquyError, Conflict, NotFound, Unavailable
from ...model.rollouts import Level, LevelPage, LevelPlan, LevelRequest, RolloutView
from ..access import CurrentOperator, Operator, requires
from ..flags.words import KEYS, percent_text, value_text
from ..forms import FormRequest
from ..ledger.fields import cursor_of, href, names_of, param
from ..render import page
from .plans import line_of, steps_of
from .words import LEVELS, MEANINGS, MOVES, STATES, STATUSES, judgement_word, said_text

HOME = "/console/rollouts"
BACK = f"{HOME}/back"
ROLLBACKS = f"{HOME}/rollbacks"
PAGE = 20
"""Plans, and roll-backs, on a page."""


@get("/rollouts", guards=[requires("operate")])
async def list_rollouts(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """Plans by flag, roll-backs from the newest on; each has pages of its own."""
    cursor, taken = cursor_of(request), cursor_of(request, "taken")
    await look(runtime)
    found = runtime.rollouts.page(cursor, PAGE)
    rollbacks: LevelPage | None = None
    with contextlib.suppress(Unavailable):
        rollbacks = await runtime.rollouts.levels.newest(taken, PAGE)
    after = rollbacks.next if rollbacks is not None else None
    return _page(
        request,
        runtime,
        operator,
        "rollouts/list.html",
        plans=found.rollouts,
        versions=found.versions,
        next=href(HOME, cursor=found.next, taken=taken) if found.next else None,
        first=href(HOME, taken=taken) if cursor else None,
        rollbacks=[] if rollbacks is None else rollbacks.rollbacks,
        next_taken=href(HOME, cursor=cursor, taken=after) if after else None,
        first_taken=href(HOME, cursor=cursor) if taken else None,
        is_stale=rollbacks is None,
    )


@get("/rollouts/back", guards=[requires("operate")])
async def preview_back(
    request: FormRequest, runtime: Engine, operator: CurrentOperator
) -> Response[Any]:
    """What each level would change now, of the flag that the address names or of none."""
    return await show_back(request, runtime, operator, param(request, "flag", 100))


@get("/rollouts/rollbacks/{rollback_id:str}", guards=[requires("operate")])
async def show_rollback(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, rollback_id: FromPath[str]
) -> Response[Any]:
    """What it changed, how its steps ended, what its undo left alone."""
    return await show_taken(request, runtime, operator, rollback_id)


@get("/rollouts/{flag:str}", guards=[requires("operate")])
async def show_rollout(
    request: FormRequest, runtime: Engine, operator: CurrentOperator, flag: FromPath[str]
) -> Response[Any]:
    """The newest plan of a flag; says so where there is none."""
    return await show_plan(request, runtime, operator, flag)


async def show_plan(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    flag: str,
    *,
    reason: str = "",
    error: ColloquyError | None = None,
) -> Response[Any]:
    """`error`: why a move was refused, `reason` what was sent with it. Raises NotFound."""
    if flag not in REGISTRY:
        raise NotFound(f"there is no flag {flag!r:.80}", field="flag")
    await look(runtime)
    plan: RolloutView | None = None
    with contextlib.suppress(NotFound):
        plan = runtime.rollouts.show(flag)
    held = runtime.flags.held(flag)
    return _page(
        request,
        runtime,
        operator,
        "rollouts/plan.html",
        200 if error is None else error.status,
        flag=flag,
        meaning=REGISTRY[flag].meaning,
        plan=plan,
        line=None if plan is None else line_of(plan),
        held=held,
        reason=reason,
        error=error,
        by=KEYS,
    )


async def show_back(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    flag: str,
    *,
    level: str = "",
    reason: str = "",
    error: ColloquyError | None = None,
) -> Response[Any]:
    """`error`: why `level` was refused, `reason` what was sent with it. Raises NotFound."""
    if flag and flag not in REGISTRY:
        raise NotFound(f"there is no flag {flag!r:.80}", field="flag")
    about: list[tuple[Level, str | None]] = [("complete", None), ("emergency", None)]
    if flag:
        about = [("feature", flag), ("partial", flag), *about]
    previews = [await _preview(runtime, one, of) for one, of in about]
    return _page(
        request,
        runtime,
        operator,
        "rollouts/back.html",
        200 if error is None else error.status,
        flag=flag,
        previews=previews,
        level=level,
        reason=reason,
        error=error,
    )


async def show_taken(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    rollback_id: str,
    error: ColloquyError | None = None,
) -> Response[Any]:
    """`error`: why it was not undone. Raises NotFound."""
    return _page(
        request,
        runtime,
        operator,
        "rollouts/rollback.html",
        200 if error is None else error.status,
        one=await runtime.rollouts.levels.get(rollback_id),
        may_read=operator.may("read"),
        error=error,
    )


async def look(runtime: Engine) -> None:
    """What another process has done is shown at once; without the database, what is known."""
    with contextlib.suppress(Unavailable):
        await runtime.flag_desk.refresh()
        await runtime.rollouts.book.refresh()


async def _preview(runtime: Engine, level: Level, flag: str | None) -> LevelPlan:
    """With the place to which its data could be restored, where there is one."""
    levels = runtime.rollouts.levels
    try:
        return await levels.preview(LevelRequest(level=level, flag=flag, keep_data=False))
    except Conflict:
        return await levels.preview(LevelRequest(level=level, flag=flag))


def _who(runtime: Engine) -> Callable[[str | None], str]:
    named = names_of(runtime)
    return lambda actor: "the guard" if actor == "guard" else named(actor) or "somebody"


def _page(
    request: FormRequest,
    runtime: Engine,
    operator: Operator,
    template: str,
    status: int = 200,
    **context: Any,
) -> Response[Any]:
    """With the words that all of these pages use, and what the operator may do."""
    return page(
        request,
        template,
        status,
        may_act=operator.may("operate"),
        may_change=operator.may("admin"),
        who=_who(runtime),
        states=STATES,
        moves=MOVES,
        statuses=STATUSES,
        levels=LEVELS,
        meanings=MEANINGS,
        judged=judgement_word,
        steps_of=steps_of,
        said_text=said_text,
        value_text=value_text,
        percent=percent_text,
        href=href,
        back=BACK,
        **context,
    )


ROUTES: list[HTTPRouteHandler] = [list_rollouts, preview_back, show_rollback, show_rollout]

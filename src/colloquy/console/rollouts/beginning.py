"""A roll-out is begun: which flag, then to which value, in which steps."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from ...api.parameters import Engine
from ...flags import REGISTRY
from ...model.errors import ColloquyError, NotFound
from ..access import CurrentOperator, requires
from ..flags.form import Wrong
from ..flags.words import KEYS
from ..forms import FormRequest
from ..ledger.fields import param
from ..render import page, see
from .form import ROWS, BeginForm, filled, sent, wanted, wrong
from .pages import HOME, look
from .words import LEVELS, MEANINGS

_CONTROLS = {
    *("value", "by", "level", "reason"),
    *(
        f"{name}-{number}"
        for name in ("percentage", "hold", "minimum")
        for number in range(1, ROWS + 1)
    ),
}
"""Those that can say what is wrong with them; the rest is said above the form."""


@get("/rollouts/begin", guards=[requires("admin")])
async def begin_form(request: FormRequest, runtime: Engine) -> Response[Any]:
    """Asks for a flag; with one in the address, for all else."""
    await look(runtime)
    return _form(request, runtime, param(request, "flag", 100))


@post("/rollouts/begin", guards=[requires("admin")])
async def begin(request: FormRequest, runtime: Engine, operator: CurrentOperator) -> Response[Any]:
    name = await request.field("flag")
    if name not in REGISTRY:
        raise NotFound(f"there is no flag {name!r:.80}", field="flag")
    form = await sent(request)
    try:
        await runtime.rollouts.begin(wanted(form, REGISTRY[name]), operator.actor)
    except ColloquyError as error:
        if error.status >= 500:
            raise
        return _form(request, runtime, name, form, error)
    return see(f"{HOME}/{name}", done="rollout-begun")


def _form(
    request: FormRequest,
    runtime: Engine,
    name: str,
    form: BeginForm | None = None,
    error: ColloquyError | None = None,
) -> Response[Any]:
    """Raises NotFound."""
    if name and name not in REGISTRY:
        raise NotFound(f"there is no flag {name!r:.80}", field="flag")
    if form is None:
        form = filled(REGISTRY[name], runtime.flags.default(name)) if name else BeginForm()
    at = Wrong("", "") if error is None else wrong(error, form)
    return page(
        request,
        "rollouts/begin.html",
        200 if error is None else error.status,
        flag=name,
        names=sorted(REGISTRY),
        view=runtime.flag_desk.show(name) if name else None,
        form=form,
        wrong=at,
        elsewhere=at.text if at.control not in _CONTROLS else "",
        keys=KEYS,
        levels=LEVELS,
        meanings=MEANINGS,
    )


ROUTES: list[HTTPRouteHandler] = [begin_form, begin]

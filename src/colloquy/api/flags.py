"""`/v2/flags`: what is switched on for whom, roll-outs, kill switches, and why."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter

from ..model.errors import InvalidInput
from ..model.flags import (
    ExplainRequest,
    Explanation,
    FlagChange,
    FlagList,
    FlagView,
    KillRequest,
    SwitchView,
)
from .access import needs
from .conversations import actor_of
from .idempotency import once_per_key
from .parameters import Caller, Engine
from .preconditions import IfMatch
from .responses import BODY, errors

_TAGS = ["Flags"]
_NAME = r"^[a-z][a-z0-9_]{0,63}$"

Name = Annotated[str, PathParameter(pattern=_NAME, description="The flag's name.")]
SwitchName = Annotated[
    str, PathParameter(pattern=_NAME, description="The name of a kill switch, or of a flag.")
]


@get(
    "/v2/flags",
    operation_id="listFlags",
    summary="List flags and kill switches",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403),
)
async def list_flags(runtime: Engine) -> FlagList:
    """As they are in force in the process that answers."""
    return runtime.flag_desk.list()


@get(
    "/v2/flags/{name:str}",
    operation_id="getFlag",
    summary="Show one flag",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422),
)
async def get_flag(runtime: Engine, name: Name) -> FlagView:
    """Its value for somebody unknown, and what operators said of it."""
    return runtime.flag_desk.show(name)


@put(
    "/v2/flags/{name:str}",
    operation_id="changeFlag",
    summary="Say something else of a flag",
    tags=_TAGS,
    guards=[needs("admin")],
    responses=errors(*BODY, 401, 403, 404, 412, 503),
)
async def change_flag(
    runtime: Engine,
    principal: Caller,
    name: Name,
    data: JSONBody[FlagChange],
    precondition: IfMatch,
) -> FlagView:
    """Replaces all that was said; `{}` is as if nothing was. Turns under way keep what they began
    with. The change is in the ledger, and can be rolled back. With `If-Match`, or with `revision`,
    only if nobody was faster."""

    async def read() -> FlagView:
        return runtime.flag_desk.show(name)

    version = await precondition.version(read)
    revision = data.revision if version is None else version
    actor = actor_of(principal)
    try:
        return await runtime.flag_desk.change(name, data.state, actor, revision=revision)
    except InvalidInput as error:
        # As the body has it, and as what does not even decode is named.
        error.field = f"state.{error.field}" if error.field else "state"
        raise


@post(
    "/v2/flags/{name:str}/explain",
    operation_id="explainFlag",
    summary="Say why somebody is served what they are",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def explain_flag(runtime: Engine, name: Name, data: JSONBody[ExplainRequest]) -> Explanation:
    """Everything that was considered, the strongest first. Nothing is changed."""
    return runtime.flag_desk.explain(name, data)


@post(
    "/v2/flags/{name:str}/kill",
    operation_id="killFlag",
    summary="Throw a kill switch",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 404, 409, 503),
)
async def kill_flag(
    runtime: Engine, principal: Caller, name: SwitchName, data: JSONBody[KillRequest]
) -> SwitchView:
    """Holds the switch's flags at their safe values, in every process within a second. Turns under
    way that used one are done again without it."""
    return await runtime.flag_desk.throw(name, data.reason, actor_of(principal))


@post(
    "/v2/flags/{name:str}/revive",
    operation_id="reviveFlag",
    summary="Put a kill switch back",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(401, 403, 404, 409, 422, 503),
)
async def revive_flag(runtime: Engine, principal: Caller, name: SwitchName) -> SwitchView:
    """What was said of its flags is in force again. One that was thrown in a file or in the
    environment is put back there."""
    return await runtime.flag_desk.revive(name, actor_of(principal))


ROUTES: list[HTTPRouteHandler] = [
    list_flags,
    get_flag,
    change_flag,
    explain_flag,
    kill_flag,
    revive_flag,
]

"""Every route of the operators' console, with what they share."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.di import Provide
from litestar.params import FromPath

from ..model.errors import NotFound
from . import (
    conversation,
    dead_letters,
    desk,
    doctor,
    feedback,
    flags,
    inbox,
    keys,
    ledger,
    live,
    migration,
    monitoring,
    overview,
    rollouts,
    settings,
    shell,
    webhooks,
)
from .access import provide_operator, refuse_forged, requires
from .forms import FormRequest
from .problems import console_problem


@get("/{rest:path}", guards=[requires("read", "operate")])
async def nothing(rest: FromPath[str]) -> Response[Any]:
    """Any other path: a page says so, not a problem document."""
    raise NotFound(f"there is no page at /console{rest}")


def console_router() -> Router:
    return Router(
        "/console",
        route_handlers=[
            *shell.ROUTES,
            *overview.ROUTES,
            *inbox.ROUTES,
            *conversation.ROUTES,
            *desk.ROUTES,
            *dead_letters.ROUTES,
            *feedback.ROUTES,
            *flags.ROUTES,
            *rollouts.ROUTES,
            *migration.ROUTES,
            *ledger.ROUTES,
            *keys.ROUTES,
            *webhooks.ROUTES,
            *settings.ROUTES,
            *doctor.ROUTES,
            *live.ROUTES,
            *monitoring.ROUTES,
            nothing,
        ],
        dependencies={"operator": Provide(provide_operator, sync_to_thread=False)},
        before_request=refuse_forged,
        exception_handlers={Exception: console_problem},
        request_class=FormRequest,
        include_in_schema=False,
    )

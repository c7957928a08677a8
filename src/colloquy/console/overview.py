"""The first page: how the assistant is doing, live."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from .access import CurrentOperator, requires
from .forms import FormRequest
from .render import page, see
from .shell import home


@get("/", guards=[requires("read", "operate")])
async def overview(request: FormRequest, operator: CurrentOperator) -> Response[Any]:
    if not operator.may("operate"):
        return see(home(operator.scopes))
    return page(request, "overview.html")


ROUTES: list[HTTPRouteHandler] = [overview]

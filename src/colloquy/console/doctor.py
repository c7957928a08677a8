"""The doctor's page: the checks of `runtime.checks`, as `colloquy doctor` makes them."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from ..api.parameters import Engine
from ..runtime.checks import check_installation, worst
from .access import requires
from .forms import FormRequest
from .render import page


@get("/doctor", guards=[requires("admin")])
async def doctor_page(request: FormRequest) -> Response[Any]:
    """The frame; it asks for the checks by itself, because they take their time."""
    return page(request, "doctor/page.html")


@get("/doctor/checks", guards=[requires("admin")])
async def doctor_checks(request: FormRequest, runtime: Engine) -> Response[Any]:
    """One at a time: they write to the disk and read the whole database."""
    examining: asyncio.Lock = request.app.state.examining
    async with examining:
        checks = await check_installation(runtime.resolution)
    return page(request, "doctor/checks.html", checks=checks, worst=worst(checks))


ROUTES: list[HTTPRouteHandler] = [doctor_page, doctor_checks]

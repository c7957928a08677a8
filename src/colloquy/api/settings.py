"""`/v2/settings`: what this server runs with, and where each value came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import get
from litestar.handlers import HTTPRouteHandler

from ..model.views import SettingsView, SettingView
from ..settings import leaf_of
from .access import needs
from .parameters import Engine
from .responses import errors

if TYPE_CHECKING:
    from ..runtime import Runtime


@get(
    "/v2/settings",
    operation_id="listSettings",
    summary="Show the effective settings",
    tags=["Operation"],
    guards=[needs("admin")],
    responses=errors(401, 403, 429),
)
async def list_settings(runtime: Engine) -> SettingsView:
    """Every setting with its value, its default and its origin. They are read at the start of the
    server and change with the next one."""
    return SettingsView(effective(runtime))


def effective(runtime: Runtime) -> list[SettingView]:
    """Every setting that the runtime was made with."""
    views = []
    for name, value, origin in runtime.resolution.rows():
        leaf = leaf_of(name)
        assert leaf is not None, name
        views.append(SettingView(name, value, origin, leaf.environment, leaf.default, leaf.doc))
    return views


ROUTES: list[HTTPRouteHandler] = [list_settings]

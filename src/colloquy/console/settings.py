"""What this server runs with: every setting, its value, and who said so."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from ..api.parameters import Engine
from ..api.settings import effective
from ..model.views import SettingView
from .access import requires
from .forms import FormRequest
from .render import page


@get("/settings", guards=[requires("admin")])
async def settings_page(request: FormRequest, runtime: Engine) -> Response[Any]:
    """All of them, or those that `q` finds; `changed`: only those that somebody set."""
    wanted = request.query_params.get("q", "").strip()[:100]
    only_changed = request.query_params.get("changed") == "1"
    every = effective(runtime)
    found = [
        setting
        for setting in every
        if _fits(setting, wanted.lower()) and (setting.origin != "default" or not only_changed)
    ]
    is_part = request.headers.get("hx-request") == "true"
    return page(
        request,
        "settings/list.html" if is_part else "settings/page.html",
        sections=_sections(found),
        q=wanted,
        only_changed=only_changed,
        shown=len(found),
        total=len(every),
        text=_text,
    )


def _fits(setting: SettingView, wanted: str) -> bool:
    texts = (setting.name, setting.environment, setting.description, setting.origin)
    return any(wanted in text.lower() for text in texts)


def _sections(settings: Iterable[SettingView]) -> list[tuple[str, list[SettingView]]]:
    """Grouped by the first part of the name; those without a section come as `server`."""

    def section(setting: SettingView) -> str:
        first, dot, _ = setting.name.partition(".")
        return first if dot else "server"

    return [(name, list(group)) for name, group in groupby(settings, section)]


def _text(value: Any) -> str:
    """A value as it would be written in a file; nothing for one that is switched off."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


ROUTES: list[HTTPRouteHandler] = [settings_page]

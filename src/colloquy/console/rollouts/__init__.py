"""Pages of roll-outs: where each stands, begun and moved by hand, taken back by level, undone."""

from litestar.handlers import HTTPRouteHandler

from .actions import ROUTES as ACTIONS
from .beginning import ROUTES as BEGINNING
from .pages import ROUTES as PAGES

# `begin`, `back` and `rollbacks` are no flags: paths that are spelled out go first.
ROUTES: list[HTTPRouteHandler] = [*BEGINNING, *PAGES, *ACTIONS]

__all__ = ["ROUTES"]

"""Pages of flags: what is switched on for whom, changed, explained, killed and revived."""

from litestar.handlers import HTTPRouteHandler

from . import actions, pages

ROUTES: list[HTTPRouteHandler] = [*pages.ROUTES, *actions.ROUTES]

__all__ = ["ROUTES"]

"""Pages of the migration of a V1 table: where it stands, its steps, its mismatches."""

from litestar.handlers import HTTPRouteHandler

from . import actions, pages

ROUTES: list[HTTPRouteHandler] = [*pages.ROUTES, *actions.ROUTES]

__all__ = ["ROUTES"]

"""Pages of the ledger: what has changed, points to go back to, rollbacks and their conflicts."""

from litestar.handlers import HTTPRouteHandler

from . import audit, conflicts, dashboard, history, operations, points, rollback

ROUTES: list[HTTPRouteHandler] = [
    *dashboard.ROUTES,
    *history.ROUTES,
    *points.ROUTES,
    *rollback.ROUTES,
    *operations.ROUTES,
    *conflicts.ROUTES,
    *audit.ROUTES,
]

__all__ = ["ROUTES"]

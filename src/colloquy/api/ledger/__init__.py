"""`/v2/ledger`: the history of every record, rollback points, rollbacks and their conflicts."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from . import conflicts, keeping, operations, points, reading

ROUTES: list[HTTPRouteHandler] = [
    *reading.ROUTES,
    *points.ROUTES,
    *operations.ROUTES,
    *conflicts.ROUTES,
    *keeping.ROUTES,
]

"""`/v2/statistics`: rates, latencies and what waits, now and over time."""

from __future__ import annotations

from litestar import get
from litestar.handlers import HTTPRouteHandler

from ..model.statistics import StatisticsView
from .access import needs
from .parameters import Engine
from .responses import errors


@get(
    "/v2/statistics",
    operation_id="statistics",
    summary="Figures of now, the last ten minutes and the last day",
    tags=["Operation"],
    guards=[needs("operate")],
    responses=errors(401, 403),
)
async def statistics(runtime: Engine) -> StatisticsView:
    """Measured by this process since its start, in memory; the census of the conversations is of
    the whole database and null until it was counted for the first time. Latencies come out of a
    histogram and are within a factor of 2.5 of the truth."""
    return runtime.statistics()


ROUTES: list[HTTPRouteHandler] = [statistics]

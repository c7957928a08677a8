"""`/v2/alerts`: what is wrong, which rules watch it, what was told, and tests of the channels."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from ..model.alerts import (
    AlertPage,
    AlertState,
    AlertTest,
    AlertView,
    NoticePage,
    RuleList,
    Severity,
)
from .access import needs
from .conversations import actor_of
from .idempotency import once_per_key
from .parameters import HEX_ID, Caller, Cursor, Engine, Limit
from .responses import errors

_TAGS = ["Alerts"]

AlertId = Annotated[str, PathParameter(pattern=HEX_ID, description="The alert's id.")]
State = Annotated[
    AlertState,
    QueryParameter(name="state", required=False, description="Which of them."),
]
OfSeverity = Annotated[
    Severity | None,
    QueryParameter(name="severity", required=False, description="Only those of this severity."),
]


@get(
    "/v2/alerts",
    operation_id="listAlerts",
    summary="List alerts, newest first",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 422),
)
async def list_alerts(
    runtime: Engine,
    cursor: Cursor = None,
    limit: Limit = 50,
    only: State = AlertState.OPEN,
    severity_of: OfSeverity = None,
) -> AlertPage:
    """Page with `next` as `cursor` until it is null."""
    return runtime.alerts.page(cursor, limit, only, severity_of)


@get(
    "/v2/alerts/rules",
    operation_id="listAlertRules",
    summary="List the rules and what they found",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403),
)
async def list_rules(runtime: Engine) -> RuleList:
    """`no_data` says that nothing provides the rule's metric now."""
    return runtime.alerts.rules()


@get(
    "/v2/alerts/notices",
    operation_id="listNotices",
    summary="List what was told lately, newest first",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 422),
)
async def list_notices(runtime: Engine, cursor: Cursor = None, limit: Limit = 50) -> NoticePage:
    """Of this process since it started. Page with `next` as `cursor` until it is null."""
    return runtime.alerts.notices(cursor, limit)


@get(
    "/v2/alerts/{alert_id:str}",
    operation_id="getAlert",
    summary="Show one alert",
    tags=_TAGS,
    guards=[needs("operate")],
    responses=errors(401, 403, 404, 422),
)
async def get_alert(runtime: Engine, alert_id: AlertId) -> AlertView:
    """Open or resolved, for as long as it is kept."""
    return runtime.alerts.get(alert_id)


@post(
    "/v2/alerts/{alert_id:str}/resolve",
    operation_id="resolveAlert",
    summary="Resolve an alert by hand",
    tags=_TAGS,
    status_code=200,
    guards=[needs("operate")],
    middleware=[once_per_key],
    responses=errors(401, 403, 404, 409, 422, 503),
)
async def resolve_alert(runtime: Engine, principal: Caller, alert_id: AlertId) -> AlertView:
    """It is not opened again before its metric was good in between."""
    return await runtime.alerts.resolve(alert_id, actor_of(principal))


@post(
    "/v2/alerts/test",
    operation_id="testAlerts",
    summary="Try every channel",
    tags=_TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(401, 403, 409, 422, 503),
)
async def test_alerts(runtime: Engine) -> AlertTest:
    """Sends a test notice to each now, once, and says what came back."""
    return await runtime.alerts.test()


ROUTES: list[HTTPRouteHandler] = [
    list_alerts,
    list_rules,
    list_notices,
    get_alert,
    resolve_alert,
    test_alerts,
]

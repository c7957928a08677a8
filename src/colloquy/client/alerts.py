"""Operations on alerts: `/v2/alerts`."""

from __future__ import annotations

from ..model.alerts import (
    AlertPage,
    AlertState,
    AlertTest,
    AlertView,
    NoticePage,
    RuleList,
    Severity,
)
from .operation import operation, paged
from .request import Ask, json


class AlertOperations:
    """`/v2/alerts`."""

    @operation("GET", "/v2/alerts")
    def alert_page(
        self,
        cursor: str | None = None,
        limit: int | None = None,
        state: AlertState | None = None,
        severity: Severity | None = None,
    ) -> Ask[AlertPage]:
        """One page of alerts, newest first; the open ones unless `state` says otherwise."""
        query = {"cursor": cursor, "limit": limit, "state": state, "severity": severity}
        return Ask(json(AlertPage), query=query)

    alerts = paged(
        alert_page,
        lambda page: page.alerts,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/alerts/{alert_id}")
    def alert(self, alert_id: str) -> Ask[AlertView]:
        """One alert, open or resolved."""
        return Ask(json(AlertView), path={"alert_id": alert_id})

    @operation("POST", "/v2/alerts/{alert_id}/resolve")
    def resolve_alert(self, alert_id: str) -> Ask[AlertView]:
        """By hand; it stays away until its metric was good."""
        return Ask(json(AlertView), path={"alert_id": alert_id})

    @operation("GET", "/v2/alerts/rules")
    def alert_rules(self) -> Ask[RuleList]:
        """Every rule with what the last look at its metric found."""
        return Ask(json(RuleList))

    @operation("GET", "/v2/alerts/notices")
    def notice_page(self, cursor: str | None = None, limit: int | None = None) -> Ask[NoticePage]:
        """One page of what was told lately, newest first."""
        return Ask(json(NoticePage), query={"cursor": cursor, "limit": limit})

    notices = paged(
        notice_page,
        lambda page: page.notices,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("POST", "/v2/alerts/test")
    def test_alerts(self) -> Ask[AlertTest]:
        """Sends a test to every channel now, and says what came back."""
        return Ask(json(AlertTest))

"""Operations on the server itself: keys, settings, statistics, health, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ..model.statistics import StatisticsView
from ..model.views import KeyView, NewKey, SettingsView, SettingView
from .operation import operation
from .request import Ask, json, nothing

NOT_WELL = frozenset({503})


class ServerOperations:
    """`/v2/keys`, `/v2/settings`, `/v2/statistics`, health and metrics."""

    @operation("GET", "/v2/keys")
    def keys(self) -> Ask[list[KeyView]]:
        """All API keys without their secrets, revoked ones too."""
        return Ask(lambda body: json(_Keys)(body).keys)

    @operation("POST", "/v2/keys")
    def create_key(
        self, name: str, scopes: Sequence[str], expires_at: str | None = None
    ) -> Ask[NewKey]:
        """A new key and its secret, which is shown this once. `expires_at` is RFC 3339."""
        return Ask(json(NewKey), body={"name": name, "scopes": scopes, "expires_at": expires_at})

    @operation("DELETE", "/v2/keys/{key_id}")
    def revoke_key(self, key_id: str) -> Ask[None]:
        """From now on the key is refused."""
        return Ask(nothing, path={"key_id": key_id})

    @operation("GET", "/v2/settings")
    def settings(self) -> Ask[list[SettingView]]:
        """Every setting with its value, its default and where its value came from."""
        return Ask(lambda body: json(SettingsView)(body).settings)

    @operation("GET", "/v2/statistics")
    def statistics(self) -> Ask[StatisticsView]:
        """Rates, latencies, and how many conversations there are of which kind."""
        return Ask(json(StatisticsView))

    @operation("GET", "/ready")
    def ready(self) -> Ask[bool]:
        """Does the server take messages now?"""
        return Ask(lambda body: json(_Ready)(body).ready, accepts=NOT_WELL)

    @operation("GET", "/health")
    def health(self) -> Ask[str]:
        """How the server is, in one word: healthy, warning, critical or down."""
        return Ask(lambda body: json(_Status)(body).status, accepts=NOT_WELL)

    @operation("GET", "/v2/health")
    def health_report(self) -> Ask[dict[str, Any]]:
        """The full report: score, state, signals, tasks."""
        return Ask(json(dict[str, Any]))

    @operation("GET", "/metrics")
    def metrics(self) -> Ask[str]:
        """Metrics in Prometheus' text format."""
        return Ask(bytes.decode)


class _Keys(msgspec.Struct):
    keys: list[KeyView]


class _Ready(msgspec.Struct):
    ready: bool


class _Status(msgspec.Struct):
    status: str

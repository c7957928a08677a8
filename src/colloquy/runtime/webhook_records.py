"""The ledger collection `webhooks`: what a rollback makes of subscriptions.

Their secrets are not in the ledger, so a deleted one cannot come back; a changed one gets its
former settings under its present secret, and goes on from where its cursor is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from ..ledger.collections import Collection, Refused, Steps, Write, check_shape, decode_value
from ..ledger.merge import MISSING, Missing, Resolvers, largest, rule
from ..ledger.values import Value
from ..storage.webhooks import COLLECTION, WebhookRow, changed_row

BATCH = 1000
"""Deliveries deleted by one statement."""


class _Value(Struct, frozen=True, forbid_unknown_fields=True):
    """What a record is, as `storage.webhooks.ledger_change` writes it."""

    url: str
    kinds: list[str]
    channels: list[str]
    description: str
    enabled: bool
    disabled_reason: str | None
    version: int


class WebhookRecords(Collection):
    """`heard` is called after webhooks were restored."""

    plain = False
    resolvers = Resolvers([rule("/version", largest)])

    def __init__(self, heard: Callable[[], None]) -> None:
        super().__init__(COLLECTION)
        self._heard = heard

    def compose(
        self, key: str, now: Value | Missing, then: Value | Missing, named: bool
    ) -> Value | Missing:
        if now is MISSING or then is MISSING:
            return then
        return {**then, "version": now["version"] + 1}

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        if now is MISSING and then is not MISSING:
            raise Refused("its secret went with it when it was deleted: make a new webhook")
        if then is not MISSING:
            check_shape(then, _Value)

    def apply(self, writes: Sequence[Write]) -> Steps:
        """Moves the rows of webhooks to what a rollback wrote; the desk moves its own."""
        for write in writes:
            if write.change.origin is None:
                continue
            found = yield "webhook_by_id", [(write.change.key,)]
            if not found:
                continue
            row = WebhookRow(*found[0])
            if write.change.after is not None:
                yield "webhook_set", [changed_row(_restored(row, write))]
                continue
            yield "webhook_delete", [(row.id,)]
            while len((yield "webhook_deliveries_delete", [(row.id, BATCH)])) == BATCH:
                pass

    async def settle(self, keys: Sequence[str]) -> None:
        self._heard()


def _restored(row: WebhookRow, write: Write) -> WebhookRow:
    assert write.change.after is not None
    value = decode_value(write.change.after)
    return row._replace(
        url=value["url"],
        kinds=msgspec.json.encode(value["kinds"]).decode(),
        channels=msgspec.json.encode(value["channels"]).decode(),
        description=value["description"],
        enabled=int(value["enabled"]),
        disabled_reason=value["disabled_reason"],
        updated_at=write.change.at,
        version=row.version + 1,
    )

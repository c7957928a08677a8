"""What follows from an attempt: delivered, tried again later, or failed. Pure, without I/O."""

from __future__ import annotations

import random
from http import HTTPStatus

from ...model.webhooks import DeliveryState
from ...settings import WebhookSettings
from ...storage.webhooks import DeliveryRow
from .posting import Answer

JITTER = 0.1
"""Deliveries that failed together are not all tried again in one moment."""
LONGEST_RETRY_AFTER_S = 86_400.0
"""A receiver may ask for patience, not for silence."""


def is_gone(answer: Answer) -> bool:
    """Whether the receiver asks never to be called again."""
    return answer.status_code == HTTPStatus.GONE


def after_attempt(
    row: DeliveryRow,
    answer: Answer,
    settings: WebhookSettings,
    now: int,
    chance: random.Random,
) -> DeliveryRow:
    """The delivery as it becomes by this answer, at the time `now` (µs)."""
    attempts = row.attempts + 1
    state, due_at = DeliveryState.FAILED, None
    if answer.is_success:
        state = DeliveryState.DELIVERED
    elif row.attempts < len(settings.retry_delays_s) and not is_gone(answer):
        delay_s = settings.retry_delays_s[row.attempts] * (1 + JITTER * chance.random())
        asked_s = min(answer.retry_after_s or 0.0, LONGEST_RETRY_AFTER_S)
        state, due_at = DeliveryState.RETRY, now + int(max(delay_s, asked_s) * 1e6)
    return row._replace(
        state=state.value,
        attempts=attempts,
        due_at=due_at,
        status_code=answer.status_code,
        detail=answer.detail,
        duration_ms=answer.duration_ms,
    )

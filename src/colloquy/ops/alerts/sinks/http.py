"""Sinks over HTTP: a signed webhook, and Slack. Both post through the guarded client of webhooks,
which checks the address at every attempt, follows no redirect and uses no proxy.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from ....delivery.webhooks.addresses import AddressGuard, SystemResolver
from ....delivery.webhooks.posting import Answer, Poster
from ....model.alerts import Severity
from ....model.message import encode
from ....model.times import Clock, now_us, rfc3339
from ....settings import WebhookSettings
from ....webhooks import sign
from ..notices import RESOLVED, Notice
from ..notifier import Attempt

_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_SIGNS = {
    Severity.INFO: ":information_source:",
    Severity.WARNING: ":warning:",
    Severity.CRITICAL: ":rotating_light:",
}


class Door:
    """The client of one sink. `trust`: whose certificates are good, by default those that httpx
    ships."""

    def __init__(
        self, settings: WebhookSettings, timeout_s: float, trust: ssl.SSLContext | None = None
    ) -> None:
        self._guard = AddressGuard(
            allow_http=settings.allow_http, allow_networks=settings.allow_networks
        )
        self._resolver = SystemResolver()
        self._poster = Poster(self._guard, self._resolver, timeout_s, trust)

    def check(self, url: str) -> None:
        """Raises InvalidInput for a URL whose form will not do."""
        self._guard.checked_url(url)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        return attempt_of(await self._poster.post(url, headers, body))

    async def close(self) -> None:
        await self._poster.close()
        self._resolver.close()


class WebhookSink:
    """Posts JSON, signed as webhooks are (`colloquy.webhooks.verify`)."""

    name = "webhook"

    def __init__(self, url: str, key: bytes, door: Door, clock: Clock = now_us) -> None:
        self._url = url
        self._key = key
        self._door = door
        self._clock = clock

    @property
    def secrets(self) -> Sequence[str]:
        return (self._url,)

    async def send(self, notice: Notice) -> Attempt:
        view = notice.view()
        body = encode({"type": notice.type, "timestamp": rfc3339(notice.at), "data": view})
        seconds = self._clock() // 1_000_000
        headers = sign([self._key], f"msg_{notice.id}", seconds, body)
        return await self._door.post(self._url, headers, body)

    async def close(self) -> None:
        await self._door.close()


class SlackSink:
    """Posts a text to an incoming webhook of Slack, whose URL is the secret."""

    name = "slack"

    def __init__(self, url: str, door: Door) -> None:
        self._url = url
        self._door = door

    @property
    def secrets(self) -> Sequence[str]:
        return (self._url,)

    async def send(self, notice: Notice) -> Attempt:
        return await self._door.post(self._url, {}, encode({"text": slack_text(notice)}))

    async def close(self) -> None:
        await self._door.close()


def slack_text(notice: Notice) -> str:
    """The headline behind a sign; `&`, `<` and `>` are escaped, so that no text makes a mention."""
    sign_ = ":white_check_mark:" if notice.type == RESOLVED else _SIGNS[notice.severity]
    text = notice.headline().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{sign_} {text}"


def attempt_of(answer: Answer) -> Attempt:
    """Without an answer, or when the receiver is busy or broken, the same may work later."""
    status = answer.status_code
    again = status is None or status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    words = f"HTTP {status}: {answer.detail}" if status is not None else answer.detail
    return Attempt(answer.is_success, words, again and not answer.is_success, answer.retry_after_s)

"""Log-ins of browsers: a random token in a cookie, its hash in the database.

A session is worth what its key is worth: every request looks at the key again, so that a revoked or
expired key ends its sessions at once. The CSRF token is derived from the session's token (OWASP's
synchroniser token), so that nothing more need be kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from msgspec import Struct

from ..model.times import Clock, now_us
from ..settings import ConsoleSettings
from ..storage.store import Store

MAX_TOKEN = 100
"""Characters of a cookie that are looked at."""
MOST_PER_KEY = 50
"""Log-ins of one key; a further one ends the oldest."""
SEEN_EVERY_US = 60_000_000
"""How exactly the last use is noted: a write per page would be wasted."""


class Login(Struct, frozen=True):
    """A session that is alive. `csrf` goes with every request that changes something."""

    token: str
    key_id: str
    csrf: str


class Logins:
    """The log-ins of one database."""

    def __init__(self, store: Store, settings: ConsoleSettings, clock: Clock = now_us) -> None:
        self._store = store
        self._idle_us = int(settings.idle_s * 1e6)
        self._most_us = int(settings.session_s * 1e6)
        self._clock = clock

    async def open(self, key_id: str) -> Login:
        """A new session for a key, with a token nobody has seen before."""
        now = self._clock()
        token = secrets.token_urlsafe(32)
        await self._store.change_one("console_sessions_purge", now, now - self._idle_us)
        await self._store.change_one(
            "console_session_insert", _hash(token), key_id, now, now, now + self._most_us
        )
        await self._store.change_one("console_sessions_trim", key_id, MOST_PER_KEY)
        return Login(token, key_id, _csrf(token))

    async def find(self, token: str, *, is_use: bool = True) -> Login | None:
        """The session of a cookie; None when there is none or it ended. What the page asks for by
        itself is no use and keeps no session alive."""
        if not token or len(token) > MAX_TOKEN:
            return None
        digest = _hash(token)
        rows = await self._store.query("console_session", digest)
        if not rows:
            return None
        key_id, _, seen_at, expires_at = rows[0]
        now = self._clock()
        if now >= expires_at or now - seen_at >= self._idle_us:
            return None
        if is_use and now - seen_at >= SEEN_EVERY_US:
            await self._store.change_one("console_session_seen", now, digest)
        return Login(token, key_id, _csrf(token))

    async def close(self, token: str) -> None:
        """Logs out. A session that is not there is no error."""
        await self._store.change_one("console_session_delete", _hash(token))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _csrf(token: str) -> str:
    return hmac.new(token.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()

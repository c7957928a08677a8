"""API keys: 256 random bits, stored as SHA-256, kept in memory so that they work while the database
is down (engine decision 25)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from ..model.errors import InvalidInput, NotFound, Unauthenticated
from ..model.times import Clock, now_us, rfc3339, to_us
from ..model.views import KeyView, NewKey, Principal
from ..storage.store import ApiKeyRow, Store

SCOPES = ("send", "read", "tools", "operate", "admin")
PREFIX = "cq"
MAX_TOKEN = 200
"""Characters of a token that are looked at."""


class Keys:
    """The keys of one database."""

    def __init__(self, store: Store, clock: Clock = now_us) -> None:
        self._store = store
        self._clock = clock
        self._by_hash: dict[bytes, ApiKeyRow] = {}
        self._local: bytes | None = None

    async def load(self) -> None:
        """Reads the keys; call it again to hear of keys made by other processes."""
        self._by_hash = {row.hash: row for row in await self._store.api_keys()}

    def make_local(self) -> str:
        """A token with all scopes that lives as long as this process, for its own command line."""
        token = f"{PREFIX}_local_{secrets.token_urlsafe(32)}"
        self._local = _hash(token)
        return token

    def authenticate(self, token: str) -> Principal:
        """Who holds this token. Raises Unauthenticated."""
        if not token.startswith(f"{PREFIX}_") or len(token) > MAX_TOKEN:
            raise Unauthenticated("this is not an API key")
        digest = _hash(token)
        if self._local is not None and hmac.compare_digest(digest, self._local):
            return Principal("local", frozenset(SCOPES))
        row = self._valid(self._by_hash.get(digest))
        return Principal(row.id, frozenset(row.scopes.split()))

    def holder(self, key_id: str) -> KeyView:
        """The key with this id, if it may still be used. Raises Unauthenticated."""
        found = next((row for row in self._by_hash.values() if row.id == key_id), None)
        return _view(self._valid(found))

    def _valid(self, row: ApiKeyRow | None) -> ApiKeyRow:
        if row is None:
            raise Unauthenticated("this API key is not known")
        if row.revoked_at is not None:
            raise Unauthenticated("this API key was revoked")
        if row.expires_at is not None and row.expires_at <= self._clock():
            raise Unauthenticated("this API key has expired")
        return row

    async def create(
        self, name: str, scopes: list[str], expires_at: datetime | None = None
    ) -> NewKey:
        """A new key; its secret is never shown again. Raises InvalidInput."""
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise InvalidInput(
                f"scopes are {', '.join(SCOPES)}; not {', '.join(unknown) or 'none'}",
                field="scopes",
            )
        if not 1 <= len(name) <= 100:
            raise InvalidInput("a name has 1 to 100 characters", field="name")
        if expires_at is not None and expires_at.tzinfo is None:
            raise InvalidInput("a time needs a zone", field="expires_at")
        key_id = secrets.token_hex(6)
        token = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"
        row = ApiKeyRow(
            key_id,
            _hash(token),
            name,
            " ".join(scope for scope in SCOPES if scope in scopes),
            self._clock(),
            to_us(expires_at) if expires_at is not None else None,
            None,
        )
        await self._store.change_one("api_key_insert", *row[:6])
        self._by_hash[row.hash] = row
        return NewKey(_view(row), token)

    async def list(self) -> list[KeyView]:
        await self.load()
        return [_view(row) for row in self._by_hash.values()]

    async def revoke(self, key_id: str) -> None:
        """Raises NotFound when there is no such key, or it was revoked before."""
        if not await self._store.change_one("api_key_revoke", self._clock(), key_id):
            raise NotFound(f"no valid key {key_id}")
        await self.load()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _view(row: ApiKeyRow) -> KeyView:
    return KeyView(
        id=row.id,
        name=row.name,
        scopes=row.scopes.split(),
        created_at=rfc3339(row.created_at),
        expires_at=rfc3339(row.expires_at) if row.expires_at is not None else None,
        revoked_at=rfc3339(row.revoked_at) if row.revoked_at is not None else None,
    )

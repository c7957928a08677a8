"""Requests that may be repeated: the answer to one with an `Idempotency-Key` is kept for a day.

A key is claimed before its request runs, by one insert that only one of many can win, in whichever
process they are. When it has succeeded its answer is kept under the key, sealed, because it may
hold a secret or what somebody wrote; when it has failed the key is free again. A claim whose
process died is void after CLAIM_S: from then on the request runs again, so a change that was
committed right before the process died can come twice.
"""

from __future__ import annotations

import asyncio
from hashlib import blake2b
from typing import NamedTuple

from ..model.errors import Conflict, IdempotencyKeyReused
from ..model.times import Clock, now_us
from ..privacy.sealing import Sealer
from ..storage.store import Store

KEPT_S = 86400.0
CLAIM_S = 120.0
"""Longer than any request takes that may have a key."""
MAX_KEPT = 100_000
"""Answers that are kept; beyond it the oldest are forgotten before their time."""
SWEEP_S = 600.0
RETRY_AFTER_S = 1.0

_PURPOSE = "idempotency"


class Answer(NamedTuple):
    """What a request was answered: HTTP status and body."""

    status: int
    body: bytes


class Claim:
    """A key under which a request is running."""

    def __init__(self, store: Store, sealer: Sealer, key: bytes, at: int) -> None:
        self._store = store
        self._sealer = sealer
        self._key = key
        self._at = at

    async def keep(self, answer: Answer) -> None:
        """From now on the same request gets this answer. Raises StoreUnavailable."""
        sealed = self._sealer.seal(answer.body, purpose=_PURPOSE, row=self._key.hex())
        await self._store.change_one("idempotency_keep", answer.status, sealed, self._key, self._at)

    async def release(self) -> None:
        """The request changed nothing: it may run again. Raises StoreUnavailable."""
        await self._store.change_one("idempotency_release", self._key, self._at)


class Idempotency:
    """The kept answers of one database."""

    def __init__(self, store: Store, sealer: Sealer, clock: Clock = now_us) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock

    async def begin(self, caller: str, route: str, key: str, body: bytes) -> Claim | Answer:
        """A claim when the request shall run, else the answer that it had before.

        `caller` and `route` (method and path) are part of the key: nobody meets another's answers.
        Raises IdempotencyKeyReused when the body was another one, Conflict while the first request
        is running, StoreUnavailable, SecretUnreadable.
        """
        name = _hash(caller, route, key)
        fingerprint = blake2b(body, digest_size=16).digest()
        now = self._clock()
        kept, claimed = now - int(KEPT_S * 1e6), now - int(CLAIM_S * 1e6)
        if await self._store.change_one("idempotency_claim", name, fingerprint, now, kept, claimed):
            return Claim(self._store, self._sealer, name, now)
        rows = await self._store.query("idempotency_find", name)
        if rows and bytes(rows[0][0]) != fingerprint:
            raise IdempotencyKeyReused(
                "another request came with this key before", field="Idempotency-Key"
            )
        if not rows or not rows[0][1]:
            raise Conflict(
                "the first request with this key is still running",
                field="Idempotency-Key",
                retry_after_s=RETRY_AFTER_S,
            )
        _, status, sealed = rows[0]
        return Answer(status, self._sealer.open(bytes(sealed), purpose=_PURPOSE, row=name.hex()))

    async def sweep(self) -> None:
        """Forgets what is too old, or too much."""
        oldest = self._clock() - int(KEPT_S * 1e6)
        beyond = await self._store.query("idempotency_nth", MAX_KEPT)
        if beyond:
            oldest = max(oldest, beyond[0][0] + 1)
        await self._store.change_one("idempotency_forget", oldest)

    async def run(self) -> None:
        """Sweeps for as long as the process lives."""
        while True:
            await self.sweep()
            await asyncio.sleep(SWEEP_S)


def _hash(*texts: str) -> bytes:
    """Of texts with their lengths, so that no two lists of texts look the same."""
    found = blake2b(digest_size=16, person=b"idempotency-key")
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        found.update(b"%d:%b" % (len(raw), raw))
    return found.digest()

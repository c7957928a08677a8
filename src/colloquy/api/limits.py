"""Rate limits: how many requests one key, one visitor or one address may send.

The Generic Cell Rate Algorithm (ITU-T I.371, a token bucket with one number for each subject): a
request moves its subject's *theoretical arrival time* ahead by the policy's interval, and is
refused when that would lie further ahead than the burst allows. Each process counts for itself, in
bounded memory: when there is no room, whoever was silent for longest is forgotten.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from ..model.errors import RateLimited
from ..settings import LimitSettings

MAX_SUBJECTS = 50_000
"""Subjects that one policy remembers, some 150 bytes each."""


class Policy(NamedTuple):
    """`interval_s` between two requests in the long run, `burst` of them at once."""

    name: str
    interval_s: float
    burst: int
    header: bytes
    """The item of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10): the quota, and the
    seconds in which it comes back."""


class Quota(NamedTuple):
    """What is left to a subject. `retry_after_s` is above 0 when it was refused."""

    policy: Policy
    remaining: int
    reset_s: float
    """Until the whole quota is there again."""
    retry_after_s: float = 0.0

    @property
    def header(self) -> bytes:
        """The item of the header `RateLimit` of the same draft."""
        name = self.policy.name.encode("ascii")
        return b'"%s";r=%d;t=%d' % (name, self.remaining, math.ceil(self.reset_s))


class RateLimits:
    """The limits of one process.

        quota = limits.take(key_id, "api")

    `clock`: monotonic seconds, for tests.
    """

    def __init__(
        self,
        settings: LimitSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        most: int = MAX_SUBJECTS,
    ) -> None:
        self._clock = clock
        self._most = most
        rates = {
            "api": (settings.api_per_s, settings.api_burst),
            "chat": (settings.chat_per_s, settings.chat_burst),
            "chat_address": (settings.chat_address_per_s, settings.chat_address_burst),
            "login": (settings.login_per_s, settings.login_burst),
        }
        self._policies: dict[str, tuple[Policy | None, dict[str, float]]] = {
            name: (_policy(name, 1 / rate, burst) if rate else None, {})
            for name, (rate, burst) in rates.items()
        }

    def take(self, subject: str, policy: str, cost: int = 1) -> Quota | None:
        """Counts requests of a subject (a key's id, a visitor, an address) under `api`, `chat`,
        `chat_address` or, failures only, `login`; None where nothing is limited.

        A refused request costs nothing. One that costs more than the burst is let in when nothing
        of it was used, so that it is never refused for good.
        """
        limit, arrivals = self._policies[policy]
        if limit is None:
            return None
        now = self._clock()
        interval, burst = limit.interval_s, limit.burst
        window = interval * burst
        # Taken out and put back at the end: the dictionary is in the order of last use.
        before = max(arrivals.pop(subject, now), now)
        after = before + interval * min(cost, burst)
        ahead = after - now
        if ahead > window + interval * 1e-6:  # sums of intervals are not exact
            arrivals[subject] = before
            return Quota(
                limit, int((window - before + now) / interval), before - now, ahead - window
            )
        arrivals[subject] = after
        if len(arrivals) > self._most:
            del arrivals[next(iter(arrivals))]
        return Quota(limit, int((window - ahead) / interval + 1e-6), ahead)


def _policy(name: str, interval_s: float, burst: int) -> Policy:
    header = f'"{name}";q={burst};w={math.ceil(interval_s * burst)}'
    return Policy(name, interval_s, burst, header.encode("ascii"))


def refusal(quota: Quota) -> RateLimited:
    """The error of a refused request."""
    return RateLimited(
        f"more requests than the limit `{quota.policy.name}` allows: {quota.policy.burst} at once, "
        f"{1 / quota.policy.interval_s:g} per second",
        retry_after_s=math.ceil(quota.retry_after_s * 1000) / 1000,
    )

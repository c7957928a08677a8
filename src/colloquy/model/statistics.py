"""What the overview shows: rates, latencies, what waits, how the conversations are spread."""

from __future__ import annotations

from msgspec import Struct


class Rates(Struct, frozen=True):
    """Per second, over the last ten seconds."""

    accepted_per_s: float
    turns_per_s: float
    replies_per_s: float


class Latency(Struct, frozen=True):
    """From acceptance to commit, without quiet period and hold-back, over the last minute.

    Milliseconds, out of a histogram: within 20 % of the truth. None without turns.
    """

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    turns: int


class Waiting(Struct, frozen=True):
    """What is accepted and not done yet. `held`, `quiet` and `retry` count conversations."""

    messages: int
    held: int
    quiet: int
    retry: int
    parked: int
    outbox: int
    spool_bytes: int
    webhook_lag_s: float
    """Age of the oldest event that no attempt at a webhook was made for."""


class SignalView(Struct, frozen=True):
    """One signal of the health score. `value` 1 is as it should be; `loss` are points it costs."""

    name: str
    value: float
    loss: float
    detail: str


class HealthView(Struct, frozen=True):
    """healthy, warning, critical or down, since when, and why."""

    status: str
    score: float
    since: str
    signals: list[SignalView]


class Census(Struct, frozen=True):
    """How many conversations there are, of which kind; counted at most every ten seconds."""

    at: str
    conversations: int
    by_status: dict[str, int]
    by_owner: dict[str, int]
    active_last_day: int
    intents_last_day: dict[str, int]
    """The most frequent newest intents of conversations that were active, most frequent first."""
    feelings_last_day: dict[str, int]
    feedback_last_day: dict[str, int]
    dead_letters: int
    """Up to 1000."""


class Now(Struct, frozen=True):
    """The figures of this moment. `census` is None until it was counted once."""

    at: str
    rates: Rates
    latency: Latency
    waiting: Waiting
    health: HealthView
    census: Census | None


class Series(Struct, frozen=True):
    """Points in columns, oldest first. `at` is in seconds since 1970."""

    at: list[int]
    accepted_per_s: list[float]
    turns_per_s: list[float]
    replies_per_s: list[float]
    p50_ms: list[float | None]
    p95_ms: list[float | None]
    p99_ms: list[float | None]
    waiting: list[int]


class StatisticsView(Struct, frozen=True):
    """What one process measured: now, the last ten minutes (a point per second) and the last 24
    hours (a point per minute). The census is of the whole database."""

    now: Now
    ten_minutes: Series
    day: Series

"""What is too much."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """The bounds of decision 12; rates are 0 to 1.

    Errors above `warn_error`, or successes below `1 - warn_error`, warn. Errors above
    `worst_error`, responses slower than `worst_response_s` at the 95th percentile, or memory above
    `worst_memory` for `memory_for_s`, roll back. What is more than `times_baseline` times that of
    the turns without the feature alerts.
    """

    warn_error: float = 0.05
    worst_error: float = 0.1
    worst_response_s: float = 10.0
    slow_share: float = 0.05
    """More turns than these are slow where the 95th percentile is."""
    minimum_slow: int = 10
    """Fewer slow ones of the last 200 roll nothing back: one stall makes several turns slow that
    run at the same time, and the evidence counts them as if they were independent."""
    worst_memory: float = 0.9
    memory_for_s: float = 30.0
    times_baseline: float = 2.0
    minimum: int = 50
    """Fewer outcomes than these decide nothing, whatever they are."""
    alpha: float = 0.001
    """The chance that a feature that does no harm is ever rolled back by mistake."""
    window_s: float = 300.0
    """What is shown and compared is of this last while, where there were `minimum` outcomes in it;
    else of all since the guard was set. Errors, and responses that are too slow by themselves, are
    judged by the last 200 turns."""

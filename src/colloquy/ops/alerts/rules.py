"""A rule: which metric is watched, when it is bad, and when it is good again. Pure."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping

from msgspec import Struct

from ...model.alerts import Severity
from ...model.errors import InvalidInput

CLEAR_FOR_S = 60.0
"""A metric has to be good for so long before its alert resolves, unless the rule says otherwise."""


class Comparison(enum.StrEnum):
    """On which side of its threshold a metric is bad; the threshold itself is good."""

    ABOVE = ">"
    BELOW = "<"


class Rule(Struct, frozen=True, kw_only=True):
    """Bad while `metric` is beyond `threshold`, for at least `for_s` seconds.

    It is good again at `clear`, which is the threshold or on its good side (hysteresis), for
    `clear_for_s` seconds. Beyond `critical` the alert is critical, whatever `severity` says.
    `message` is a format string of `value`, `threshold` and the labels. A metric that is missing
    is no data and changes nothing, unless `absent` says that missing is bad.
    """

    name: str
    metric: str
    comparison: Comparison = Comparison.ABOVE
    threshold: float
    critical: float | None = None
    clear: float | None = None
    for_s: float = 0.0
    clear_for_s: float = CLEAR_FOR_S
    severity: Severity = Severity.WARNING
    message: str
    labels: Mapping[str, str] = {}
    absent: bool = False

    def __post_init__(self) -> None:
        """Raises InvalidInput for bounds that contradict each other."""
        bounds = [
            bound for bound in (self.threshold, self.critical, self.clear) if bound is not None
        ]
        if not all(math.isfinite(bound) for bound in bounds):
            raise self._wrong("bounds must be finite", "threshold")
        if self.clear is not None and self._is_beyond(self.clear, self.threshold):
            raise self._wrong("`clear` must not be on the bad side of `threshold`", "clear")
        if self.critical is not None and not self._is_beyond(self.critical, self.threshold):
            raise self._wrong("`critical` must be beyond `threshold`", "critical")
        if not (0 <= self.for_s < math.inf and 0 <= self.clear_for_s < math.inf):
            raise self._wrong("durations must be 0 or more", "for_s")
        if self.severity is Severity.INFO:
            raise self._wrong("an alert is a warning or critical", "severity")
        try:
            self.text(self.threshold)
        except (KeyError, IndexError, ValueError) as error:
            raise self._wrong(f"`message` cannot be filled in: {error!r}", "message") from None

    @property
    def key(self) -> str:
        """What an alert of this rule is told apart by: the name with the labels."""
        labels = ",".join(f"{name}={value}" for name, value in sorted(self.labels.items()))
        return f"{self.name}{{{labels}}}" if labels else self.name

    @property
    def clear_at(self) -> float:
        return self.threshold if self.clear is None else self.clear

    def is_bad(self, value: float) -> bool:
        return self._is_beyond(value, self.threshold)

    def is_critical(self, value: float) -> bool:
        return self.critical is not None and self._is_beyond(value, self.critical)

    def is_clear(self, value: float) -> bool:
        return not self._is_beyond(value, self.clear_at)

    def worse(self, one: float | None, other: float | None) -> float | None:
        """The worse of two values; a missing one counts for nothing."""
        if one is None or other is None:
            return other if one is None else one
        return one if self._is_beyond(one, other) else other

    def text(self, value: float | None) -> str:
        """The message for a value; None stands for a missing metric."""
        if value is None:
            return f"{self.metric} is missing"
        return self.message.format(value=value, threshold=self.threshold, **self.labels)

    def _is_beyond(self, value: float, bound: float) -> bool:
        return value > bound if self.comparison is Comparison.ABOVE else value < bound

    def _wrong(self, why: str, field: str) -> InvalidInput:
        return InvalidInput(f"rule {self.name}: {why}", field=field)

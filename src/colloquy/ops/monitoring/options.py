"""The seven flags of monitoring as one value, read anew at every look."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ...flags.registry import Value
from ...model.errors import SettingsError

WEBSOCKET = "websocket"
REALTIME = "realtime"
DUAL = "dual"
TYPES = (WEBSOCKET, REALTIME, DUAL)

USE_ADAPTER = "monitoring_use_adapter"
ADAPTER_TYPE = "monitoring_adapter_type"
DUAL_MODE = "monitoring_dual_mode"
ENABLE_VALIDATION = "monitoring_enable_validation"
VALIDATION_STRICT = "monitoring_validation_strict"
FLUSH_INTERVAL = "monitoring_metrics_flush_interval"
PERSISTENCE = "monitoring_metrics_persistence"

LONGEST_INTERVAL_S = 86_400


class Options(Struct, frozen=True):
    """`adapters` is empty where nothing is broadcast. `is_overruled`: dual mode says both, whatever
    the type says (decision 10)."""

    adapters: frozenset[str]
    is_overruled: bool
    validates: bool
    strict: bool
    flush_interval_s: int
    persists: bool


def read(value: Callable[[str], Value]) -> Options:
    """`value` tells a flag's value. Raises SettingsError for one that will not do."""
    type_ = value(ADAPTER_TYPE)
    interval = value(FLUSH_INTERVAL)
    if type_ not in TYPES:
        raise _wrong(ADAPTER_TYPE, f"it is {type_!r}, not one of {', '.join(TYPES)}")
    if not isinstance(interval, int) or not 1 <= interval <= LONGEST_INTERVAL_S:
        raise _wrong(
            FLUSH_INTERVAL,
            f"it is {interval!r}, not a number of seconds up to {LONGEST_INTERVAL_S}",
        )
    is_dual = value(DUAL_MODE) is True
    chosen = {WEBSOCKET, REALTIME} if is_dual or type_ == DUAL else {str(type_)}
    return Options(
        adapters=frozenset(chosen if value(USE_ADAPTER) is True else ()),
        is_overruled=is_dual and type_ != DUAL,
        validates=value(ENABLE_VALIDATION) is True,
        strict=value(VALIDATION_STRICT) is True,
        flush_interval_s=interval,
        persists=value(PERSISTENCE) is True,
    )


def _wrong(flag: str, detail: str) -> SettingsError:
    name = f"flags.{flag}"
    problem = {"setting": name, "source": "flags", "detail": detail}
    return SettingsError(f"{name}: {detail}", field=name, problems=[problem])

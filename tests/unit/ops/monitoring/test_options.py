"""The seven flags as options: each says one thing, and what will not do is named."""

from __future__ import annotations

import pytest

from colloquy.flags import Flags
from colloquy.model.errors import SettingsError
from colloquy.ops.monitoring.options import Options, read
from colloquy.settings import load_settings

BOTH = frozenset({"websocket", "realtime"})


def options(**values: bool | int | str) -> Options:
    named = {f"monitoring_{name}": value for name, value in values.items()}
    return read(Flags(named).value)


@pytest.mark.parametrize("profile", ["default", "legacy"])
def test_both_profiles_have_the_same(profile: str) -> None:
    flags = Flags.of(load_settings(overrides={"profile": profile}))
    assert read(flags.value) == Options(
        adapters=BOTH,
        is_overruled=True,
        validates=True,
        strict=False,
        flush_interval_s=300,
        persists=True,
    )


@pytest.mark.parametrize(
    ("type_", "dual", "adapters", "is_overruled"),
    [
        ("websocket", False, {"websocket"}, False),
        ("realtime", False, {"realtime"}, False),
        ("dual", False, BOTH, False),
        ("websocket", True, BOTH, True),
        ("realtime", True, BOTH, True),
        ("dual", True, BOTH, False),
    ],
)
def test_dual_mode_means_both_whatever_the_type_says(
    type_: str, dual: bool, adapters: set[str], is_overruled: bool
) -> None:
    found = options(adapter_type=type_, dual_mode=dual)
    assert (found.adapters, found.is_overruled) == (adapters, is_overruled)
    assert options(adapter_type=type_, dual_mode=dual, use_adapter=False).adapters == frozenset()


def test_the_older_names_of_the_environment_are_understood() -> None:
    settings = load_settings(
        env={
            "MONITORING_USE_ADAPTER": "true",
            "MONITORING_ADAPTER_TYPE": "websocket",
            "MONITORING_DUAL_MODE": "false",
            "MONITORING_ENABLE_VALIDATION": "false",
            "MONITORING_VALIDATION_STRICT": "true",
            "MONITORING_METRICS_FLUSH_INTERVAL": "60",
            "MONITORING_METRICS_PERSISTENCE": "false",
        }
    )
    assert read(Flags.of(settings).value) == Options(
        adapters=frozenset({"websocket"}),
        is_overruled=False,
        validates=False,
        strict=True,
        flush_interval_s=60,
        persists=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("adapter_type", "telepathy"),
        ("metrics_flush_interval", 0),
        ("metrics_flush_interval", 86_401),
    ],
)
def test_a_value_that_will_not_do_is_named(name: str, value: int | str) -> None:
    with pytest.raises(SettingsError, match=f"monitoring_{name}"):
        options(**{name: value})
    plain = Flags()
    values = {f"monitoring_{name}": value}
    with pytest.raises(SettingsError, match=f"flags.monitoring_{name}: it is {value!r}"):
        read(lambda flag: values.get(flag, plain.value(flag)))

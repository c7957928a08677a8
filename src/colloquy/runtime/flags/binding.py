"""The engine's flags as the provider that OpenFeature asks in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...flags import Flags
from ...model.errors import SettingsError


def bind_openfeature(flags: Flags, domains: Sequence[str | None]) -> Callable[[], None]:
    """Binds them in each domain (None: the default one), and returns what lets go of them again.

    What is asked afterwards is answered from memory as it was last known: nobody else's provider is
    put in its place. Raises SettingsError where the SDK is not installed.
    """
    if not domains:
        return lambda: None
    try:
        from openfeature import api

        from ...flags.openfeature import FlagProvider
    except ImportError:
        raise SettingsError(
            "flags for OpenFeature need its SDK: pip install 'colloquy[openfeature]'"
        ) from None
    provider = FlagProvider(flags)
    for domain in domains:
        if domain is None:
            api.set_provider_and_wait(provider)
        else:
            api.set_provider_and_wait(provider, domain)
    return provider.shutdown

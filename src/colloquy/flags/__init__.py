"""Feature flags: `flags.enabled("enable_bursts", subject)`.

A reader of settings for now; percentages, targeting and kill switches take over behind the same
call (decision 37).
"""

from .reader import Flags, FlagSubject
from .registry import REGISTRY, Flag

__all__ = ["REGISTRY", "Flag", "FlagSubject", "Flags"]

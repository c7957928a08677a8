"""Feature flags: `flags.enabled("enable_bursts", subject)`.

`registry` says which flags exist, `state` what operators may say of one, `deciding` who is served
what, `switches` which names hold flags at their safe values, `reader` puts them together.
"""

from ..model.flags import FlagState, Value
from .deciding import Decision, FlagSubject
from .reader import Flags, PinnedFlags
from .registry import REGISTRY, Flag
from .switches import SWITCHES, Switch

__all__ = [
    "REGISTRY",
    "SWITCHES",
    "Decision",
    "Flag",
    "FlagState",
    "FlagSubject",
    "Flags",
    "PinnedFlags",
    "Switch",
    "Value",
]

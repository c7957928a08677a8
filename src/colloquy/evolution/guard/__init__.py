"""The guard of a roll-out: how turns end with a feature and without it, and what to do then."""

from .guard import Guard
from .limits import Limits

__all__ = ["Guard", "Limits"]

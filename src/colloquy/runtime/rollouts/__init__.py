"""Roll-outs of a running engine: they go on by themselves, and are taken back by themselves."""

from .desk import RolloutDesk
from .records import rollout_records

__all__ = ["RolloutDesk", "rollout_records"]

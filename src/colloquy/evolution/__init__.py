"""From one version of what clients know to the next: formats V1 and V2 of messages and contexts.

V1 is flat: a role, a content, metadata beside them. Conversion loses nothing either way
(`adapting`); the rest of the room is pure as well: no I/O, no clock.
"""

from .adapting import V1_KEY, V2_KEY, Place, place_of, to_v1, to_v2
from .batches import convert_all
from .contexts import context_of_v1, merge_contexts
from .detecting import Detected, detect
from .merging import merge
from .v1 import V1Message, check_v1
from .views import item_of_v1, item_to_v1, reply_of_v1, reply_to_v1

__all__ = [
    "V1_KEY",
    "V2_KEY",
    "Detected",
    "Place",
    "V1Message",
    "check_v1",
    "context_of_v1",
    "convert_all",
    "detect",
    "item_of_v1",
    "item_to_v1",
    "merge",
    "merge_contexts",
    "place_of",
    "reply_of_v1",
    "reply_to_v1",
    "to_v1",
    "to_v2",
]

"""The flags of a running engine: kept in the ledger, in force in every process."""

from .binding import bind_openfeature
from .desk import TOPIC, FlagDesk
from .records import FlagRecords, SwitchRecords

__all__ = ["TOPIC", "FlagDesk", "FlagRecords", "SwitchRecords", "bind_openfeature"]

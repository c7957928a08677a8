"""The ledger as operators handle it, and the tasks behind it."""

from .desk import TOPIC, LedgerDesk

__all__ = ["TOPIC", "LedgerDesk"]

"""Files as records: captured into the ledger, restored from it."""

from .files import NAME, Captured, Files

__all__ = ["NAME", "Captured", "Files"]

"""Snapshots: records as of one position in a file of their own, and back."""

from .format import FORMAT, Header, Snapshot, Trailer
from .importing import Policy
from .snapshots import Imported, Snapshots

__all__ = ["FORMAT", "Header", "Imported", "Policy", "Snapshot", "Snapshots", "Trailer"]

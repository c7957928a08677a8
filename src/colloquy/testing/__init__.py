"""For whoever builds on Colloquy: a client to try assistants with, and suites for parts of his own.

The suites (`testing.ledger`) need pytest and are imported by their own names.
"""

from .client import TestClient

__all__ = ["TestClient"]

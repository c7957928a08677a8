"""Fixtures of the tests that need a browser."""

from support.browser import browser

__all__ = ["browser"]

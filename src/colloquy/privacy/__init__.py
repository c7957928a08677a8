"""Personal data: pseudonyms, and masking for logs (decision 18)."""

from .masking import mask
from .pseudonyms import pseudonym

__all__ = ["mask", "pseudonym"]

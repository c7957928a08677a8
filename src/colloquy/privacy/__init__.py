"""Personal data and secrets: pseudonyms, masking for logs (decision 18), sealing at rest."""

from .masking import mask
from .pseudonyms import pseudonym
from .sealing import Sealer

__all__ = ["Sealer", "mask", "pseudonym"]

"""The packs that ship with Colloquy, as data: folders of YAML, trained models and model cards."""

from pathlib import Path

_HERE = Path(__file__).parent

PROPERTY_PACK = _HERE / "property"
"""Support and viewings for people who rent a home."""
PROPERTY_MODEL = _HERE / "property.model"
"""The intent model of `PROPERTY_PACK`, so that a first start needs no training."""
SUPPORT_PACK = _HERE / "support"
"""Customers of a shop: orders, refunds, delivery, account, billing, technical problems."""
SUPPORT_MODEL = _HERE / "support.model"
"""The intent model of `SUPPORT_PACK`."""

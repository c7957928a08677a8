"""The packs that ship with Colloquy, as data: a TOML file, its trained model and a model card."""

from pathlib import Path

_HERE = Path(__file__).parent

PROPERTY_PACK = _HERE / "property.toml"
"""Support and viewings for people who rent a home."""
PROPERTY_MODEL = _HERE / "property.model"
"""The intent model of `PROPERTY_PACK`, so that a first start needs no training."""

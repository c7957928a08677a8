"""Colloquy: the durable engine behind assistants.

    from colloquy import Colloquy, Reply, Turn

Names are imported when they are first used, so that `import colloquy` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import Colloquy
    from .model.errors import ColloquyError, EffectUncertain, Transient
    from .model.message import Data, Media, Message, Sender, Text, ToolCall, ToolResult
    from .model.reply import Reply
    from .model.turn import Turn
    from .model.understanding import Entity, Label, Understanding
    from .understanding.extension import classifier, extractor

__version__ = "0.1.0"

_HOMES = {
    "Colloquy": "app",
    "ColloquyError": "model.errors",
    "Data": "model.message",
    "EffectUncertain": "model.errors",
    "Entity": "model.understanding",
    "Label": "model.understanding",
    "Media": "model.message",
    "Message": "model.message",
    "Reply": "model.reply",
    "Sender": "model.message",
    "Text": "model.message",
    "ToolCall": "model.message",
    "ToolResult": "model.message",
    "Transient": "model.errors",
    "Turn": "model.turn",
    "Understanding": "model.understanding",
    "classifier": "understanding.extension",
    "extractor": "understanding.extension",
}

__all__ = [
    "Colloquy",
    "ColloquyError",
    "Data",
    "EffectUncertain",
    "Entity",
    "Label",
    "Media",
    "Message",
    "Reply",
    "Sender",
    "Text",
    "ToolCall",
    "ToolResult",
    "Transient",
    "Turn",
    "Understanding",
    "__version__",
    "classifier",
    "extractor",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)

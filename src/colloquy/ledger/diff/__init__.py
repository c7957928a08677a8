"""The difference of two states as a script that can be applied, turned round, joined and read.

    script = diff(old, new)
    assert apply(old, script) == new and apply(new, invert(script)) == old

States are values as in `colloquy.ledger.values`; nothing here does I/O.
"""

from .apply import Target, apply
from .changes import (
    Add,
    Change,
    Move,
    Remove,
    Replace,
    Script,
    Shift,
    Splice,
    decode,
    encode,
    invert,
)
from .compare import diff
from .compose import compose
from .paths import Item, Path, format_path, parse_path

__all__ = [
    "Add",
    "Change",
    "Item",
    "Move",
    "Path",
    "Remove",
    "Replace",
    "Script",
    "Shift",
    "Splice",
    "Target",
    "apply",
    "compose",
    "decode",
    "diff",
    "encode",
    "format_path",
    "invert",
    "parse_path",
]

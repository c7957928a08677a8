"""Where in a TOML file a setting stands. The parser of the standard library does not tell."""

from __future__ import annotations

import re

_TABLE = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?\Z")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-\"'. ]+?)\s*=")


def line_of(text: str, name: str) -> int | None:
    """The number of the line that sets `name` (dotted), from 1 on; None when it was not found."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := _TABLE.match(line):
            table = _plain(head[1]) + "."
        elif (key := _KEY.match(line)) and _covers(table + _plain(key[1]), name):
            return number
    return None


def _covers(written: str, name: str) -> bool:
    # An inline table is written under the name of what holds the setting.
    return name == written or name.startswith(written + ".")


def _plain(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))

"""Ends of edges whose entity may not exist: how their ids are written and read.

    sym:<path>#<name>[@<hash>]    file:<path>    file:<path>:<symbol>    external:<name>
    <kind>:<name>                 import:<module>:<symbol>               anything else: an id

Two ways of writing one target have one key: a symbol counts by its file and name, so that an edit,
which changes the hash, does not change the key; a symbol not resolved yet has the key that it has
afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import normalise

PLACEHOLDERS = frozenset({
    "class", "interface", "function", "typeAlias", "variable", "property", "method", "enum",
    "module", "namespace",
})  # fmt: skip
"""Kinds of symbols that an id can name without saying where they are."""

# A `#` can be part of a path and of a name: the path ends with the file's extension.
_SYMBOL = re.compile(r"(?P<path>.*?\.\w+)#(?P<name>.+)", re.S)
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class Target(NamedTuple):
    """What an id or a reference points to. `form` says which of the other fields count."""

    form: str
    """symbol, file, external, placeholder, import or entity."""
    name: str
    """Of the symbol, thing or entity; "" for a file."""
    path: str = ""
    """Of a file or symbol, normalised; of an import the module, of a placeholder the kind."""
    hash: str = ""
    """Of the content that a symbol's id was made for; no part of the key."""

    @property
    def key(self) -> tuple[str, ...]:
        """Equal for equal targets."""
        return (self.form, self.path, self.name)

    def reference(self) -> dict[str, str]:
        """A reference that is read as this target, but for the hash."""
        if self.form in ("symbol", "file"):
            named = {"symbol": self.name} if self.name else {}
            return {"kind": "fileSymbol", "file": self.path, **named}
        if self.form == "external":
            return {"kind": "external", "name": self.name}
        if self.form == "entity":
            return {"kind": "entity", "id": self.name}
        parts = ("import", self.path) if self.form == "import" else (self.path,)
        return {"kind": "entity", "id": ":".join(part for part in (*parts, self.name) if part)}

    def columns(self) -> dict[str, str]:
        """The flat form for search: `kind`, and `file`, `symbol`, `name` where there is one."""
        if self.form == "symbol":
            return {
                "kind": "fileSymbol", "file": self.path, "symbol": self.name, "name": self.name,
            }  # fmt: skip
        if self.form == "file":
            return {"kind": "entity", "file": self.path}
        kind = "entity" if self.form == "entity" else "external"
        return {"kind": kind, "name": self.name}


def read_id(text: str) -> Target:
    """What an entity's id points to."""
    head, colon, rest = text.partition(":")
    if colon and rest:
        if head == "sym":
            return _symbol(rest) or Target("entity", text)
        if head == "file":
            return _file(rest)
        if head == "external":
            return Target("external", rest.strip())
        if head in PLACEHOLDERS:
            return Target("placeholder", rest, head)
        if head == "import":
            module, _, symbol = rest.rpartition(":")
            return Target("import", symbol, module) if module else Target("import", "", rest)
    return Target("entity", text)


def read_reference(reference: Any, otherwise: str) -> Target:
    """What a `toRef` or `fromRef` points to; `otherwise` is the id where it says nothing."""
    return _referred(reference) or read_id(otherwise)


def is_reference(value: Any) -> bool:
    """Whether it says what it points to."""
    return _referred(value) is not None


def _referred(reference: Any) -> Target | None:
    if not isinstance(reference, Mapping):
        return None
    kind = reference.get("kind")
    id_, file, symbol, name = (
        value.strip() if isinstance(value := reference.get(part), str) else ""
        for part in ("id", "file", "symbol", "name")
    )
    if kind == "entity" and id_:
        return read_id(id_)
    if kind == "fileSymbol" and file:
        wanted, path = symbol or name, normalise.path(file)
        return Target("symbol", wanted, path) if wanted else Target("file", "", path)
    if kind == "external" and (name or symbol):
        return Target("external", name or symbol)
    return None


def _symbol(rest: str) -> Target | None:
    match = _SYMBOL.fullmatch(rest)
    path, name = (match["path"], match["name"]) if match else rest.partition("#")[::2]
    if not path or not name:
        return None
    # The last `@` begins the hash, unless the name itself begins with it.
    at = name.rfind("@")
    hash_ = ""
    if at > 0:
        name, hash_ = name[:at], name[at + 1 :]
    return Target("symbol", name, normalise.path(path), hash_)


def _file(rest: str) -> Target:
    start = 2 if _DRIVE.match(rest) else 0
    path, colon, symbol = rest[start:].partition(":")
    path = normalise.path(rest[:start] + path)
    return Target("symbol", symbol, path) if colon and symbol else Target("file", "", path)

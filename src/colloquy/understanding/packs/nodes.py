"""YAML, TOML and JSON Lines as values that know their line.

YAML is composed, never constructed: nothing in a file can make an object, and `no`, `12` or `on` as
an example stay the texts that somebody typed. Anchors and aliases are refused, so that no file is
larger than it looks.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from ...model.errors import InvalidInput

MAX_DEPTH = 12
"""Values inside values."""

_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)
"""What YAML takes a text without quotes for; all are read as the text that stands there."""
_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml, ten times as fast, where PyYAML was built with it."""
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")


class Node(Struct, frozen=True):
    """A text, a list or a mapping, and the line (from 1) on which it stands.

    `block` counts the lines of a text that stands below its key, from the line after it.
    """

    value: str | list[Node] | dict[str, Node]
    line: int
    block: bool = False
    keys: dict[str, int] = {}
    """Of a mapping: the line of each key."""


def at(file: str, line: int, detail: str) -> InvalidInput:
    """The error for what stands on this line."""
    return InvalidInput(f"{file}:{line}: {detail}", field="file")


def read_yaml(file: str, data: bytes) -> Node:
    """The document in a file; an empty one is an empty mapping. Raises InvalidInput."""
    try:
        return _read_yaml(file, data, _FAST)
    except (yaml.YAMLError, UnicodeError, ValueError):
        # The reader in Python says better what is wrong, and where.
        return _explained(file, data)


def _explained(file: str, data: bytes) -> Node:
    try:
        return _read_yaml(file, data, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise at(file, line, f"no YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeError, ValueError) as error:
        raise at(file, 1, f"no YAML: {' '.join(str(error).split())[:200]}") from None


def _read_yaml(file: str, data: bytes, kind: Any) -> Node:
    _refuse_bombs(file, data, kind)
    loader = kind(data)
    try:
        root = loader.get_single_node()
        return Node({}, 1) if root is None else _node(file, root)
    finally:
        loader.dispose()


def _refuse_bombs(file: str, data: bytes, kind: Any) -> None:
    """Depth and aliases, seen on the flat stream of events before anything is built."""
    depth = 0
    for event in yaml.parse(data, kind):
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise at(file, line, "anchors and aliases (& and *) are not read; put quotes around it")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise at(file, line, f"deeper than {MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _node(file: str, node: yaml.Node) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        if node.tag not in _PLAIN_TAGS:
            raise at(file, line, f"the tag {node.tag} is not read; put quotes around the text")
        return Node(node.value, line, block=node.style in ("|", ">"))
    if node.tag not in ("tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"):
        raise at(file, line, f"the tag {node.tag} is not read")
    if isinstance(node, yaml.SequenceNode):
        return Node([_node(file, one) for one in node.value], line)
    values: dict[str, Node] = {}
    keys: dict[str, int] = {}
    for key, value in node.value:
        where = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise at(file, where, "a key must be a text")
        if key.value in values:
            raise at(file, where, f"{key.value!r} stands on line {keys[key.value]} already")
        values[key.value], keys[key.value] = _node(file, value), where
    return Node(values, line, keys=keys)


def read_toml(file: str, data: bytes) -> Node:
    """Raises InvalidInput."""
    try:
        text = data.decode("utf-8")
        tree = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise at(file, 1, f"no UTF-8: {error}") from None
    except tomllib.TOMLDecodeError as error:
        found = _TOML_LINE.search(str(error))
        raise at(file, int(found[1]) if found else 1, f"no TOML: {error}") from None
    return _Toml(file, text.splitlines()).node(tree)


class _Toml:
    """Finds the lines of what tomllib read, which keeps the order of the file but no lines."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self._file = file
        self._lines = lines
        self._at = 0

    def node(self, value: Any, depth: int = 0) -> Node:
        if depth > MAX_DEPTH:
            raise at(self._file, self._at + 1, f"deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            start, values, keys = self._at + 1, {}, {}
            for key, one in value.items():
                self._seek(key)
                keys[key] = self._at + 1
                values[key] = self.node(one, depth + 1)
            return Node(values, start, keys=keys)
        if isinstance(value, list):
            return Node([self.node(one, depth + 1) for one in value], self._at + 1)
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
        self._seek(text.splitlines()[0] if text else "")
        return Node(text, self._at + 1)

    def _seek(self, text: str) -> None:
        """Goes on to the next line with the text as it is or as it is escaped, if there is one."""
        escaped = msgspec.json.encode(text).decode()
        for forms in ((escaped, f"'{text}'"), (text, escaped[1:-1])):
            for place in range(self._at, len(self._lines)):
                if any(form in self._lines[place] for form in forms):
                    self._at = place
                    return


class JsonSpan(Struct, frozen=True, forbid_unknown_fields=True):
    """An entity of a row; `text`, if it is given, must be what stands there."""

    start: int
    end: int
    label: str
    text: str | None = None
    role: str | None = None
    group: str | None = None
    value: str | None = None


class JsonRow(Struct, frozen=True, forbid_unknown_fields=True):
    """`{"text", "intent"}` or `{"text", "intents"}`, with `"entities"` if there are any."""

    text: str
    intent: str | None = None
    intents: list[str] | None = None
    entities: list[JsonSpan] = []
    id: str | None = None


def read_jsonl(file: str, data: bytes) -> Iterator[tuple[int, JsonRow]]:
    """Rows with their lines. Raises InvalidInput."""
    decoder = msgspec.json.Decoder(JsonRow)
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            try:
                yield number, decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise at(file, number, str(error)) from None

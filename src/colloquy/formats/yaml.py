"""YAML of others, read safely: plain values only, few aliases, each mapping with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..model.errors import InvalidInput, TooLarge

LINE = "__line__"
"""Key under which a mapping has the line it begins on."""
MAX_BYTES = 8 * 1024 * 1024
MAX_ALIASES = 100
"""Aliases of aliases grow without bound when they are walked through."""


def load(path: Path) -> dict[str, Any]:
    """The mapping in a file; {} when it holds something else.

    Raises InvalidInput when it is no YAML, TooLarge.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        """Refuses many aliases and notes lines."""

        aliases = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                self.aliases += 1
                if self.aliases > MAX_ALIASES:
                    raise TooLarge(f"{path.name} has over {MAX_ALIASES} aliases")
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
            found[LINE] = node.start_mark.line + 1
            return found

    if path.stat().st_size > MAX_BYTES:
        raise TooLarge(f"{path.name} has over {MAX_BYTES} bytes")
    try:
        tree = yaml.load(path.read_bytes(), Loader)  # derived from the safe loader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        detail = " ".join(str(error).split())
        raise InvalidInput(f"{path.name} is no YAML: {detail[:300]}", field="file") from None
    return tree if isinstance(tree, dict) else {}

"""Why a setting has its value: every source that says something about it, and which one counts."""

from __future__ import annotations

import difflib
from typing import Any, get_args

import msgspec
from msgspec import Struct

from ..model.errors import NotFound
from .load import Resolution
from .names import ALIASES, KILL_SWITCH_PREFIX, Leaf, known_names, leaf_of, name_of, shown


class Statement(Struct, frozen=True, omit_defaults=True):
    """What a source says: its value as it may be printed, and its line in a file."""

    source: str
    value: Any
    line: int | None = None


class Explanation(Struct, frozen=True):
    """A setting with its range, and what was said about it, strongest first: the first counts."""

    name: str
    value: Any
    origin: str
    description: str
    type: str
    range: str
    environment: list[str]
    """The variables that set it; the first is our own name."""
    said: list[Statement]


def explain(resolution: Resolution, name: str) -> Explanation:
    """Explains a setting by its dotted name or a name of the environment.

    Raises NotFound with the names that come near.
    """
    dotted = name_of(name) or ALIASES.get(name) or name
    leaf = leaf_of(dotted)
    if leaf is None:
        raise NotFound(f"there is no setting {name}{near(name)}", field="name")
    said = [
        Statement(one.source, shown(dotted, one.value), one.line)
        for one in reversed(resolution.said.get(dotted, []))
    ]
    said.append(Statement("default", shown(dotted, leaf.default)))
    return Explanation(
        dotted,
        said[0].value,
        said[0].source,
        leaf.doc,
        leaf.type_name,
        range_of(leaf),
        [leaf.environment, *_aliases(dotted)],
        said,
    )


def range_of(leaf: Leaf) -> str:
    """The bounds of a setting in words; empty when only its type bounds it."""
    words = []
    for meta in _metas(leaf.type):
        for sign, bound in (("≥", meta.ge), (">", meta.gt), ("≤", meta.le), ("<", meta.lt)):
            if bound is not None:
                words.append(f"{sign} {bound:g}")
        if meta.min_length:
            words.append(f"at least {meta.min_length} long")
        if meta.max_length is not None:
            words.append(f"at most {meta.max_length} long")
        if meta.pattern is not None:
            words.append(f"matches {meta.pattern}")
    return ", ".join(words)


def near(name: str) -> str:
    """The end of a sentence about a name that there is not: those that it may stand for."""
    names = known_names()
    wanted = name.lower().removeprefix("colloquy_")
    # What somebody remembers may be in the environment's form, or the last part alone.
    forms = {form: known for known in names for form in (known, known.replace(".", "_"))}
    found = [known for known in names if known.rpartition(".")[2] == wanted]
    found += [forms[form] for form in difflib.get_close_matches(wanted, forms, n=3)]
    if not found:
        return "; colloquy config show lists them all"
    return f"; did you mean {' or '.join(dict.fromkeys(found))}?"


def _metas(kind: Any) -> list[msgspec.Meta]:
    """The bounds of a type, and of what it is a list of or a choice between."""
    found = []
    for part in get_args(kind):
        found += [part] if isinstance(part, msgspec.Meta) else _metas(part)
    return found


def _aliases(name: str) -> list[str]:
    aliases = [variable for variable, meant in ALIASES.items() if meant == name]
    if name.startswith("flags."):
        aliases.append(KILL_SWITCH_PREFIX + name.removeprefix("flags.").upper())
    return aliases

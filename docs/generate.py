"""Writes the generated parts of the documentation from the code: settings, flags, errors, commands.

    scripts/docs            writes them
    scripts/docs --check    fails when they are not current

A table stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from colloquy.api.problems import MethodNotAllowed
from colloquy.cli.root import build
from colloquy.flags import REGISTRY
from colloquy.model import errors
from colloquy.model.errors import ColloquyError
from colloquy.settings import describe
from colloquy.understanding.compute import ComputeCrashed

HERE = Path(__file__).parent
_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end of \2 -->)", re.S)

# Errors that no class stands for: the HTTP parser answers them before there is a request.
BEFORE_THE_REQUEST = (
    ("malformed_request", 400, "The bytes are no HTTP."),
    ("headers_too_large", 431, "The headers are over 64 KiB."),
)


def settings() -> Iterator[str]:
    """Every setting with its environment name, type, default and meaning."""
    yield "| setting | environment | type | default | meaning |"
    yield "|---|---|---|---|---|"
    for leaf in describe():
        shown = _cell(leaf.type_name), _default(leaf.default), _cell(leaf.doc)
        yield f"| `{leaf.name}` | `{leaf.environment}` | {shown[0]} | {shown[1]} | {shown[2]} |"


def flags() -> Iterator[str]:
    """Every flag with its value in the two profiles."""
    yield "| flag | default | legacy | meaning |"
    yield "|---|---|---|---|"
    for flag in sorted(REGISTRY.values(), key=lambda flag: flag.name):
        values = _default(flag.default), _default(flag.legacy)
        yield f"| `{flag.name}` | {values[0]} | {values[1]} | {_cell(flag.meaning)} |"


def codes() -> Iterator[str]:
    """Every error code, once, with its HTTP status where it can be an answer."""
    yield "| code | status | meaning |"
    yield "|---|---|---|"
    rows = [(kind.code, kind.status, _meaning(kind)) for kind in error_kinds()]
    for code, status, meaning in sorted({*rows, *BEFORE_THE_REQUEST}, key=_by_status):
        yield f"| `{code}` | {status} | {_cell(meaning)} |"


def error_kinds() -> list[type[ColloquyError]]:
    """The errors of `model/errors.py` and those that belong to one room."""
    named = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kinds = [kind for kind in named if issubclass(kind, ColloquyError)]
    return [*kinds, MethodNotAllowed, ComputeCrashed]


def commands() -> Iterator[str]:
    """Every command with its options, by typer's own writer, one heading level lower."""
    program = typer.main.get_command(build())
    context = program.make_context("colloquy", [], resilient_parsing=True)
    for line in get_docs_for_click(obj=program, ctx=context, name="colloquy").splitlines()[2:]:
        yield line.rstrip()


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "settings": settings,
    "flags": flags,
    "codes": codes,
    "commands": commands,
}


def current(text: str) -> str:
    """A page with its tables made anew. Raises KeyError for a table that nobody makes."""

    def made(match: re.Match[str]) -> str:
        return match[1] + "\n".join(TABLES[match[2]]()) + "\n" + match[3]

    return _BLOCK.sub(made, text)


def main(arguments: list[str]) -> int:
    """0, or 1 when `--check` finds a page that is not current."""
    stale = []
    for page in sorted(HERE.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        wanted = current(text)
        if text != wanted:
            stale.append(page.name)
            if "--check" not in arguments:
                page.write_text(wanted, encoding="utf-8")
    if stale:
        print(("not current: " if "--check" in arguments else "written: ") + ", ".join(stale))
    return int(bool(stale) and "--check" in arguments)


def _meaning(kind: type[ColloquyError]) -> str:
    """The first sentence of the docstring, else the title."""
    if kind is ColloquyError:
        return "Something that nobody foresaw; the log of the server has the traceback."
    text = " ".join((kind.__doc__ or kind.title).split())
    return text.split(". ")[0].rstrip(".") + "."


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        items = (item if isinstance(item, str) else f"{item:g}" for item in value)
        return "`" + ", ".join(items) + "`"
    if isinstance(value, int):
        return f"`{value}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{_cell(str(value))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _by_status(row: tuple[str, int, str]) -> tuple[int, str]:
    return row[1], row[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`colloquy new`: a project that runs, with its tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from string import Template
from typing import Annotated

import typer

from ..model.errors import Conflict, InvalidInput
from .options import Json
from .output import print_json

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}\Z")
"""It becomes the title of the chat, the name of the pack and that of a container."""
SUFFIX = ".template"
HIDDEN = "dot-"
SHOWN = 3


class Kind(StrEnum):
    SUPPORT = "support"
    BLANK = "blank"


def register(root: typer.Typer) -> None:
    @root.command("new")
    def new(
        folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder.")],
        template: Annotated[
            Kind,
            typer.Option("--template", help="support: a help desk. blank: says hello."),
        ] = Kind.SUPPORT,
        json: Json = False,
    ) -> None:
        """Makes a project: an assistant with an intent pack, settings, tests and a Dockerfile."""
        files = make(folder, template)
        if json:
            print_json({"folder": str(folder), "template": template, "files": files})
            return
        print(f"{folder}: {', '.join(files)}")
        print()
        if folder.resolve() != Path.cwd():
            print(f"  cd {folder}")
        print("  colloquy serve --dev --reload     # run it, and chat in the browser")
        print("  python -m pytest                  # its tests (pip install pytest)")


def make(folder: Path, kind: Kind) -> list[str]:
    """Writes the project and returns its files.

    Raises InvalidInput when the folder has no usable name or cannot be written, Conflict when
    there is something in it.
    """
    name = folder.resolve().name
    if not NAME.match(name):
        raise InvalidInput(
            f"{name!r} is no name for a project: a letter, then letters, digits, - and _, at most "
            "63 of them",
            field="folder",
        )
    _check_empty(folder)
    values = {
        "name": name,
        "pack": name.lower(),
        "image": name.lower(),
        "version": metadata.version("colloquy"),
    }
    written = []
    try:
        for path, text in sorted(_templates(kind)):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8") as file:
                file.write(Template(text).substitute(values))
            written.append(path)
    except OSError as error:
        raise InvalidInput(
            f"{error.filename} cannot be written: {error.strerror}", field="folder"
        ) from None
    return written


def _check_empty(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise Conflict(f"{folder} is a file", field="folder")
    there = sorted(path.name for path in folder.iterdir())
    if there:
        more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
        raise Conflict(
            f"{folder} is not empty: it has {', '.join(there[:SHOWN])}{more}", field="folder"
        )


def _templates(kind: Kind) -> Iterator[tuple[str, str]]:
    """(path in the project, text) of every file."""
    templates = resources.files("colloquy.cli") / "templates"
    for part in ("common", kind):
        yield from _files(templates / part, PurePosixPath())


def _files(folder: Traversable, inside: PurePosixPath) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, inside / entry.name)
        elif entry.name.endswith(SUFFIX):
            name = entry.name.removesuffix(SUFFIX)
            if name.startswith(HIDDEN):
                name = "." + name.removeprefix(HIDDEN)
            yield str(inside / name), entry.read_text(encoding="utf-8")

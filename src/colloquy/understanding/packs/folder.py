"""A pack as a folder:

    pack.yml        name, language, region, threshold, margin, multi_label (or pack.toml)
    intents/        *.yml, *.toml, *.jsonl; `nlu.yml` of Rasa as it is
    entities/       *.yml, *.toml: phrases and patterns of labels
    replies.yml     templates by intent
    emotions.yml    rules: a pattern stands for an emotion

Each part may also be one file (`intents.yml`, `nlu.yml`) beside `pack.yml`. Every value keeps its
file and line, under the path that errors name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from ...model.errors import InvalidInput, NotFound
from ..pack import MAX_PACK_BYTES, Pack, checked, converted
from .building import Builder, Place
from .nodes import Node, at, read_jsonl, read_toml, read_yaml

MAX_FILES = 500

_SUFFIXES = (".yml", ".yaml", ".toml")


class Source(Struct, frozen=True):
    """A pack as it was read, not checked, and where in its files each value stands."""

    pack: Pack
    places: dict[str, Place]
    doubles: list[tuple[Place, str, str]]
    """Texts that stand twice under one name: where, the text, the name."""

    def place(self, path: str) -> Place:
        """Where the value at this path stands, or what is nearest above it."""
        while path:
            if path in self.places:
                return self.places[path]
            cut = max(path.rfind("."), path.rfind("["), path.rfind("/"))
            path = path[:cut] if cut > 0 else ""
        return Place("", 0)


def load_pack(path: Path) -> Pack:
    """A pack out of a folder, a `.toml` or a `.json` file.

    Raises NotFound, or InvalidInput with the field, and with file and line where they are known.
    """
    source = read_source(path)
    try:
        return checked(source.pack)
    except InvalidInput as error:
        raise _located(error, source.place(error.field or "")) from None


def read_source(path: Path) -> Source:
    """What a folder or a file holds, unchecked. Raises as `load_pack` does."""
    return read_folder(path) if path.is_dir() else read_file(path)


def read_file(path: Path) -> Source:
    """The pack of a `.toml` or `.json` file, of the right types but unchecked.

    Raises as `load_pack` does; a JSON file has no lines.
    """
    try:
        size = path.stat().st_size
        if size > MAX_PACK_BYTES:
            raise InvalidInput(f"{path} has {size} bytes; a pack may have {MAX_PACK_BYTES}")
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no pack at {path}") from None
    places: dict[str, Place] = {}
    if path.suffix == ".json":
        try:
            return Source(converted(msgspec.json.decode(data)), places, [])
        except msgspec.DecodeError as error:
            raise InvalidInput(f"the pack cannot be read: {error}") from None
    tree = read_toml(path.name, data)
    _note(places, path.name, tree, "")
    source = Source(Pack(name="none"), places, [])
    try:
        pack = converted(tomllib.loads(data.decode("utf-8")))
    except InvalidInput as error:
        raise _located(error, source.place(error.field or "")) from None
    return Source(pack, places, [])


def _note(places: dict[str, Place], file: str, node: Node, path: str) -> None:
    places[path] = Place(file, node.line)
    if isinstance(node.value, dict):
        for key, one in node.value.items():
            below = f"{path}.{key}" if path else key
            _note(places, file, one, below)
            places[below] = Place(file, node.keys[key])
    elif isinstance(node.value, list):
        for index, one in enumerate(node.value):
            _note(places, file, one, f"{path}[{index}]")


def _located(error: InvalidInput, place: Place) -> InvalidInput:
    if not place.file:
        return error
    return InvalidInput(f"{place.file}:{place.line}: {error.detail}", field=error.field)


def read_folder(folder: Path) -> Source:
    """Everything in the folder, of the right types but unchecked. Raises as `load_pack` does."""
    builder = Builder()
    size = 0
    found: list[tuple[str, str, bytes]] = []
    head = False
    for name, part, path in _files(folder):
        head = head or part == "pack"
        size += path.stat().st_size
        if size > MAX_PACK_BYTES or len(found) >= MAX_FILES:
            raise InvalidInput(
                f"{folder} has over {MAX_PACK_BYTES} bytes or {MAX_FILES} files", field="file"
            )
        found.append((name, part, path.read_bytes()))
    if not head:
        raise NotFound(f"there is no pack.yml or pack.toml in {folder}")
    for name, part, data in found:
        if name.endswith(".jsonl"):
            for line, row in read_jsonl(name, data):
                builder.row(Place(name, line), row)
            continue
        tree = read_toml(name, data) if name.endswith(".toml") else read_yaml(name, data)
        _learn(builder, name, part, tree)
    tree_of_pack = builder.finish()
    try:
        pack = converted(tree_of_pack)
    except InvalidInput as error:
        places = Source(Pack(name="none"), builder.places, [])
        raise _located(error, places.place(error.field or "")) from None
    return Source(pack, builder.places, builder.doubles)


def _files(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """The name (relative to the folder), the part it belongs to and the path of each file."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_symlink() or not path.is_file() or relative.parts[0].startswith("."):
            continue
        name = relative.as_posix()
        if path.suffix not in (*_SUFFIXES, ".jsonl"):
            continue
        part = relative.parts[0] if len(relative.parts) > 1 else relative.stem
        yield name, part, path


def _learn(builder: Builder, name: str, part: str, tree: Node) -> None:
    if part == "emotions":
        builder.emotions(name, tree)
        return
    if not isinstance(tree.value, dict):
        raise at(name, tree.line, "a mapping of names is expected here")
    if part == "pack":
        builder.head(name, tree)
    elif part in ("intents", "nlu", "data") or "nlu" in tree.value:
        builder.intents(name, tree)
    elif part == "entities":
        builder.entities(name, tree)
    elif part == "replies":
        builder.replies(name, tree)
    else:
        raise at(
            name,
            1,
            f"{part!r} is no part of a pack: pack, intents, nlu, entities, replies, emotions",
        )

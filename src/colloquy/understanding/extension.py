"""What users add to understanding: classes with one batch method, found by name.

    from colloquy import Entity, extractor

    @extractor
    class OrderNumbers:
        name = "orders"
        version = "1"

        def extract(self, texts, contexts):
            return [[Entity("order", m.start(), m.end(), m[0]) for m in ORDER.finditer(text)]
                    for text in texts]

Understanding runs in processes of its own, so an extension travels as the name of its class,
`module:Class` or `file.py:Class`, and is made there with no arguments. Three ways lead to it: the
decorators `@extractor` and `@classifier` in a module that the assistant imports, the entry points
`colloquy.extractors` and `colloquy.classifiers` of an installed package, and the setting
`understanding.extensions`.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

from ..model.errors import InvalidInput
from ..model.understanding import Entity, Label

EXTRACTORS = "colloquy.extractors"
CLASSIFIERS = "colloquy.classifiers"
"""Groups of entry points."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_VERSION = re.compile(r"[A-Za-z0-9._+-]{1,40}")
_FIELD = "understanding.extensions"


class Context(NamedTuple):
    """What is known beside a text: its clock in microseconds since 1970 (UTC), the sender's IANA
    time zone, the default region ("US"), the language that was detected ("en")."""

    at_us: int
    time_zone: str | None = None
    region: str | None = None
    language: str | None = None


@runtime_checkable
class Extractor(Protocol):
    """Finds entities.

    `name`: lower case, in every result; `version`: changes whenever results may. A class may have
    `budget_ms`, the milliseconds that a batch may take (see `extending.BUDGET_MS`).
    """

    name: str
    version: str

    def extract(self, texts: list[str], contexts: list[Context]) -> list[list[Entity]]:
        """The entities of each text: `text[start:end]` in Python offsets. What a text yields may
        depend on that text and its context alone."""
        ...


@runtime_checkable
class Classifier(Protocol):
    """Gives labels; `name`, `version` and `budget_ms` as with an `Extractor`."""

    name: str
    version: str

    def classify(self, texts: list[str], contexts: list[Context]) -> list[list[Label]]:
        """The labels of each text with their confidences, surest first."""
        ...


Extension = Extractor | Classifier
C = TypeVar("C", bound=type)

_registered: dict[str, type] = {}


def extractor(cls: C) -> C:
    """Registers a class with a method `extract`. Raises InvalidInput when it does not fit."""
    return _register(cls, "extract")


def classifier(cls: C) -> C:
    """Registers a class with a method `classify`. Raises InvalidInput when it does not fit."""
    return _register(cls, "classify")


def registered() -> list[str]:
    """The classes that were registered by decorators in this process, as names to load them by."""
    return [_path_of(cls) for cls in _registered.values()]


def installed() -> list[str]:
    """The extensions that installed packages bring, sorted."""
    return sorted(
        {
            entry.value.replace(" ", "")
            for group in (EXTRACTORS, CLASSIFIERS)
            for entry in metadata.entry_points(group=group)
        }
    )


def load_extensions(paths: Iterable[str]) -> list[Extension]:
    """Imports the classes and makes one of each, each once and in this order.

    Raises InvalidInput when one cannot be imported or made, does not fit, or when two have one
    name.
    """
    found: dict[str, Extension] = {}
    classes: set[object] = set()
    for path in dict.fromkeys(paths):
        made = _load(path)
        if type(made) in classes:
            continue
        classes.add(type(made))
        if made.name in found:
            raise InvalidInput(f"{path}: there is another extension {made.name!r}", field=_FIELD)
        found[made.name] = made
    return list(found.values())


def _register(cls: C, method: str) -> C:
    _check(cls, f"{cls.__module__}.{cls.__qualname__}", method)
    if "<locals>" in cls.__qualname__:
        raise InvalidInput(
            f"{cls.__qualname__} is inside a function: other processes cannot import it",
            field=_FIELD,
        )
    # By its place: a module that is imported again replaces what it registered before.
    _registered[f"{cls.__module__}:{cls.__qualname__}"] = cls
    return cls


def _check(found: object, path: str, method: str | None = None) -> None:
    """Raises InvalidInput unless it has a name, a version and a batch method."""
    for field, pattern in (("name", _NAME), ("version", _VERSION)):
        value = getattr(found, field, None)
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise InvalidInput(
                f"{path}: `{field}` has to match {pattern.pattern}, not {value!r}", field=_FIELD
            )
    wanted = [method] if method is not None else ["extract", "classify"]
    if not any(callable(getattr(found, one, None)) for one in wanted):
        raise InvalidInput(f"{path} has no method {' or '.join(wanted)}", field=_FIELD)
    budget = getattr(found, "budget_ms", 1.0)
    if not isinstance(budget, int | float) or not budget > 0:
        raise InvalidInput(f"{path}: `budget_ms` is no positive number", field=_FIELD)


def _path_of(cls: type) -> str:
    """`module:Class`, where another process finds that module by its name, else `file.py:Class`."""
    # There is no module when the code was run from a text, in a notebook for instance.
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    spec = None if cls.__module__ == "__main__" else _spec_of(cls.__module__)
    if spec is not None and (file is None or spec.origin == str(Path(file).absolute())):
        return f"{cls.__module__}:{cls.__qualname__}"
    if file is None:
        raise InvalidInput(
            f"{cls.__qualname__} is in no file: other processes cannot import it", field=_FIELD
        )
    return f"{Path(file).absolute()}:{cls.__qualname__}"


def _spec_of(name: str) -> Any:
    """Where the name leads when it is looked for anew, as another process does."""
    parent, _, _ = name.rpartition(".")
    try:
        path = list(sys.modules[parent].__path__) if parent else None
        for finder in sys.meta_path:
            if (spec := finder.find_spec(name, path)) is not None:
                return spec
    except (KeyError, AttributeError, ImportError):
        return None
    return None


def _load(path: str) -> Extension:
    """One extension. Raises InvalidInput."""
    place, _, name = path.rpartition(":")
    if not place or not name:
        raise InvalidInput(f"{path!r} is neither MODULE:CLASS nor FILE.py:CLASS", field=_FIELD)
    try:
        found: Any = (
            _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        )
        for part in name.split("."):
            found = getattr(found, part)
        made = cast(Callable[[], Extension], found)() if isinstance(found, type) else found
    except InvalidInput:
        raise
    except Exception as error:
        # Somebody else's code: anything may come out of it.
        raise InvalidInput(f"{path}: {type(error).__name__}: {error}", field=_FIELD) from error
    _check(made, path)
    return cast(Extension, made)


def _from_file(file: Path) -> object:
    """The module of a file, under its own name as when it is run; imported once."""
    if not file.is_file():
        raise InvalidInput(f"there is no file {file}", field=_FIELD)
    for name in (file.stem, "__main__"):
        known = getattr(sys.modules.get(name), "__file__", None)
        if known is not None and Path(known).absolute() == file.absolute():
            return sys.modules[name]
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise InvalidInput(f"{file} cannot be imported", field=_FIELD)
    beside = str(file.parent)
    if beside not in sys.path:
        sys.path.insert(0, beside)
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[file.stem]
        raise
    return module


def all_paths(named: Sequence[str]) -> list[str]:
    """Everything there is: decorated classes, installed packages, then those named in settings."""
    return list(dict.fromkeys([*registered(), *installed(), *named]))

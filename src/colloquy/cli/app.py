"""Loading the user's assistant: `module:attribute`, a module, or the path of a .py file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from ..model.errors import ColloquyError, InvalidInput, NotFound
from .options import Where, settings_of

if TYPE_CHECKING:
    from ..app import Colloquy

AppOption = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="APP",
        help="Your assistant: module:attribute or a .py file. Default: the setting `app`, else the "
        "property pack's.",
    ),
]

DEFAULT_PACK = "property"
DEFAULT_NAME = "app"


class AppError(ColloquyError):
    """The user's module raised while it was imported."""

    code = "app_failed"
    title = "The assistant could not be loaded"


def load_app(spec: str | None) -> Colloquy:
    """The assistant that `spec` names; None is one made from the shipped property pack.

    Without an attribute it is `app`, else the module's only Colloquy. Raises NotFound,
    InvalidInput, AppError.
    """
    from ..app import Colloquy

    if spec is None:
        return Colloquy(pack=DEFAULT_PACK)
    place, attribute = split(spec)
    module = _module(place)
    if attribute:
        found = getattr(module, attribute, None)
        if found is None:
            raise NotFound(f"{place} has no {attribute!r}", field="app")
        if not isinstance(found, Colloquy):
            raise InvalidInput(f"{spec} is a {type(found).__name__}, no Colloquy", field="app")
        return found
    apps = {name: value for name, value in vars(module).items() if isinstance(value, Colloquy)}
    if DEFAULT_NAME in apps:
        return apps[DEFAULT_NAME]
    if len({id(value) for value in apps.values()}) == 1:
        return next(iter(apps.values()))
    problem = f"several: {', '.join(apps)}" if apps else "none"
    raise InvalidInput(
        f"{place} has no `app`, and of Colloquy objects {problem}; say which: {place}:NAME",
        field="app",
    )


def chosen_app(app: str | None, where: Where) -> str | None:
    """The assistant of the command line, else that of the settings; None when neither names one."""
    return app if app is not None else settings_of(where).settings.app


def split(spec: str) -> tuple[str, str]:
    """(module or file, attribute or ""): only a name after the last colon is an attribute."""
    place, separator, attribute = spec.rpartition(":")
    if separator and attribute.isidentifier():
        return place, attribute
    return spec, ""


def file_of(spec: str) -> Path | None:
    """The file of an assistant given as a path; None for a module."""
    place, _ = split(spec)
    return Path(place) if place.endswith(".py") else None


def _module(place: str) -> ModuleType:
    file = file_of(place)
    # As with `python file.py` and `python -m module`: what lies beside it can be imported.
    beside = str((file.parent if file is not None else Path.cwd()).absolute())
    if beside not in sys.path:
        sys.path.insert(0, beside)
    try:
        if file is None:
            return importlib.import_module(place)
        return _from_file(file)
    except ModuleNotFoundError as error:
        if file is None and error.name is not None and _is_part(error.name, place):
            raise NotFound(f"there is no module {place}", field="app") from None
        raise _failed(error) from None
    except ColloquyError:
        raise
    except Exception as error:
        # Somebody else's code: anything may come out of it.
        raise _failed(error) from None


def _from_file(file: Path) -> ModuleType:
    if not file.is_file():
        raise NotFound(f"there is no file {file}", field="app")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Known by its name, so that dataclasses, pickles and its own imports find it.
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _is_part(name: str, place: str) -> bool:
    return place == name or place.startswith(name + ".")


def _failed(error: Exception) -> AppError:
    """One line that says where; the whole traceback goes to standard error first."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen") and frame.filename != __file__
    ]
    print("".join(traceback.format_list(frames)), end="", file=sys.stderr)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, SyntaxError) and error.filename:
        where = f" ({error.filename}, line {error.lineno})"
    detail = error.msg if isinstance(error, SyntaxError) else str(error)
    return AppError(f"{type(error).__name__}: {detail}{where}", field="app")


def app_folder(spec: str | None) -> Path:
    """Where the sources of an assistant lie: beside its file, else here."""
    file = file_of(spec) if spec is not None else None
    return file.absolute().parent if file is not None else Path.cwd()

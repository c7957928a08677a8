"""Loading somebody's assistant."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from colloquy import Colloquy
from colloquy.cli.app import AppError, file_of, load_app, split
from colloquy.model.errors import InvalidInput, NotFound


@pytest.fixture(autouse=True)
def imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leaves the interpreter as it was, and looks for modules in the test's folder."""
    before, path = set(sys.modules), list(sys.path)
    monkeypatch.chdir(tmp_path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_without_a_name_it_is_the_shipped_pack() -> None:
    assert load_app(None).pack == "property"


def test_a_file_a_module_and_an_attribute() -> None:
    file = write("mine.py", "from colloquy import Colloquy\napp = Colloquy()\nb = Colloquy()\n")
    write("other.py", "from colloquy import Colloquy\nbot = Colloquy()\n")
    assert isinstance(load_app(file), Colloquy)
    assert load_app(f"{file}:b") is not load_app(f"{file}:app")
    assert load_app("other:bot") is load_app("other"), "the only one needs no name"


def test_what_lies_beside_the_file_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "bots").mkdir()
    write("bots/words.py", "HELLO = 'hello'\n")
    file = write("bots/bot.py", "import words\nfrom colloquy import Colloquy\napp = Colloquy()\n")
    assert isinstance(load_app(file), Colloquy)


def test_the_colon_of_a_path_is_no_separator() -> None:
    assert split("C:/bots/bot.py") == ("C:/bots/bot.py", "")
    assert split("C:/bots/bot.py:app") == ("C:/bots/bot.py", "app")
    assert split("package.module:app") == ("package.module", "app")
    assert file_of("package.module:app") is None
    assert file_of("bots/bot.py:app") == Path("bots/bot.py")


@pytest.mark.parametrize("spec", ["nowhere", "nowhere:app", "nowhere.py", "json:nothing"])
def test_what_is_not_there(spec: str) -> None:
    with pytest.raises(NotFound):
        load_app(spec)


def test_what_is_no_assistant_or_not_one() -> None:
    with pytest.raises(InvalidInput, match="no Colloquy"):
        load_app("json:loads")
    with pytest.raises(InvalidInput, match="none"):
        load_app("json")
    write("two.py", "from colloquy import Colloquy\na = Colloquy()\nb = Colloquy()\n")
    with pytest.raises(InvalidInput, match=r"several: a, b"):
        load_app("two")


def test_its_own_error_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    file = write("broken.py", "x = 1\ny = x / 0\n")
    with pytest.raises(AppError, match=r"ZeroDivisionError.*broken\.py, line 2") as caught:
        load_app(file)
    assert caught.value.code == "app_failed"
    assert "y = x / 0" in capsys.readouterr().err
    with pytest.raises(AppError, match=r"SyntaxError.*wrong\.py, line 1"):
        load_app(write("wrong.py", "def\n"))
    with pytest.raises(AppError, match=r"ModuleNotFoundError.*no_such_library"):
        load_app(write("needy.py", "import no_such_library\n"))

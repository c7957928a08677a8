"""Every Python block of the documentation runs; those of one page are one program."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy.understanding import extension
from support.markdown import ROOT, blocks, pages

ELSEWHERE = ("client.md", "versions.md")
"""They need a server, or a table: their own tests run them."""
WITH_PYTHON = [
    page
    for page in pages()
    if blocks(page.read_text(encoding="utf-8"), "python") and page.name not in ELSEWHERE
]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # What a page registers is for that page: no other test's server has its module.
    monkeypatch.setattr(extension, "_registered", {})
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(page.read_text(encoding="utf-8"), "python"):
        # Empty lines in front, so that a traceback names the line of the page.
        source = "\n" * (block.line - 1) + block.text
        exec(compile(source, page, "exec", dont_inherit=True), names)


def test_readme_and_handlers_have_programs() -> None:
    assert {ROOT / "README.md", ROOT / "docs" / "handlers.md"} <= set(WITH_PYTHON)

"""The page on security: every test that it names exists."""

from __future__ import annotations

import re

from support.markdown import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_every_test_that_is_named_exists() -> None:
    named = _TEST.findall(PAGE)
    assert len(named) > 40
    for file, name in named:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert f"def {name}(" in text, f"{file}::{name}"


def test_every_line_says_what_is_done() -> None:
    table = PAGE.partition("## ASVS")[2].partition("Beyond level 1")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| V")]
    assert len(rows) > 35
    for _, line, done, test, _ in rows:
        assert line.strip()
        assert done.strip()
        assert "::" in test or test.strip() == "–", line

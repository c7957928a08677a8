"""Keys of files: only what the allow-list says, and no way out of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.ledger.files.roots import Roots
from colloquy.model.errors import InvalidInput

PARTS = st.lists(st.sampled_from(["a", "..", ".", "", "b.md", "\0", "\ud800", "..."]), max_size=5)


@settings(max_examples=300, deadline=None)
@given(PARTS)
def test_no_key_leads_out(parts: list[str]) -> None:
    roots = Roots(["/srv/bot"])
    key = "/".join(["bot", *parts])
    try:
        place = roots.place(key)
    except InvalidInput:
        return
    assert place.key == key
    assert place.parts
    assert not {"", ".", "..", "\0", "\ud800"} & set(place.parts)


def test_a_path_is_the_key_of_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "bot").symlink_to(tmp_path / "real")
    roots = Roots([f"{tmp_path}/bot/"])
    for path in ("bot/x/y", f"{tmp_path}/bot/x/y", f"{tmp_path}/real/x/y",
                 f"{tmp_path}/bot/./z/../x/y"):  # fmt: skip
        place = roots.find(path)
        assert (place.key, place.root.real) == ("bot/x/y", str(tmp_path / "real"))
    for path in ("x", "real/x", f"{tmp_path}/bot/../other", f"{tmp_path}/bots/x", "/"):
        with pytest.raises(InvalidInput):
            roots.find(path)


def test_patterns_say_which_files() -> None:
    roots = Roots(["/srv/bot/*.md", "/srv/bot/flows/**.yaml", "/etc/all", "/etc/all/*.txt"])
    for key, allowed in {
        "bot/a.md": True, "bot/x/a.md": False, "bot/a.yaml": False, "flows/a.yaml": True,
        "bot/flows/a.yaml": False, "flows/x/y.yaml": True, "all/x.bin": True, "all/x/y.txt": True,
    }.items():  # fmt: skip
        if allowed:
            assert roots.place(key).key == key
        else:
            with pytest.raises(InvalidInput):
                roots.place(key)


def test_of_folders_in_each_other_the_inner_one_counts_if_it_allows() -> None:
    roots = Roots(["/srv/bot/**.md", "/srv/bot/flows/*.yaml"])
    for path, key in {
        "/srv/bot/flows/a.yaml": "flows/a.yaml", "/srv/bot/flows/a.md": "bot/flows/a.md",
        "/srv/bot/flows": "flows", "/srv/bot": "bot",
    }.items():  # fmt: skip
        assert roots.find(path).key == key


def test_folders_that_cannot_be_told_apart_are_refused() -> None:
    for entries in (["/a/bot", "/b/bot"], ["/"], ["/*.md"]):
        with pytest.raises(InvalidInput):
            Roots(entries)

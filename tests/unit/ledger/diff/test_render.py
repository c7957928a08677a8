"""Differences as people read them, and nothing of a value as markup."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.ledger.diff import diff
from colloquy.ledger.diff.json_patch import json_patch
from colloquy.ledger.diff.render import Limits, as_html, as_text, rows
from colloquy.ledger.values import same, to_wire
from colloquy.model.errors import InvalidInput
from support.values import PAIRS

VIEWS = ["line", "word", "character", "json", "semantic"]


def test_sentences():
    unit = {"id": "u", "price": 850}
    old = {"units": [unit, {"id": "v"}], "a": {"id": 1}, "gone": None, "tags": [1, 2]}
    new = {"units": [{"id": "v"}, {**unit, "price": 900}], "b": {"id": 1}, "new": [], "tags": [2]}
    assert as_text(old, new, "semantic").splitlines() == [
        "1 item removed at index 0 in /tags: [1]",
        "item u in /units was moved from index 0 to 1",
        "price in /units[id=u] changed from 850 to 900",
        "a was renamed to b",
        "gone was removed: null",
        "new was added: []",
    ]
    assert as_text({"price": 850}, {"price": 900}, "semantic") == "price changed from 850 to 900"


def test_lines_in_context():
    old = "\n".join(map(str, range(10)))
    assert as_text(old, old.replace("5", "five"), "line").splitlines() == [
        "… 2 unchanged lines", "  2", "  3", "  4", "- 5", "+ five", "  6", "  7", "  8",
        "… 1 unchanged line",
    ]  # fmt: skip


def test_words_and_characters():
    assert as_text("a big cat", "a cat", "word") == "a [-big -]cat"
    assert as_text("a cat", "a {cat}", "word") == "a {+{+}cat{+}+}"
    assert as_text("colour", "color", "character") == "colo[-u-]r"


def test_operations_of_json_patch():
    assert as_text({"a/b": 1}, {"a/b": 2}, "json") == (
        '{"op": "replace", "path": "/a~1b", "value": 2}'
    )


@pytest.mark.parametrize("view", VIEWS)
def test_no_change_is_said(view):
    assert as_text({"a": 1}, {"a": 1}, view) == "no change"


def test_what_is_left_out_is_said():
    limits = Limits(value=5, changes=1, text=10)
    assert as_text({"a": 1, "b": 1}, {"a": "x" * 20, "b": 2}, "semantic", limits) == (
        'a changed from 1 to "xxxx… (17 more characters)\n… and 1 more change'
    )
    cut = as_text("a" * 15, "b", "character", limits)
    assert cut == "[-aaaaaaaaaa-]{+b+}\n… 5 more characters not compared"


def test_an_unknown_view_is_refused():
    with pytest.raises(InvalidInput, match="is no view"):
        rows(1, 2, "other")


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.elements = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, *attrs))

    def handle_data(self, data):
        self.text += data


OURS = {
    ("pre", ("class", "ledger-diff")),
    ("div",),
    ("del", ("class", "ledger-removed")),
    ("ins", ("class", "ledger-added")),
    ("span", ("class", "ledger-note")),
}
MARKUP = st.text("<>&\"'/ a=\x1b\u202e\n", max_size=12)


@settings(max_examples=200, deadline=None)
@given(MARKUP, MARKUP, MARKUP, st.sampled_from(VIEWS))
def test_nothing_of_a_value_is_markup(key, old, new, view):
    for left, right in ((old, new), ({key: old}, {key: new}), ({key: old}, {new: [old]})):
        page = as_html(left, right, view)
        reader = Reader()
        reader.feed(page)
        assert set(reader.elements) <= OURS
        found = "".join(span.text for row in rows(left, right, view) for span in row)
        assert re.sub("[\u2400-\u241f\ufffd]", "", reader.text) == re.sub("[\x1b\u202e]", "", found)
        assert not set("\x1b\u202e") & set(as_text(left, right, view) + page)


def patched(value, operations):
    holder = [value]

    def parent(pointer):
        steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
        found = holder
        for step in ["0", *steps[:-1]] if steps else []:
            found = found[step if type(found) is dict else int(step)]
        last = steps[-1] if steps else "0"
        return found, last if type(found) is dict else int(last)

    for operation in operations:
        if operation["op"] == "move":
            found, last = parent(operation["from"])
            operation = {**operation, "op": "add", "value": found.pop(last)}
        found, last = parent(operation["path"])
        if operation["op"] == "remove":
            found.pop(last)
        elif operation["op"] == "add" and type(found) is list:
            found.insert(last, operation["value"])
        else:
            found[last] = operation["value"]
    return holder[0]


@settings(max_examples=300, deadline=None)
@given(PAIRS)
def test_json_patch_leads_there(pair):
    old, new = map(_without_forms, pair)
    assert same(patched(to_wire(old), json_patch(old, diff(old, new))), to_wire(new))


def _without_forms(value):
    """Dictionaries whose form in JSON is that of their own keys."""
    if type(value) is dict:
        return {key.replace("$", ""): _without_forms(item) for key, item in value.items()}
    return list(map(_without_forms, value)) if type(value) is list else value

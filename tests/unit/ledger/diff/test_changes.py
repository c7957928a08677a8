"""What scripts look like, what they refuse, and what they say."""

import pytest

from colloquy.ledger.diff import (
    Add,
    Item,
    Move,
    Remove,
    Replace,
    Script,
    Shift,
    Splice,
    apply,
    compose,
    decode,
    diff,
    encode,
)
from colloquy.ledger.diff.changes import digest_of
from colloquy.ledger.values import DEEPEST, same
from colloquy.model.errors import Conflict, InvalidInput

LONG = "a text that is long enough to be told from any other by what it says"
UNITS = [{"id": "a", "price": 1}, {"id": "b", "price": 2}, {"id": "c", "price": 3}]


def test_null_and_absence_differ():
    assert diff({"a": None}, {}).changes == (Remove(("a",), None),)
    assert diff({}, {"a": None}).changes == (Add(("a",), None),)


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (0.0, -0.0), ([], {}), (None, 0)])
def test_types_are_changes(old, new):
    for wrap in (lambda value: value, lambda value: {"a": value}, lambda value: [[value]]):
        (change,) = diff(wrap(old), wrap(new)).changes
        assert isinstance(change, (Replace, Splice))


def test_an_item_in_front_is_one_change():
    assert diff([1, 2, 3], [0, 1, 2, 3]).changes == (Splice((), 0, (), (0,)),)


def test_a_field_of_an_item_without_identity():
    assert diff([{"a": 1, "b": 2}], [{"a": 1, "b": 3}]).changes == (Replace((0, "b"), 2, 3),)


def test_items_are_found_by_identity_wherever_they_are():
    new = [{"id": "c", "price": 3}, {"id": "a", "price": 1}, {"id": "b", "price": 5}]
    assert diff(UNITS, new).changes == (
        Shift((), 2, 0, "c", True),
        Replace((Item("b"), "price"), 2, 5),
    )


def test_a_long_item_without_identity_is_moved():
    assert diff([LONG, 1, 2, 3], [1, 2, 3, LONG]).changes == (
        Shift((), 0, 3, digest_of(LONG), False),
    )


def test_keys_are_renamed_by_identity_and_by_content():
    assert diff({"a": {"id": 1, "n": 1}}, {"b": {"id": 1, "n": 2}}).changes == (
        Move(("a",), ("b",), digest_of({"id": 1, "n": 1})),
        Replace(("b", "n"), 1, 2),
    )
    assert diff({"x": {"a": LONG}, "y": {}}, {"x": {}, "y": {"b": LONG}}).changes == (
        Move(("x", "a"), ("y", "b"), digest_of(LONG)),
    )
    assert len(diff({"a": 1}, {"b": 1})) == 2


def test_a_long_list_turned_round():
    old = [{"id": number, "n": number} for number in range(1500)]
    new = [*old[::-1], {"id": -1}]
    assert apply(old, diff(old, new)) == new


@pytest.mark.parametrize(
    ("state", "change", "path"),
    [
        ({"a": 2}, Replace(("a",), 1, 3), "/a"),
        ({"a": True}, Replace(("a",), 1, 3), "/a"),
        ({}, Replace(("a",), 1, 3), "/a"),
        ({"a": 1}, Add(("a",), 1), "/a"),
        ([], Add(("a",), 1), "/a"),
        ({"a": 1}, Remove(("a",), 2), "/a"),
        ({"a": 1}, Add(("a", "b"), 1), "/a/b"),
        ({"a": 1}, Move(("a",), ("b",), digest_of(2)), "/a"),
        ({"a": 1, "b": 2}, Move(("a",), ("b",), digest_of(1)), "/b"),
        ([1, 2], Splice((), 1, (3,), ()), "[1]"),
        ([1, 2], Splice((), 1, (2, 3), ()), "[1]"),
        ({}, Splice((), 0, (), (1,)), ""),
        (UNITS, Shift((), 0, 1, "b", True), "[0]"),
        (UNITS, Shift((), 0, 3, "a", True), ""),
        (UNITS, Replace((Item("d"), "price"), 1, 2), "[id=d]"),
        ([UNITS[0], UNITS[0]], Replace((Item("a"), "price"), 1, 2), "[id=a]"),
    ],
)
def test_another_state_is_a_conflict_with_its_path(state, change, path):
    before = encode(diff(None, state))
    with pytest.raises(Conflict) as caught:
        apply(state, Script((change,)))
    assert caught.value.field == path
    assert encode(diff(None, state)) == before


def test_a_value_is_not_moved_into_itself():
    state = {"a": {"b": 1}}
    change = Move(("a",), ("a", "c"), digest_of({"b": 1}))
    with pytest.raises(Conflict, match="into itself"):
        apply(state, Script((change,)))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ({"a": [1]}, {"a": [float("nan")]}, "/a[0]"),
        ({"a": {"b": 1}}, {"a": {"b": {1}}}, "/a/b"),
        ({}, {"a": {"b": (1,)}}, "/a"),
        ({1: 1}, {1: 2}, ""),
    ],
)
def test_what_is_no_value_is_refused_where_it_is(old, new, path):
    with pytest.raises(InvalidInput) as caught:
        diff(old, new)
    assert caught.value.field == path


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": value}])
@pytest.mark.parametrize("ends", [(1, 2), (1, 1)])
def test_ten_thousand_levels_are_refused(wrap, ends):
    old, new = ends
    for _ in range(10_000):
        old, new = wrap(old), wrap(new)
    with pytest.raises(InvalidInput, match="nested deeper than 200 levels"):
        diff(old, new)


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": value}])
def test_almost_two_hundred_levels_are_compared(wrap):
    old, new = 1, 2
    for _ in range(DEEPEST - 1):
        old, new = wrap(old), wrap(new)
    assert same(apply(old, decode(encode(diff(old, new)))), new)


def test_what_did_not_change_is_shared():
    old = {"a": {"n": 1}, "b": [1, 2]}
    new = apply(old, diff(old, {"a": {"n": 2}, "b": [1, 2]}))
    assert new["b"] is old["b"]
    assert old["a"] == {"n": 1}


def test_what_contains_itself_is_refused():
    ring = {}
    ring["a"] = ring["b"] = ring
    with pytest.raises(InvalidInput, match="nested deeper"):
        diff({}, ring)


def test_scripts_in_a_row_are_folded():
    there, back = diff({"a": 1, "b": 1}, {"a": 2, "c": 1}), diff({"a": 2, "c": 1}, {"a": 3, "b": 1})
    assert compose(there, back).changes == (Replace(("a",), 1, 3),)
    first = Script((Add(("a",), {"x": 1}), Replace(("a", "x"), 1, 2)))
    assert len(compose(first, Script((Remove(("a",), {"x": 2}),)))) == 3


def test_an_item_is_not_folded_across_its_two_names():
    item = {"id": "a", "n": 1}
    changes = (
        Replace((Item("a"), "n"), 1, 2),
        Replace((0, "n"), 2, 3),
        Replace((Item("a"), "n"), 3, 4),
    )
    joined = compose(Script(changes[:1]), Script(changes[1:]))
    assert apply([item], joined) == [{"id": "a", "n": 4}]


def test_the_form_in_json():
    script = diff({"price": 850}, {"price": 900})
    assert encode(script) == b'{"changes":[["set","/price",850,900]],"version":1}'


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ("{", None),
        ("[" * 5000, None),
        ("[]", None),
        ('{"version":2,"changes":[]}', "version"),
        ('{"version":1,"changes":[["add","/a",1],["add","",1]]}', "changes[1]"),
        ('{"version":1,"changes":[["add","/a"]]}', "changes[0]"),
        ('{"version":1,"changes":[["other"]]}', "changes[0]"),
        ('{"version":1,"changes":[["splice","",-1,[],[]]]}', "changes[0]"),
        ('{"version":1,"changes":[["shift","",0,1,null,true]]}', "changes[0]"),
        ('{"version":1,"changes":[["set",1,0,1]]}', "changes[0]"),
    ],
)
def test_what_is_no_script_is_refused(document, field):
    with pytest.raises(InvalidInput) as caught:
        decode(document)
    assert caught.value.field == field

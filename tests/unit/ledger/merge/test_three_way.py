"""What is merged, what is in conflict, and where."""

import pytest

from colloquy.ledger.diff import format_path
from colloquy.ledger.merge import MISSING, ConflictKind, merge
from colloquy.model.errors import InvalidInput


def places(outcome):
    return [(format_path(found.path), found.kind.value) for found in outcome.conflicts]


def paths(found):
    return [format_path(path) for path in found]


def test_keys_are_merged_and_a_conflict_leaves_ours():
    base = {"price": 850, "city": "Kyiv", "rooms": 2, "old": 1, "nested": {"a": 1, "b": 1}}
    ours = {"price": 900, "city": "Lviv", "rooms": 2, "nested": {"a": 2, "b": 1}}
    theirs = {"price": 950, "city": "Kyiv", "rooms": 3, "old": 1, "nested": {"a": 1, "b": 2}}
    outcome = merge(base, ours, theirs)
    assert outcome.value == {"price": 900, "city": "Lviv", "rooms": 3, "nested": {"a": 2, "b": 2}}
    assert places(outcome) == [("/price", "value_mismatch")]
    assert paths(outcome.kept) == ["/city", "/nested/a", "/old"]
    assert paths(outcome.taken) == ["/rooms", "/nested/b"]
    # Six leaves were changed; one of them could not be merged.
    assert outcome.confidence == pytest.approx(100 * 5 / 6)


def test_confidence_counts_the_leaves_of_nested_parts():
    base = {"a": {str(number): 0 for number in range(9)}, "b": 0}
    ours = {"a": {str(number): 1 for number in range(9)}, "b": 1}
    outcome = merge(base, ours, {**base, "b": 2})
    assert outcome.confidence == pytest.approx(90)
    deeper = merge({"in": base, "c": 0}, {"in": ours, "c": 0}, {"in": {**base, "b": 2}, "c": 0})
    assert deeper.confidence == outcome.confidence


def test_a_merge_of_nothing_but_conflicts_has_no_confidence():
    assert merge(1, 2, 3).confidence == 0


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "kind"),
    [
        ({"a": 1}, {}, {"a": 2}, ConflictKind.MISSING_TARGET),
        ({"a": 1}, {"a": 2}, {}, ConflictKind.MISSING_TARGET),
        ({"a": 1}, {"a": "1"}, {"a": 2}, ConflictKind.TYPE_MISMATCH),
        ({"a": 1}, {"a": None}, {"a": 2}, ConflictKind.TYPE_MISMATCH),
        ({"a": [1]}, {"a": {"0": 1}}, {"a": [2]}, ConflictKind.TYPE_MISMATCH),
        ({"a": 1}, {"a": 2.0}, {"a": 2}, ConflictKind.VALUE_MISMATCH),
        ({}, {"a": 1}, {"a": 2}, ConflictKind.VALUE_MISMATCH),
    ],
)
def test_kinds_of_conflict(base, ours, theirs, kind):
    outcome = merge(base, ours, theirs)
    assert places(outcome) == [("/a", kind.value)]
    assert outcome.value == ours


def test_null_is_a_value_and_a_removal_is_none():
    assert merge({"a": 1, "b": 1}, {"a": None, "b": 1}, {"a": 1}).value == {"a": None}
    assert merge({"a": 1}, MISSING, MISSING).value is MISSING
    assert merge(MISSING, {"a": 1}, {"b": 2}).value == {"a": 1, "b": 2}
    assert merge(None, None, 0).value == 0


def test_equal_parts_are_no_conflict():
    part = {"deep": [1, {"x": [2.5, None]}]}
    outcome = merge({}, {"a": part, "b": 1}, {"a": {"deep": [1, {"x": [2.5, None]}]}, "c": 1})
    assert (outcome.value, outcome.conflicts) == ({"a": part, "b": 1, "c": 1}, ())
    assert places(merge({"a": 0}, {"a": 1}, {"a": True})) == [("/a", "type_mismatch")]


def test_items_with_identity_are_merged_by_it():
    base = [{"id": 1, "p": 1, "q": 1}, {"id": 2}, {"id": 3, "p": 1}]
    ours = [{"id": 9}, {"id": 1, "p": 2, "q": 1}, {"id": 3, "p": 2}]
    theirs = [{"id": 1, "p": 1, "q": 2}, {"id": 8}, {"id": 2}, {"id": 3, "p": 3}]
    outcome = merge({"units": base}, {"units": ours}, {"units": theirs})
    assert outcome.value["units"] == [
        {"id": 9}, {"id": 1, "p": 2, "q": 2}, {"id": 8}, {"id": 3, "p": 2},
    ]  # fmt: skip
    assert places(outcome) == [("/units[id=#3]/p", "value_mismatch")]


def test_a_changed_item_that_the_other_side_removed_is_in_conflict():
    outcome = merge([{"id": "a", "n": 1}], [{"id": "a", "n": 2}], [])
    assert places(outcome) == [("[id=a]", "missing_target")]
    assert outcome.value == [{"id": "a", "n": 2}]
    assert merge([{"id": "a", "n": 1}], [], [{"id": "a", "n": 2}]).value == []


def units(text):
    return [{"id": name} for name in text]


def test_moves_of_both_sides_are_made_unless_they_pull_apart():
    outcome = merge(units("abcdef"), units("bacdef"), units("abcdfe"))
    assert (outcome.value, outcome.conflicts) == (units("bacdfe"), ())
    moved = merge(units("abc"), units("cab"), [{"id": "a", "n": 1}, *units("bc")])
    assert moved.value == [{"id": "c"}, {"id": "a", "n": 1}, {"id": "b"}]
    apart = merge(units("abc"), units("bca"), units("bac"))
    assert places(apart) == [("", "value_mismatch")]
    assert apart.value == units("bca")


def test_additions_of_both_sides_follow_what_they_followed():
    outcome = merge(units("ab"), units("axyb"), units("azbw"))
    assert outcome.value == units("axyzbw")
    assert places(merge([], units("ab"), units("ba"))) == [("", "value_mismatch")]


def test_other_lists_stay_lists_and_are_merged_by_content():
    outcome = merge([1, 2, 3, 4], [0, 1, 2, 3, 4], [1, 2, 4])
    assert (outcome.value, outcome.conflicts) == ([0, 1, 2, 4], ())
    both = merge({"tags": ["a", "b"]}, {"tags": ["a", "x"]}, {"tags": ["a", "y"]})
    assert both.value == {"tags": ["a", "x"]}
    assert places(both) == [("/tags", "value_mismatch")]


def test_like_items_without_identity_are_merged_inside():
    base = [{"n": 1, "p": 1, "q": 1}, 5]
    ours, theirs = [{"n": 1, "p": 2, "q": 1}, 5], [7, {"n": 1, "p": 1, "q": 2}, 5]
    assert places(merge(base, ours, theirs)) == [("", "value_mismatch")]
    outcome = merge(base, ours, [{"n": 1, "p": 3, "q": 2}, 5, 6])
    assert outcome.value == [{"n": 1, "p": 2, "q": 2}, 5, 6]
    assert places(outcome) == [("[0]/p", "value_mismatch")]


def test_unlike_items_are_not_mixed():
    outcome = merge([{"x": 1}], [{"y": 2}], [{"z": 3}])
    assert (outcome.value, places(outcome)) == ([{"y": 2}], [("", "value_mismatch")])


def test_texts_are_merged_by_lines_and_every_character_is_kept():
    base = "one\r\n\n\nfour\nfive\n"
    outcome = merge(base, base.replace("one", "ONE"), "\n" + base.replace("five\n", "FIVE"))
    assert places(outcome) == [("", "value_mismatch")]
    outcome = merge(base, base.replace("one", "ONE"), base.replace("five\n", "FIVE"))
    assert (outcome.value, outcome.conflicts) == ("ONE\r\n\n\nfour\nFIVE", ())
    assert outcome.confidence == 100


def test_a_text_with_a_contested_line_stays_ours():
    outcome = merge("a\nb\nc\nd", "A\nb\nX\nd", "a\nb\nY\nd\n")
    assert outcome.value == "A\nb\nX\nd"
    assert places(outcome) == [("", "value_mismatch")]


def test_short_texts_are_not_taken_apart():
    assert places(merge("a b", "x b", "a y")) == [("", "value_mismatch")]


def test_the_path_goes_before_all_others():
    outcome = merge({"a": 1}, {"a": 2}, {"a": 3}, path=("unit", 4))
    assert paths(found.path for found in outcome.conflicts) == ["/unit[4]/a"]


@pytest.mark.parametrize("side", ["base", "ours", "theirs"])
def test_what_is_no_value_is_refused(side):
    sides = {"base": 1, "ours": 1, "theirs": 1, side: {"a": float("nan")}}
    with pytest.raises(InvalidInput) as caught:
        merge(**sides)
    assert caught.value.field == side


def test_two_large_records_that_changed_everywhere():
    base = {f"k{number}": {"v": number} for number in range(10_000)}
    ours = {key: {"v": item["v"] + 1} if item["v"] % 2 else item for key, item in base.items()}
    theirs = {key: item if item["v"] % 2 else {"v": -1} for key, item in base.items()}
    outcome = merge(base, ours, theirs)
    assert not outcome.conflicts
    assert len(outcome.kept) == len(outcome.taken) == 5_000

"""Which resolver is asked, and what the shipped ones choose."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from colloquy.ledger.diff import format_path, parse_path
from colloquy.ledger.merge import (
    MISSING,
    Choice,
    Resolvers,
    intersection,
    largest,
    max_confidence,
    merge,
    newest,
    newest_by,
    rule,
    smallest,
    sum_of_changes,
    text_lines,
    union,
)
from colloquy.ledger.merge.resolvers import Wild
from colloquy.model.errors import InvalidInput


def settled(resolver, base, ours, theirs):
    outcome = merge(base, ours, theirs, resolvers=Resolvers([rule("", resolver)]))
    assert not outcome.conflicts, outcome.conflicts[0].error
    return outcome.value, round(outcome.confidence, 1)


def refused(resolver, base, ours, theirs):
    outcome = merge(base, ours, theirs, resolvers=Resolvers([rule("", resolver)]))
    (conflict,) = outcome.conflicts
    assert outcome.confidence == 0
    return conflict.error


def asked(rules, path, *types):
    found = Resolvers(rules).rule_for(parse_path(path), 1, types[0] if types else 1)
    return found and found.resolver


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/a/b", "/a/b", True),
        ("/a/b", "/a", False),
        ("/a/*", "/a[3]", True),
        ("/a/*", "/a[id=x]", True),
        ("/a/*", "/a", False),
        ("/**", "", True),
        ("/**/b", "/b", True),
        ("/**/b", "/a[1]/b/c/b", True),
        ("/a/**/b/*", "/a/x/b/b/c", True),
        ("/a/**/b/*", "/a/b", False),
        ("/a[id=1]", "/a[id=#1]", False),
    ],
)
def test_patterns(pattern, path, fits):
    assert rule(pattern, largest).fits(parse_path(path), 1, 2) is fits


def test_only_a_tuple_names_a_key_that_looks_wild():
    assert not rule(("*",), largest).fits(("a",), 1, 2)
    assert rule((Wild.ONE,), largest).fits(("a",), 1, 2)


def test_the_most_specific_rule_is_asked_whatever_their_order():
    rules = [
        rule("/**", largest),
        rule("/**/price", smallest),
        rule("/units/*/price", union),
        rule("/units/*/price", intersection, int),
        rule("/units[id=a]/price", text_lines),
    ]
    for each in (rules, rules[::-1]):
        assert asked(each, "/units[id=a]/price") is text_lines
        assert asked(each, "/units[id=b]/price") is intersection
        assert asked(each, "/units[id=b]/price", "text") is union
        assert asked(each, "/price") is smallest
        assert asked(each, "/note") is largest


def test_two_rules_for_the_same_are_refused():
    with pytest.raises(InvalidInput, match="same pattern"):
        Resolvers([rule("/a", largest), rule("/a", smallest)])


def test_a_rule_for_a_record_decides_on_it_whole_but_one_for_anything_does_not():
    base = {"r": {"value": 0, "confidence": 0.9}}
    ours = {"r": {"value": 1, "confidence": 0.9}}
    theirs = {"r": {"value": 0, "confidence": 0.5}}
    whole = merge(base, ours, theirs, resolvers=Resolvers([rule("/r", max_confidence)]))
    assert (whole.value, whole.kept) == (ours, (("r",),))
    parts = merge(base, ours, theirs, resolvers=Resolvers([rule("/**", max_confidence)]))
    assert parts.value == {"r": {"value": 1, "confidence": 0.5}}


def test_settled_conflicts_count_by_their_confidence():
    resolvers = Resolvers([rule("/**/price", largest), rule("/n", sum_of_changes)])
    base, ours, theirs = {"price": 1, "n": 1, "x": 0}, {"price": 2, "n": 3, "x": 1}, {"price": 5}
    outcome = merge(base, ours, {**base, **theirs, "n": 6}, resolvers=resolvers)
    assert (outcome.value, outcome.conflicts) == ({"price": 5, "n": 8, "x": 1}, ())
    assert [format_path(path) for path in outcome.merged] == ["/n"]
    assert [format_path(path) for path in outcome.taken] == ["/price"]
    # Three changed leaves: price by half, n and x whole.
    assert outcome.confidence == pytest.approx(100 * 2.5 / 3)


def test_numbers():
    assert settled(largest, 1, 2, Decimal("2.5")) == (Decimal("2.5"), 50)
    assert settled(smallest, 1, 2.5, 2) == (2, 50)
    assert settled(sum_of_changes, 10, 7, 12) == (9, 100)
    assert settled(sum_of_changes, MISSING, 2, 3) == (5, 100)
    assert "equal" in refused(largest, 1, 2, 2.0)
    assert "not a value of type bool" in refused(largest, 1, 2, True)
    assert "one type" in refused(sum_of_changes, 1, 2, 2.5)
    assert "what is missing" in refused(largest, 1, MISSING, 2)


def test_sums_of_decimals_are_exact_or_refused():
    tiny = Decimal("1E-40")
    value, _ = settled(sum_of_changes, Decimal(0), tiny, Decimal(1))
    assert str(value) == "1." + "0" * 39 + "1"
    assert "Inexact" in refused(sum_of_changes, Decimal(0), Decimal("1E-2000"), Decimal(1))


def test_newest():
    early, late = datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T01:30:00+01:00"
    base, ours, theirs = {"at": 0, "n": 0}, {"at": early, "n": 1}, {"at": late, "n": 2}
    assert settled(newest("at"), base, ours, theirs) == (theirs, 50)
    assert "time with its zone" in refused(newest("at"), base, ours, {"at": "soon", "n": 2})
    assert "record with /at" in refused(newest("at"), base, ours, {"n": 2})
    assert settled(newest_by(lambda path: (2, 1)), 1, 2, MISSING) == (2, 50)


def test_the_side_with_more_changes_saves_more():
    base = dict.fromkeys("abcd", 0) | {"at": 1}
    ours, theirs = dict.fromkeys("abcd", 1) | {"at": 3}, base | {"at": 2}
    assert settled(newest("at"), base, ours, theirs) == (ours, round(100 * 5 / 6, 1))


def test_sets():
    # Ours: without 1, with 4. Theirs: without 2, with 5.
    sides = [1, 2, 3], [2, 3, 4], [1, 3, 5]
    assert settled(union, *sides) == ([2, 3, 4, 1, 5], 50)
    assert settled(intersection, *sides) == ([3], 50)
    assert settled(union, MISSING, [1, True], [1.0]) == ([1, True, 1.0], 100)
    assert "no set" in refused(union, [], [{"id": 1}], [{"id": 2}])


def test_lines():
    assert settled(text_lines, "a\n", "a\nb\n", "a\nc\n") == ("a\nb\nc\n", 100)
    assert settled(text_lines, "a\nx", "b\nx", "c\ny") == ("b\nx\nc\ny", 83.3)
    assert "texts have lines" in refused(text_lines, "a", "b", 1)


def broken(conflict):
    raise RuntimeError("no such host")


@pytest.mark.parametrize(
    ("resolver", "text"),
    [
        (broken, "RuntimeError: no such host"),
        (lambda conflict: conflict.ours, "returns a Choice, not int"),
        (lambda conflict: Choice(1, 300), "between 0 and 100"),
        (lambda conflict: Choice(1, float("nan")), "between 0 and 100"),
        (lambda conflict: Choice({1}, 50), "type set"),
    ],
)
def test_a_resolver_that_fails_leaves_the_conflict_open(resolver, text):
    assert text in refused(resolver, 1, 2, 3)

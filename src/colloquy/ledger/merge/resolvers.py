"""Who settles which conflicts: rules of a path pattern, types, and a resolver.

A pattern is a path (`diff.paths`) in which the key `*` stands for any one step and `**` for any
number of steps: `/units/*/price`, `/**/note`. Of the rules that fit, the most specific one alone is
asked: the one with more literal steps, then fewer `**`, then more `*`, then the one with types,
then the one registered first.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from colloquy.ledger.diff import Path, parse_path
from colloquy.ledger.diff.paths import Step
from colloquy.ledger.values import Value, check
from colloquy.model.errors import ColloquyError, InvalidInput

from .conflicts import MISSING, PathConflict


class Choice(msgspec.Struct, frozen=True):
    """What a resolver makes of a conflict."""

    value: Value
    """May be `MISSING`: the key goes."""
    confidence: float
    """0 to 100: how much of what both sides changed is in the value."""


Resolver: TypeAlias = Callable[[PathConflict], Choice]
"""Raises what it likes where it cannot choose; the conflict then stays open with that text."""


class Wild(enum.Enum):
    """A step of a pattern that stands for others."""

    ONE = "*"
    ANY = "**"


Pattern: TypeAlias = tuple[Step | Wild, ...]


class Rule(msgspec.Struct, frozen=True):
    """Asks a resolver where the path fits the pattern and both values have one of the types.

    A side that is `MISSING` has any type. A rule that ends in `**` is asked about what cannot be
    merged part by part; any other is asked before a dictionary, a list or a text is taken apart,
    and so decides on it as a whole.
    """

    pattern: Pattern
    resolver: Resolver
    types: frozenset[type]
    """Empty for all."""

    def fits(self, path: Path, ours: Value, theirs: Value) -> bool:
        if self.types:
            kinds = {type(side) for side in (ours, theirs) if side is not MISSING}
            if not kinds <= self.types:
                return False
        return _matches(self.pattern, path)

    def takes_whole(self) -> bool:
        return self.pattern[-1:] != (Wild.ANY,)

    def ask(self, conflict: PathConflict) -> Choice | str:
        """The choice, or why there is none."""
        try:
            choice = self.resolver(conflict)
            _check(choice, conflict)
        except ColloquyError as error:
            return error.detail
        except Exception as error:
            # A resolver is the user's code; what it raises is told, not hidden.
            return f"{type(error).__name__}: {error}"
        return choice


class Resolvers:
    """Rules, the most specific first."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        """Raises InvalidInput for two rules with the same pattern and types."""
        self.rules = tuple(sorted(rules, key=_specificity))
        known = {(rule.pattern, rule.types) for rule in self.rules}
        if len(known) < len(self.rules):
            raise InvalidInput("two rules have the same pattern and types", field="resolvers")

    def rule_for(self, path: Path, ours: Value, theirs: Value) -> Rule | None:
        return next((rule for rule in self.rules if rule.fits(path, ours, theirs)), None)


def rule(where: str | Pattern, resolver: Resolver, *types: type) -> Rule:
    """A rule from the text of a pattern. Only a tuple can name a key that is really `*` or `**`.

    Raises InvalidInput for a text that is no path.
    """
    return Rule(pattern(where) if isinstance(where, str) else where, resolver, frozenset(types))


def pattern(text: str) -> Pattern:
    """The pattern of a text. Raises InvalidInput for one that is no path."""
    wild = {sign.value: sign for sign in Wild}
    return tuple(
        wild.get(step, step) if isinstance(step, str) else step for step in parse_path(text)
    )


def _specificity(one: Rule) -> tuple[int, int, int, bool]:
    several = one.pattern.count(Wild.ANY)
    single = one.pattern.count(Wild.ONE)
    return several + single - len(one.pattern), several, -single, not one.types


def _matches(wanted: Pattern, path: Path) -> bool:
    places = _past_any(wanted, {0})
    for step in path:
        reached = set()
        for place in places:
            if place == len(wanted):
                continue
            if wanted[place] is Wild.ANY:
                reached.add(place)
            elif wanted[place] is Wild.ONE or wanted[place] == step:
                reached.add(place + 1)
        places = _past_any(wanted, reached)
    return len(wanted) in places


def _past_any(wanted: Pattern, places: set[int]) -> set[int]:
    found = set(places)
    for place in places:
        while place < len(wanted) and wanted[place] is Wild.ANY:
            place += 1
            found.add(place)
    return found


def _check(choice: Choice, conflict: PathConflict) -> None:
    if not isinstance(choice, Choice):
        raise InvalidInput(f"a resolver returns a Choice, not {type(choice).__name__}")
    if not (math.isfinite(choice.confidence) and 0 <= choice.confidence <= 100):
        raise InvalidInput(f"a confidence lies between 0 and 100, not at {choice.confidence}")
    if choice.value is not MISSING:
        check(choice.value, len(conflict.path))


NO_RESOLVERS = Resolvers()

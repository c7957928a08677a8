"""A user's own rules: a pattern in the text stands for an emotion.

Patterns are RE2 (no look-around, no back-references, time linear in the text), without regard to
case. A match counts where it is not part of a longer word, and where no negation stands among the
three words before: "worried" does not match "I'm not worried".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import re2
from msgspec import Struct

from ...model.errors import InvalidInput
from ...model.understanding import EMOTIONS
from ..intent import tokens_of
from ..polarity import NEGATIONS

MAX_RULES = 500
MAX_PATTERN = 1_000
"""Characters of a pattern."""
_REACH = 3
_LOOKED_BACK = 80
"""Characters before a match in which its negation is looked for."""
_MATCHES = 16
"""Matches of one rule in one text that are looked at."""
_CLAUSE = re.compile(r"[.!?;:,]")


class EmotionRule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`pattern` stands for `emotion` (one of `EMOTIONS`) with this confidence."""

    pattern: str
    emotion: str
    confidence: float = 0.9
    name: str | None = None
    """What results call it; without one, its pattern."""

    @property
    def title(self) -> str:
        return self.name or self.pattern


class EmotionRules:
    """Rules, compiled. Raises InvalidInput with the field of the rule that is wrong."""

    def __init__(self, rules: Sequence[EmotionRule] = (), field: str = "emotions.rules") -> None:
        if len(rules) > MAX_RULES:
            raise InvalidInput(f"at most {MAX_RULES} rules", field=field)
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        compiled = []
        for number, rule in enumerate(rules):
            where = f"{field}[{number}]"
            _check(rule, where)
            try:
                pattern = re2.compile(rule.pattern, options)
            except re2.error as error:
                raise InvalidInput(
                    f"{rule.pattern!r} is no pattern: {error}", field=f"{where}.pattern"
                ) from None
            if pattern.search("") is not None:
                raise InvalidInput(f"{rule.pattern!r} matches anything", field=f"{where}.pattern")
            compiled.append((rule, pattern))
        # The surest first; of equally sure ones the one that stands first.
        self._rules: list[tuple[EmotionRule, re2._Regexp]] = sorted(
            compiled, key=lambda pair: -pair[0].confidence
        )
        # Most texts match none: one pass over the text for all of them.
        self._any = re2.Set.SearchSet(options)
        for rule, _ in self._rules:
            self._any.Add(rule.pattern)
        if self._rules:
            self._any.Compile()

    def __len__(self) -> int:
        return len(self._rules)

    def first(self, text: str) -> EmotionRule | None:
        """The surest rule that matches."""
        if not self._rules:
            return None
        places: list[int] = self._any.Match(text) or []
        for place in sorted(places):
            rule, pattern = self._rules[place]
            if _matches(pattern, text):
                return rule
        return None


def _check(rule: EmotionRule, where: str) -> None:
    if not rule.pattern.strip() or len(rule.pattern) > MAX_PATTERN:
        raise InvalidInput(f"a pattern has 1 to {MAX_PATTERN} characters", field=f"{where}.pattern")
    if rule.emotion not in EMOTIONS:
        raise InvalidInput(
            f"{rule.emotion!r} is none of {', '.join(EMOTIONS)}", field=f"{where}.emotion"
        )
    if not 0.0 < rule.confidence <= 1.0:
        raise InvalidInput("a confidence is above 0 and at most 1", field=f"{where}.confidence")


def _matches(pattern: re2._Regexp, text: str) -> bool:
    found: Iterable[re2._Match] = pattern.finditer(text)
    for _, match in zip(range(_MATCHES), found, strict=False):
        start, end = match.span()
        if start == end:
            continue
        if start and text[start].isalnum() and text[start - 1].isalnum():
            continue
        if end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
            continue
        clause = _CLAUSE.split(text[max(0, start - _LOOKED_BACK) : start])[-1]
        if NEGATIONS.isdisjoint(tokens_of(clause)[-_REACH:]):
            return True
    return False

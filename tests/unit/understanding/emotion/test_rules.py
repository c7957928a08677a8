"""A user's own rules: what they match, which one wins, what is refused."""

from __future__ import annotations

import pytest

from colloquy.model.errors import InvalidInput
from colloquy.understanding.emotion.rules import MAX_RULES, EmotionRule, EmotionRules

EXAMPLES = EmotionRules(
    [
        EmotionRule("worried|concerned|anxious", "anxious", 0.8),
        EmotionRule("excited|thrilled|amazing", "excited", 0.9),
        EmotionRule("not (the )?best", "disappointment", 0.7),
    ]
)


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("I'm THRILLED", "excited"),
        ("we are concerned", "anxious"),
        ("worried but excited", "excited"),
        ("unconcerned and reexcited", None),
        ("I'm not worried", None),
        ("I'm not sure. Worried, in fact", "anxious"),
        ("not worried, but very anxious", "anxious"),
        ("this is not the best", "disappointment"),
        ("hello", None),
        ("", None),
    ],
)
def test_which_rule_matches(text: str, emotion: str | None) -> None:
    rule = EXAMPLES.first(text)
    assert (rule.emotion if rule else None) == emotion


def test_of_equally_sure_rules_the_first_wins() -> None:
    rules = EmotionRules([EmotionRule("b", "joy", 0.5), EmotionRule("a", "love", 0.5)])
    rule = rules.first("a b")
    assert rule is not None
    assert rule.emotion == "joy"


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (EmotionRule("(", "joy"), "rules[1].pattern"),
        (EmotionRule("(?=x)", "joy"), "rules[1].pattern"),
        (EmotionRule(r"(a)\1", "joy"), "rules[1].pattern"),
        (EmotionRule(" ", "joy"), "rules[1].pattern"),
        (EmotionRule("a*", "joy"), "rules[1].pattern"),
        (EmotionRule("a" * 2_000, "joy"), "rules[1].pattern"),
        (EmotionRule("a", "happy"), "rules[1].emotion"),
        (EmotionRule("a", "joy", 0.0), "rules[1].confidence"),
        (EmotionRule("a", "joy", 1.1), "rules[1].confidence"),
        (EmotionRule("a", "joy", float("nan")), "rules[1].confidence"),
    ],
)
def test_what_is_wrong_is_named(rule: EmotionRule, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        EmotionRules([EmotionRule("fine", "joy"), rule], field="rules")
    assert refused.value.field == field


def test_there_is_a_bound() -> None:
    with pytest.raises(InvalidInput, match="at most"):
        EmotionRules([EmotionRule("a", "joy")] * (MAX_RULES + 1))

"""When a conversation is compressed, and by which strategy."""

import pytest

from colloquy.context.compress import (
    Characteristics,
    Options,
    Rule,
    Strategy,
    choose,
    should_compress,
)
from colloquy.context.compress.choosing import gentler, recommendations

PLAIN = Characteristics(50, 900, 60.0, 0.3, 0.02, 0.0)
RULES = (Rule("semantic", 0.8, "semantic_clusters"), Rule("temporal", 0.6, "sliding_window"))


def measured(**fields: float) -> Characteristics:
    return Characteristics(
        **{name: fields.get(name, getattr(PLAIN, name)) for name in PLAIN.__struct_fields__}
    )


@pytest.mark.parametrize(
    ("fields", "strategy"),
    [
        ({"lines": 8}, "sliding_window"),
        ({}, "key_messages"),
        ({"emotional_variance": 0.2, "lines": 500}, "key_messages"),
        ({"topic_diversity": 0.7}, "semantic_clusters"),
        ({"lines": 300}, "rolling_summary"),
        ({"time_spread": 0.9}, "rolling_summary"),
        ({"mean_length": 900.0}, "rolling_summary"),
    ],
)
def test_choice(fields: dict[str, float], strategy: Strategy) -> None:
    assert choose(measured(**fields), Options()) == strategy


def test_rules_of_the_user_come_first() -> None:
    options = Options(rules=RULES)
    assert choose(measured(topic_diversity=0.8, lines=8), options) == "semantic_clusters"
    assert choose(measured(time_spread=0.6), options) == "sliding_window"
    assert choose(measured(time_spread=0.5), options) == "key_messages"


def test_a_named_strategy_is_taken() -> None:
    assert choose(measured(lines=8), Options(strategy="rolling_summary")) == "rolling_summary"


@pytest.mark.parametrize(("tokens", "expected"), [(800, False), (801, True)])
def test_from_which_size_on(tokens: int, expected: bool) -> None:
    assert should_compress(measured(tokens=tokens), Options(max_context=1000)) is expected


def test_gentler() -> None:
    assert gentler("semantic_clusters") == ("key_messages", "sliding_window", "none")
    assert gentler("none") == ()


def test_recommendations() -> None:
    many = measured(topic_diversity=0.7, emotional_variance=0.2, time_spread=0.9, tokens=5000)
    codes = [one.code for one in recommendations(many, Options(), 700, 1000)]
    assert codes == ["raise_budget", "split_threads", "keep_feelings", "summarise_past"]
    assert [one.code for one in recommendations(measured(tokens=10), Options(), 0, 1000)] == [
        "not_needed"
    ]

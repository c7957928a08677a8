"""When to compress, with which strategy, and what to recommend: rules over what was measured."""

from __future__ import annotations

from collections.abc import Iterator

from .forms import STRATEGIES, Characteristics, Options, Recommendation, Strategy

FEW_LINES = 12
"""A conversation as short as that is read from its last lines."""
MANY_LINES = 100
LONG_LINE = 400
"""Characters on average."""
MOVED = 0.1
"""Variance of polarity: from +0.6 to -0.2, say."""
MIXED = 0.6
"""Share of lines that have no word in common with those just before."""
ENOUGH_FOR_CLUSTERS = 40
SPREAD = 0.6
"""Of a week: more than four days."""
TIGHT = 0.6
"""Share of a budget that bare facts take, from which a larger one is worth while."""


def should_compress(measured: Characteristics, options: Options) -> bool:
    return measured.tokens > options.max_context * options.threshold


def choose(measured: Characteristics, options: Options) -> Strategy:
    """The strategy for such a conversation."""
    if options.strategy is not None:
        return options.strategy
    for rule in options.rules:
        value = measured.topic_diversity if rule.kind == "semantic" else measured.time_spread
        if value >= rule.threshold:
            return rule.strategy
    if measured.lines <= FEW_LINES:
        return "sliding_window"
    if measured.emotional_variance >= MOVED:
        return "key_messages"
    if measured.topic_diversity >= MIXED and measured.lines >= ENOUGH_FOR_CLUSTERS:
        return "semantic_clusters"
    long_ago = measured.time_spread >= SPREAD
    if measured.lines >= MANY_LINES or long_ago or measured.mean_length >= LONG_LINE:
        return "rolling_summary"
    return "key_messages"


def gentler(strategy: Strategy) -> tuple[Strategy, ...]:
    """The strategies that lose less of the wording, the next one first."""
    return tuple(reversed(STRATEGIES[: STRATEGIES.index(strategy)]))


def recommendations(
    measured: Characteristics, options: Options, facts_tokens: int, budget: int
) -> tuple[Recommendation, ...]:
    return tuple(_recommendations(measured, options, facts_tokens, budget))


def _recommendations(
    measured: Characteristics, options: Options, facts_tokens: int, budget: int
) -> Iterator[Recommendation]:
    if not should_compress(measured, options):
        yield Recommendation("not_needed", "The conversation fits; it need not be compressed.")
        return
    if facts_tokens > TIGHT * budget:
        yield Recommendation(
            "raise_budget",
            f"Bare facts take {facts_tokens} of {budget} tokens: a larger budget would leave room "
            "for what was said about them.",
        )
    if measured.topic_diversity >= MIXED:
        yield Recommendation(
            "split_threads", "The conversation has many subjects: give the turn's thread alone."
        )
    if measured.emotional_variance >= MOVED:
        yield Recommendation(
            "keep_feelings", "Feelings changed much: keep the turns in which they were strong."
        )
    if measured.time_spread >= SPREAD:
        yield Recommendation(
            "summarise_past", "It goes over days: a summary of each day reads better than one."
        )

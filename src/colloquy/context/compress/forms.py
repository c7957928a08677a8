"""What goes into a compression and what comes out of it.

A compressed form is a view of a conversation: it names the lines that it keeps and those that it
leaves out, and nothing in the log changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from msgspec import Struct

from ...model.errors import InvalidInput
from ..lines import Line

Strategy = Literal["none", "sliding_window", "key_messages", "semantic_clusters", "rolling_summary"]
"""The gentlest first: how much of the wording is lost."""
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


class Rule(Struct, frozen=True):
    """A strategy that is taken once a characteristic reaches `threshold` (0 to 1).

    `semantic` looks at the diversity of topics, `temporal` at the spread over time.
    """

    kind: Literal["semantic", "temporal"]
    threshold: float
    strategy: Strategy


class Options(Struct, frozen=True, kw_only=True):
    """How a conversation is compressed."""

    max_context: int = 1000
    """Tokens that a context may have."""
    threshold: float = 0.8
    """Share of `max_context` from which a conversation is compressed."""
    retention: float = 0.5
    """Share of the conversation's tokens that is aimed for, where the budget allows as much."""
    strategy: Strategy | None = None
    """None: picked by what is measured."""
    rules: tuple[Rule, ...] = ()
    """Looked at before the built-in ones; the first that fits decides."""
    min_score: float = 0.7
    """Of the validation; below it the next gentler strategy is tried."""
    strict: bool = True
    """Facts that must survive and do not fit are an error. Otherwise they are listed as lost."""

    def __post_init__(self) -> None:
        if self.max_context < 1:
            raise InvalidInput("a context has at least one token", field="max_context")
        for name in ("threshold", "retention", "min_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(f"{name} lies between 0 and 1", field=name)
        for strategy in (self.strategy, *(rule.strategy for rule in self.rules)):
            if strategy is not None and strategy not in STRATEGIES:
                known = ", ".join(STRATEGIES)
                raise InvalidInput(f"{strategy!r} is no strategy: {known}", field="strategy")


class Characteristics(Struct, frozen=True):
    """What the choice of a strategy goes by; docs/context.md has the formulas."""

    lines: int
    tokens: int
    mean_length: float
    """Characters of a line."""
    topic_diversity: float
    emotional_variance: float
    time_spread: float


class Recommendation(Struct, frozen=True):
    """What would help this conversation, and why."""

    code: str
    text: str


class SummarySentence(Struct, frozen=True):
    """One sentence of a summary with the lines that it comes from.

    `facts`: not a sentence but the bare facts of a line that is left out.
    """

    text: str
    seqs: tuple[int, ...]
    facts: bool = False


class Contradiction(Struct, frozen=True):
    """Where a summary says what its source does not: `kind` is number, negation, name, source…"""

    kind: str
    text: str
    seqs: tuple[int, ...]


class Validation(Struct, frozen=True):
    """A compressed form held against its source. `score`: the kept share of the facts, by weight,
    less a quarter for each contradiction; 0 to 1."""

    score: float
    lost: tuple[str, ...]
    """Keys (`kind:value`) of the facts that are nowhere in the form."""
    contradictions: tuple[Contradiction, ...]


class Attempt(Struct, frozen=True):
    """A strategy that was tried. `problem`: why it was not taken; "" for the one that was."""

    strategy: Strategy
    by_model: bool
    score: float
    problem: str


class Compressed(Struct, frozen=True, kw_only=True):
    """A view of a conversation up to `position`. `ratio`: its tokens to those of the source."""

    position: int
    strategy: Strategy
    by_model: bool
    kept: tuple[Line, ...]
    summary: tuple[SummarySentence, ...]
    dropped: tuple[int, ...]
    """Of the lines that were given. `before` more lie in the log before them."""
    before: int
    tokens: int
    source_tokens: int
    ratio: float
    facts_kept: int
    validation: Validation
    attempts: tuple[Attempt, ...]
    characteristics: Characteristics
    recommendations: tuple[Recommendation, ...]


Summarise = Callable[[Sequence[Line]], Sequence[SummarySentence]]
"""A language model's summary of lines: each sentence names the lines that it comes from."""

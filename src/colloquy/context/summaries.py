"""The summary of a conversation, moved on from the state that is kept of it."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.context import AssembledContext
from .assemble import Sources, assemble
from .assemble import Summary as Sentence
from .compress.compressing import compress
from .compress.forms import Options, SummarySentence
from .compress.reading import read
from .compress.rolling import Rolling, advance_read
from .lines import Line
from .tokens import TokenCounter

SUMMARY_TOKENS = 400

_SUMMARY = Options(strategy="rolling_summary", strict=False, min_score=0.0)

SUMMARY_SHARE = 3
"""A third of a context is its summary's where lines have no room."""
LEAST = 8
"""Tokens in which nothing can be summed up."""

Summary = tuple[SummarySentence, ...]


def summary_of(rolling: Rolling, counter: TokenCounter) -> Summary:
    """Of all lines that the state stands for, in `SUMMARY_TOKENS`."""
    made = compress([], _SUMMARY, counter=counter, budget=SUMMARY_TOKENS, state=rolling)
    return made.summary


def moved_on(
    rolling: Rolling, lines: Sequence[Line], counter: TokenCounter
) -> tuple[Rolling, Summary]:
    """The state after these lines, which follow its position, and the summary that it makes."""
    rolling = advance_read(rolling, [read(line, counter) for line in lines], counter)
    return rolling, summary_of(rolling, counter)


def summed_up(sources: Sources, budget: int, counter: TokenCounter) -> AssembledContext:
    """The context in which those recent lines that have no room as they were said are summed up,
    in a share of the room. Raises as `assemble`."""
    reserve = budget // SUMMARY_SHARE
    if not sources.summary and reserve > LEAST:
        held = assemble(sources, budget, counter, reserve=reserve)
        there = {item.source for item in held.items}
        left = [line for line in sources.recent if f"event:{line.seq}" not in there]
        made = compress(left, _SUMMARY, counter=counter, budget=reserve)
        sources = sources._replace(summary=[Sentence(one.text, one.seqs) for one in made.summary])
    return assemble(sources, budget, counter, reserve=reserve)

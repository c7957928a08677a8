"""Puts a context together for nobody: patterns are compiled and tables read before somebody waits.

In a new process that takes some 60 ms of CPU, most of it for the words of times and of values.
"""

from __future__ import annotations

import asyncio
from functools import cache

from ..understanding.vectors.words import load_words
from .assemble import Found, Sources, assemble
from .lines import Line
from .recall.index import RecallIndex
from .recall.vocabulary import Vocabulary
from .tokens import EstimatedTokens
from .validation.rule import view_of
from .validation.rules import BUILT_IN

AFTER_S = 0.5
"""A process that starts has other things to do first."""

_DAY_US = 86_400_000_000
_BUDGET = 500
_SAID = (
    "My name is Ann Lee. The rent is 940 euros a month, and not 980. Reference AB-1234.",
    "I'll call you on Friday at 5 pm, or on 3 May 2026. Two rooms? https://example.org",
    "The rent is 950 euros a month. Write to ann@example.org.",
)


async def warm_soon() -> None:
    """In a thread, once the process has started. Raises as `warm_up`."""
    await asyncio.sleep(AFTER_S)
    await asyncio.to_thread(warm_up)


@cache
def warm_up() -> None:
    """Once in a process; in any thread. Raises NotFound if a build left the word vectors out."""
    lines = [Line(seq, "visitor", text, seq * _DAY_US) for seq, text in enumerate(_SAID, 1)]
    index = RecallIndex(Vocabulary(load_words(), most=64))
    index.add(lines[:-1])
    hits = index.search("What did I say about the rent last week?", 2, now=9 * _DAY_US)
    recalled = [Found(lines[hit.seq - 1], hit.score) for hit in hits]
    context = assemble(
        Sources(lines[-1], recent=lines[:-1], recalled=recalled), _BUDGET, EstimatedTokens()
    )
    for rule in BUILT_IN:
        list(rule.check(view_of(context, 9 * _DAY_US, None, ())))

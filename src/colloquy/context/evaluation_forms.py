"""What a context and a compressed form of a long conversation hold of the evidence of questions.

A line counts where it stands whole, or where a sentence or note of a summary names it. A note has
the facts of its line only: `whole` tells how much of the evidence is there word for word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from ..model.errors import BudgetTooSmall
from .assemble import MIN_BUDGET, Found, Sources, Summary, assemble
from .compress import Options, Rolling, SummarySentence, advance_read, compress
from .compress.reading import read
from .contexts import RECALLED, RECENT
from .lines import Line
from .locomo import Conversation, Question
from .recall import Recalled
from .scores import Judgement, Score, by_category, score_of
from .summaries import summary_of
from .tokens import TokenCounter


class FormScore(Struct, frozen=True):
    """`whole`: the recall of whole lines alone. `tokens`: of a form, on average."""

    recall: float
    hit_rate: float
    whole: float
    tokens: float
    by_category: dict[str, Score]


class _Held(NamedTuple):
    """Places in the log that a form has whole, and those that it has or names."""

    whole: frozenset[int] = frozenset()
    named: frozenset[int] = frozenset()
    tokens: int = 0


class _Answer(NamedTuple):
    category: str
    evidence: frozenset[int]
    held: _Held


class Forms:
    """Contexts of questions and compressed forms of conversations, in each of some budgets."""

    def __init__(self, budgets: Sequence[int], counter: TokenCounter) -> None:
        self._counter = counter
        self._assembled: dict[int, list[_Answer]] = {budget: [] for budget in budgets}
        self._compressed: dict[int, list[_Answer]] = {budget: [] for budget in budgets}

    def judge(
        self,
        conversation: Conversation,
        answered: Sequence[tuple[Question, Sequence[Recalled]]],
    ) -> None:
        """All questions of a conversation, each with what recall found for it, best first."""
        summary = self._summary(conversation.lines)
        for budget, compressed in self._compressed.items():
            form = self._compress(conversation.lines, budget)
            for question, recalled in answered:
                own = question.category, question.evidence
                compressed.append(_Answer(*own, form))
                held = self._assemble(conversation, question, recalled, summary, budget)
                self._assembled[budget].append(_Answer(*own, held))

    def assembly(self, budget: int) -> FormScore:
        return _form_score(self._assembled[budget])

    def compression(self, budget: int) -> FormScore:
        return _form_score(self._compressed[budget])

    def _summary(self, lines: Sequence[Line]) -> list[Summary]:
        """As a conversation's memory keeps it."""
        reads = [read(line, self._counter) for line in lines]
        rolling = advance_read(Rolling(), reads, self._counter)
        return [Summary(one.text, one.seqs) for one in summary_of(rolling, self._counter)]

    def _compress(self, lines: Sequence[Line], budget: int) -> _Held:
        """Nothing is known of the questions."""
        options = Options(max_context=budget, strict=False)
        form = compress(lines, options, counter=self._counter)
        whole = frozenset(line.seq for line in form.kept)
        return _Held(whole, whole | _named(form.summary), form.tokens)

    def _assemble(
        self,
        conversation: Conversation,
        question: Question,
        recalled: Sequence[Recalled],
        summary: Sequence[Summary],
        budget: int,
    ) -> _Held:
        """What a turn with this question is given of the log; nothing where it has no room."""
        lines = conversation.lines
        sources = Sources(
            Line(lines[-1].seq + 1, "visitor", question.text, lines[-1].at),
            recent=lines[-RECENT:],
            recalled=[Found(lines[one.seq - 1], one.score) for one in recalled[:RECALLED]],
            summary=summary,
        )
        if budget < MIN_BUDGET:
            return _Held()
        try:
            context = assemble(sources, budget, self._counter)
        except BudgetTooSmall:
            return _Held()
        whole, named = set[int](), set[int]()
        for item in context.items:
            seqs = {int(one.removeprefix("event:")) for one in item.source.split(",")}
            (named if item.kind == "summary" else whole).update(seqs)
        return _Held(frozenset(whole), frozenset(whole | named), context.tokens)


def _named(summary: Sequence[SummarySentence]) -> frozenset[int]:
    return frozenset(seq for sentence in summary for seq in sentence.seqs)


def _form_score(answers: Sequence[_Answer]) -> FormScore:
    named = [Judgement(one.category, one.evidence, one.held.named) for one in answers]
    overall = score_of(named)
    whole = score_of([Judgement(one.category, one.evidence, one.held.whole) for one in answers])
    return FormScore(
        recall=overall.recall,
        hit_rate=overall.hit_rate,
        whole=whole.recall,
        tokens=sum(one.held.tokens for one in answers) / len(answers),
        by_category=by_category(named),
    )

"""How well recall finds the lines that answer questions about long conversations.

No language model takes part: what is judged is which lines are found, beside plain baselines that
are given the same questions and the same room. With a budget of tokens, also what a turn's context
and a compressed form of the conversation hold.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from time import process_time
from typing import Literal, NamedTuple

from msgspec import Struct

from ..model.errors import InvalidInput
from ..understanding.vectors.words import load_words
from .evaluation_forms import Forms, FormScore
from .locomo import Conversation, Question, read_folder
from .recall import NO_WEIGHTS, RecallIndex, Vocabulary
from .scores import Judgement, Score, by_category, score_of
from .tokens import EstimatedTokens, TokenCounter

MAX_SIZE = 1_000_000
_BASELINES = {"bm25": NO_WEIGHTS._replace(words=1.0), "embedding": NO_WEIGHTS._replace(meaning=1.0)}
"""What the index finds by one sign alone: BM25 (without the speakers' names, which mislead it), and
the cosine of summed word vectors. The third baseline is the last lines."""

Unit = Literal["lines", "tokens"]
Progress = Callable[[str], None]


class AtSize(Struct, frozen=True, omit_defaults=True):
    """With so many lines or tokens. `lines`: how many were taken, on average. `assembly`: of the
    contexts of the questions; `compression`: of a form of the conversation that was made without
    knowing them; both None where lines were counted."""

    recall: float
    hit_rate: float
    by_category: dict[str, Score]
    baselines: dict[str, Score]
    lines: float
    assembly: FormScore | None = None
    compression: FormScore | None = None


class RecallReport(Struct, frozen=True, omit_defaults=True):
    """What `colloquy eval recall` prints. The first figures are those of the first size; `at` has
    all of them. `ms_per_question` and `index_ms`, of 1,000 lines, are times of the CPU. `skipped`:
    questions without evidence that could be found."""

    recall: float
    hit_rate: float
    by_category: dict[str, Score]
    ms_per_question: float
    baselines: dict[str, Score]
    unit: Unit
    at: dict[str, AtSize]
    index_ms: float
    questions: int
    skipped: int
    conversations: int
    lines: int
    assembly: FormScore | None = None
    compression: FormScore | None = None


class _Answer(NamedTuple):
    """What one way found for a question, best first, with what each line costs."""

    category: str
    evidence: frozenset[int]
    found: list[int]
    costs: list[int]

    def at(self, size: int) -> Judgement:
        """The best lines, until the next one has no room."""
        end = bisect_right(list(accumulate(self.costs)), size)
        return Judgement(self.category, self.evidence, self.found[:end])


def run(
    folder: Path,
    *,
    sizes: Sequence[int],
    unit: Unit = "lines",
    counter: TokenCounter | None = None,
    progress: Progress = lambda _: None,
) -> RecallReport:
    """Judges on all conversations of a folder. With tokens, lines are taken best first until the
    next one has no room; each costs its text, its speaker and its date.

    Raises NotFound; InvalidInput with the file, and the line where there is one.
    """
    if not sizes or not all(1 <= size <= MAX_SIZE for size in sizes):
        raise InvalidInput(f"a size is a whole number from 1 to {MAX_SIZE}", field="size")
    counter = counter or EstimatedTokens()
    conversations, questions = read_folder(folder, counter)
    usable = [question for question in questions if question.evidence]
    if not usable:
        raise InvalidInput(f"no question of {folder} has evidence that can be found", field="data")
    forms = Forms(sizes, counter) if unit == "tokens" else None
    judged = _Judged(Vocabulary(load_words()), max(sizes), unit, counter, forms)
    for number, (name, conversation) in enumerate(conversations.items(), 1):
        progress(f"conversation {number} of {len(conversations)}: {name}")
        own = [question for question in usable if question.conversation == name]
        judged.judge(conversation, own)
    at = {str(size): judged.at(size) for size in sizes}
    first, count = at[str(sizes[0])], sum(len(one.lines) for one in conversations.values())
    return RecallReport(
        recall=first.recall,
        hit_rate=first.hit_rate,
        by_category=first.by_category,
        ms_per_question=1000 * judged.searching_s / len(usable),
        baselines=first.baselines,
        unit=unit,
        at=at,
        index_ms=1e6 * judged.indexing_s / max(1, count),
        questions=len(usable),
        skipped=len(questions) - len(usable),
        conversations=len(conversations),
        lines=count,
        assembly=first.assembly,
        compression=first.compression,
    )


class _Judged:
    """Answers of recall and of each baseline, as they come in."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        largest: int,
        unit: Unit,
        counter: TokenCounter,
        forms: Forms | None,
    ) -> None:
        self._vocabulary = vocabulary
        self._largest = largest
        self._unit = unit
        self._counter = counter
        self._forms = forms
        self._answers: list[_Answer] = []
        self._of_baselines: dict[str, list[_Answer]] = {
            name: [] for name in ("recency", *_BASELINES)
        }
        if forms is not None:
            self._of_baselines["truncation"] = []
        self.indexing_s = self.searching_s = 0.0

    def judge(self, conversation: Conversation, questions: Sequence[Question]) -> None:
        index = RecallIndex(self._vocabulary, max_lines=max(1, len(conversation.lines)))
        began = process_time()
        index.add(conversation.lines)
        self.indexing_s += process_time() - began
        # No more lines than that have room, were they all as short as the shortest.
        cheapest = 1 if self._unit == "lines" else min(conversation.costs, default=1)
        most = self._largest // max(1, cheapest)
        recent = [line.seq for line in reversed(conversation.lines)][:most]
        now = conversation.lines[-1].at if conversation.lines else 0
        answered = []
        for question in questions:
            began = process_time()
            recalled = index.search(question.text, most, now=now)
            self.searching_s += process_time() - began
            answered.append((question, recalled))
            answer = partial(self._answer, question, conversation)
            self._answers.append(answer([one.seq for one in recalled]))
            self._of_baselines["recency"].append(answer(recent))
            for name, weights in _BASELINES.items():
                found = index.search(question.text, most, now=now, weights=weights)
                self._of_baselines[name].append(answer([one.seq for one in found]))
        if self._forms is not None and questions:
            self._of_baselines["truncation"] += self._truncated(conversation, questions)
            self._forms.judge(conversation, answered)

    def _answer(self, question: Question, conversation: Conversation, found: list[int]) -> _Answer:
        costs = [1 if self._unit == "lines" else conversation.costs[seq - 1] for seq in found]
        return _Answer(question.category, question.evidence, found, costs)

    def _truncated(
        self, conversation: Conversation, questions: Sequence[Question]
    ) -> list[_Answer]:
        """The last lines at the cost of their texts alone, as compression counts them."""
        last = [line.seq for line in reversed(conversation.lines)]
        costs = [self._counter.count(line.text) for line in reversed(conversation.lines)]
        return [_Answer(one.category, one.evidence, last, costs) for one in questions]

    def at(self, size: int) -> AtSize:
        answers = [one.at(size) for one in self._answers]
        overall = score_of(answers)
        forms = self._forms
        return AtSize(
            recall=overall.recall,
            hit_rate=overall.hit_rate,
            by_category=by_category(answers),
            baselines={
                name: score_of([one.at(size) for one in found])
                for name, found in self._of_baselines.items()
            },
            lines=sum(len(one.found) for one in answers) / len(answers),
            assembly=forms.assembly(size) if forms is not None else None,
            compression=forms.compression(size) if forms is not None else None,
        )

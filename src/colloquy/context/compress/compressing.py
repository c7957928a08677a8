"""Compresses a conversation: measures, picks a strategy, fills the budget, validates the form."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby
from math import ceil

from ...model.errors import Conflict, InvalidInput
from ...telemetry import get_logger
from ..lines import Line
from ..tokens import EstimatedTokens, TokenCounter
from .choosing import choose, gentler, recommendations, should_compress
from .forms import (
    Attempt,
    Characteristics,
    Compressed,
    Contradiction,
    Options,
    Strategy,
    Summarise,
    SummarySentence,
    Validation,
)
from .reading import Piece, Read, Sentence, read_all
from .rolling import Rolling, advance_read
from .selection import Selection, units_of
from .strategies import RECENT_SHARE, keep, keep_window
from .validating import Said, contradictions, score_of

log = get_logger(__name__)

_ESTIMATE = EstimatedTokens()


def compress(
    lines: Sequence[Line],
    options: Options | None = None,
    *,
    counter: TokenCounter = _ESTIMATE,
    budget: int | None = None,
    state: Rolling | None = None,
    names: Collection[str] = (),
    summarise: Summarise | None = None,
) -> Compressed:
    """A view of the conversation within `budget` tokens (default: `options.max_context`).

    `lines`: the conversation, or its last lines where `state` covers what is before them. With a
    state, which must stand at the last line, nothing is read anew but `lines`.
    Raises BudgetTooSmall, InvalidInput, or Conflict for a state of another position.
    """
    options = options or Options()
    budget = options.max_context if budget is None else budget
    if budget < 1:
        raise InvalidInput("a budget has at least one token", field="budget")
    reads = read_all(lines, counter, names)
    if state is None:
        state = advance_read(Rolling(), reads, counter)
    elif lines and state.position != lines[-1].seq:
        raise Conflict(
            f"the state stands at {state.position}, the last line is {lines[-1].seq}",
            position=state.position,
        )
    return _Compression(reads, state, options, counter, budget, summarise).best()


class _Form:
    """One attempt: what a strategy kept, and how that compares with the source."""

    def __init__(
        self,
        strategy: Strategy,
        chosen: Selection,
        state: Rolling,
        written: dict[str, tuple[int, ...]] | None = None,
        wrong: tuple[Contradiction, ...] = (),
    ) -> None:
        self.strategy = strategy
        self.by_model = written is not None
        self.kept = chosen.lines()
        self.kept_tokens = sum(unit.tokens for unit in chosen.units.values())
        notes = chosen.notes()
        self.facts_tokens = sum(piece.tokens for piece in notes)
        self.summary = tuple(_summary(chosen, notes, written or {}))
        standing = {key for piece in notes for key in piece.keys}
        held = chosen.held | standing
        facts = {key for piece in state.notes.values() for key in piece.keys}
        lost = {key for piece in chosen.lost for key in piece.keys} - held
        self.facts_kept = len(facts - lost)
        forgotten = (f"forgotten:{number}" for number in range(state.forgotten))
        missing = (*sorted(lost), *forgotten)
        score = score_of(facts - lost, missing, len(wrong))
        self.validation = Validation(score, missing, wrong)


class _Compression:
    """One conversation on its way into one budget."""

    def __init__(
        self,
        reads: Sequence[Read],
        state: Rolling,
        options: Options,
        counter: TokenCounter,
        budget: int,
        summarise: Summarise | None,
    ) -> None:
        self._reads = reads
        self._state = state
        self._options = options
        self._counter = counter
        self._budget = budget
        self._summarise = summarise
        self._units = units_of(reads)
        self._measured: Characteristics = state.characteristics()
        self._fits = state.lines == len(reads) and state.tokens <= budget

    def best(self) -> Compressed:
        """The first form that is good enough, else the best of all that were tried."""
        attempts: list[Attempt] = []
        forms: list[_Form] = []
        for strategy, by_model in self._ladder():
            form = self._by_model() if by_model else self._form(strategy)
            if form is None:
                attempts.append(Attempt(strategy, by_model, 0.0, "the model gave no summary"))
                continue
            problem = self._problem(form)
            score = form.validation.score
            attempts.append(Attempt(strategy, by_model, score, problem))
            if not problem:
                return self._result(form, attempts)
            if not form.validation.contradictions:
                forms.append(form)
        return self._result(max(forms, key=lambda form: form.validation.score), attempts)

    def _ladder(self) -> list[tuple[Strategy, bool]]:
        needed = should_compress(self._measured, self._options)
        if self._fits and not needed and self._options.strategy is None:
            return [("none", False)]
        first = choose(self._measured, self._options)
        if first == "none" and not self._fits:
            first = "sliding_window"
        order: list[tuple[Strategy, bool]] = [
            (strategy, False)
            for strategy in (first, *gentler(first))
            if strategy != "none" or self._fits
        ]
        if first == "rolling_summary" and self._summarise is not None:
            order.insert(0, (first, True))
        return order

    def _problem(self, form: _Form) -> str:
        found = form.validation
        if found.contradictions:
            one = found.contradictions[0]
            return f"contradicts its source ({one.kind}): {one.text}"
        if found.score < self._options.min_score:
            return f"{len(found.lost)} facts lost"
        return ""

    def _selection(self) -> Selection:
        """With all that must be kept, and room for what the strategy wants beside it."""
        open_questions = [piece for _, piece in self._state.open]
        chosen = Selection(
            [*self._state.notes.values(), *open_questions], self._budget, self._counter
        )
        chosen.require(unit for unit in self._units if unit.pinned)
        chosen.fit(strict=self._options.strict)
        target = ceil(self._state.tokens * self._options.retention)
        chosen.limit = min(self._budget, max(chosen.used, target))
        return chosen

    def _form(self, strategy: Strategy) -> _Form:
        if strategy == "none":
            # All of it: the notes are needless at once.
            chosen = Selection(self._state.notes.values(), self._budget, self._counter)
            chosen.require(self._units)
        else:
            chosen = self._selection()
            keep(strategy, chosen, self._units, self._state.sentences)
        return _Form(strategy, chosen, self._state)

    def _by_model(self) -> _Form | None:
        """The last lines, and what the model wrote of those before; None if it failed."""
        chosen = self._selection()
        keep_window(chosen, self._units, RECENT_SHARE)
        lines = {one.line.seq: one.line for one in self._reads}
        older = [line for seq, line in lines.items() if not chosen.holds_line(seq)]
        if self._summarise is None or not older:
            return None
        try:
            summary = list(self._summarise(older))
        except Exception:
            # Whatever a model or its client raises, the conversation goes on without it.
            log.exception("summary_failed", lines=len(older))
            return None
        known = {line.seq: line for line in older}
        wrong = contradictions(summary, known)
        written = {}
        for index, one in enumerate(summary):
            if not one.text.strip() or not one.seqs:
                continue
            sentence = self._written(one, index, known)
            if chosen.add_sentence(sentence):
                written[one.text] = one.seqs
        return _Form("rolling_summary", chosen, self._state, written, wrong) if written else None

    def _written(self, one: SummarySentence, index: int, known: dict[int, Line]) -> Sentence:
        """A model's sentence, with the facts of its sources whose words are in it."""
        said = Said([one.text])
        seqs = set(one.seqs)
        keys = tuple(
            key
            for piece in self._state.notes.values()
            if piece.seq in seqs and said.holds(piece.text)
            for key in piece.keys
        )
        at = known[one.seqs[0]].at if one.seqs[0] in known else 0
        return Sentence(one.seqs[0], index, at, one.text, 0.0, keys)

    def _result(self, form: _Form, attempts: list[Attempt]) -> Compressed:
        kept = {line.seq for line in form.kept}
        summed_up = sum(self._counter.count(one.text) for one in form.summary)
        tokens = form.kept_tokens + summed_up
        source = self._state.tokens
        return Compressed(
            position=self._state.position,
            strategy=form.strategy,
            by_model=form.by_model,
            kept=form.kept,
            summary=form.summary,
            dropped=tuple(one.line.seq for one in self._reads if one.line.seq not in kept),
            before=self._state.lines - len(self._reads),
            tokens=tokens,
            source_tokens=source,
            ratio=round(tokens / source, 3) if source else 1.0,
            facts_kept=form.facts_kept,
            validation=form.validation,
            attempts=tuple(attempts),
            characteristics=self._measured,
            recommendations=recommendations(
                self._measured, self._options, form.facts_tokens, self._budget
            ),
        )


def _summary(
    chosen: Selection, notes: Sequence[Piece], written: dict[str, tuple[int, ...]]
) -> list[SummarySentence]:
    """Sentences and bare facts in the order of the lines that they come from."""
    placed = [
        ((one.seq, one.index), SummarySentence(one.text, written.get(one.text, (one.seq,))))
        for one in chosen.sentences
        if written or not chosen.holds_line(one.seq)
    ]
    for seq, group in groupby(notes, key=lambda piece: piece.seq):
        text = "; ".join(piece.text for piece in group)
        placed.append(((seq, len(placed)), SummarySentence(text, (seq,), facts=True)))
    return [sentence for _, sentence in sorted(placed, key=lambda entry: entry[0])]

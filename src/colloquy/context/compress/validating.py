"""Holds a compressed form against its source: facts that it lost, and things it says that the
source does not.

What is copied word for word cannot contradict; a language model's sentences can, and are looked at
one by one: every number, day, address and name in them must be in the lines that they name, and
what they deny or do not deny must be so there too. Texts are compared by their words, so a model
that rewrites "two" as "a couple of" is doubted, not believed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ..lines import Line
from ..musts import Fact, facts_of
from .forms import Contradiction, SummarySentence, Validation
from .reading import stems_of

WEIGHTS = {"promise": 2.0, "money": 2.0, "contact": 2.0, "reference": 2.0, "date": 2.0, "time": 2.0}
"""Of a fact in the score, by its kind; 1 for others."""
PENALTY = 0.25
SAME_SUBJECT = 0.5
"""Share of content words from which two sentences are about the same."""

_VALUES = frozenset({"number", "money", "date", "time", "contact", "reference", "name"})
_TOKEN = re.compile(r"\d+|[^\W\d_]+|[^\w\s]|_")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")


class Said:
    """Texts in which the words of a fact are looked for."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._all = "\n".join(map(_spaced, texts))

    def holds(self, text: str) -> bool:
        return _spaced(text).strip() == "" or _spaced(text) in self._all


def _spaced(text: str) -> str:
    return f" {' '.join(_TOKEN.findall(text.casefold()))} "


def weight_of(key: str) -> float:
    return WEIGHTS.get(key.partition(":")[0], 1.0)


def score_of(kept: Collection[str], lost: Collection[str], contradictions: int) -> float:
    """From 0 to 1; 1 where there was nothing to lose."""
    held = sum(map(weight_of, kept))
    missing = sum(map(weight_of, lost))
    share = held / (held + missing) if held + missing else 1.0
    return round(max(0.0, share - PENALTY * contradictions), 3)


def validate(
    source: Sequence[Line],
    kept: Sequence[Line],
    summary: Sequence[SummarySentence],
    names: Collection[str] = (),
) -> Validation:
    """Finds the facts of `source` anew and looks for each in what is kept and summed up.

    Questions do not count: most are answered. Never raises for odd text.
    """
    seen = {line.seq for line in kept}
    held = {fact.key for line in kept for fact in facts_of(line, names)}
    said = Said(one.text for one in summary)
    found: dict[str, bool] = {}
    for line in source:
        for fact in facts_of(line, names):
            if fact.kind != "question" and not found.get(fact.key):
                found[fact.key] = line.seq in seen or fact.key in held or said.holds(fact.text)
    lost = tuple(key for key, there in found.items() if not there)
    kept_keys = [key for key, there in found.items() if there]
    wrong = contradictions(summary, {line.seq: line for line in source})
    return Validation(score_of(kept_keys, lost, len(wrong)), lost, wrong)


def contradictions(
    summary: Sequence[SummarySentence], lines: Mapping[int, Line]
) -> tuple[Contradiction, ...]:
    return tuple(found for one in summary for found in _against_source(one, lines))


def _against_source(
    sentence: SummarySentence, lines: Mapping[int, Line]
) -> Iterator[Contradiction]:
    if sentence.facts:
        return
    named = [lines[seq] for seq in sentence.seqs if seq in lines]
    if not named or len(named) < len(sentence.seqs):
        yield Contradiction("source", sentence.text, sentence.seqs)
        return
    if any(sentence.text in line.text for line in named):
        return
    said = Said(line.text for line in named)
    source = [fact for line in named for fact in facts_of(line)]
    normals = {fact.key for fact in source}
    digits = {number for line in named for number in _DIGITS.findall(line.text)}
    for fact in facts_of(named[-1]._replace(text=sentence.text, pinned=False)):
        if fact.kind in _VALUES and not (fact.key in normals or said.holds(fact.text)):
            if fact.kind == "number" and digits.issuperset(_DIGITS.findall(fact.text) or ["-"]):
                continue  # the number is there, with another word behind it
            if fact.kind == "name" and fact.text.casefold() in {
                line.speaker.casefold() for line in named
            }:
                continue
            yield Contradiction(fact.kind, fact.text, sentence.seqs)
    if _denies_otherwise(sentence, named, source):
        yield Contradiction("negation", sentence.text, sentence.seqs)


def _denies_otherwise(
    sentence: SummarySentence, named: Sequence[Line], source: Sequence[Fact]
) -> bool:
    """Whether it denies what its source says, or the other way round."""
    own = [
        fact
        for fact in facts_of(named[-1]._replace(text=sentence.text, pinned=False))
        if fact.kind == "negation"
    ]
    denied = [fact for fact in source if fact.kind == "negation"]
    if bool(own) == bool(denied):
        return False
    if own:
        # It denies, and no line that it names does.
        return True
    told = stems_of(sentence.text)
    return any(
        (stems := stems_of(fact.text)) and len(stems & told) >= SAME_SUBJECT * len(stems)
        for fact in denied
    )

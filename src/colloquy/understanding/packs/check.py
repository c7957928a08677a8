"""What is wrong with a pack, and what will make it work badly: all of it at once.

An *error* is refused when the pack is loaded, or makes something of it useless; a *warning* is a
reason to look. Each finding names its place and what helps.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Literal

from msgspec import Struct

from ...model.errors import InvalidInput
from ..emotion.rules import EmotionRules
from ..entities.merging import PRIORITY
from ..intent import tokens_of
from ..pack import (
    MAX_EXAMPLE,
    Pack,
    check_intent_name,
    check_pattern,
    check_template,
    checked,
)
from .building import Place
from .folder import Source, read_source

FEWEST = 2
"""Examples below which an intent cannot be learned."""
FEW = 5
"""Examples below which an intent is learned badly."""
FEW_OUTSIDE = 10
NEAR = 0.8
"""Shared words of two texts, as a part of all their words (Jaccard), to be nearly the same."""
UNBALANCED = 8.0
"""An intent with this many times the median of examples draws others' texts to itself."""
COMMON_WORDS = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "for", "from", "had",
        "has", "have", "he", "her", "him", "his", "how", "i", "if", "in", "is", "it", "its", "me",
        "my", "no", "not", "of", "on", "or", "our", "she", "so", "that", "the", "their", "them",
        "then", "there", "they", "this", "to", "up", "us", "was", "we", "were", "what", "when",
        "where", "which", "who", "will", "with", "yes", "you", "your",
    )
)  # fmt: skip
"""Words of so many sentences that as a phrase of an entity they are found where nobody meant it."""

_SLOT = re.compile(r"(?<!\{)\{([A-Za-z_][A-Za-z0-9_.]*)\}(?!\})")


class Finding(Struct, frozen=True, omit_defaults=True):
    """`code` stays the same across versions; `line` is 0 when no one line is meant."""

    level: Literal["error", "warning"]
    code: str
    message: str
    file: str = ""
    line: int = 0
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.file else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{self.level} {self.code}: {self.message}{hint}"


def check(path: Path) -> list[Finding]:
    """The findings of the pack at this path, errors first, then by place.

    A file that cannot be read at all is a single finding. Raises NotFound.
    """
    try:
        return check_source(read_source(path))
    except InvalidInput as error:
        field = f"{error.field}: " if error.field not in (None, "file") else ""
        return [Finding("error", "unreadable", f"{field}{error.detail}")]


def check_source(source: Source) -> list[Finding]:
    """The findings of a pack that was read."""
    found = [
        *_contradictions(source),
        *_names_and_limits(source),
        *_doubles(source),
        *_sizes(source),
        *_near(source),
        *_entities(source),
        *_replies(source),
        *_emotions(source),
    ]
    if not any(finding.level == "error" for finding in found):
        try:
            checked(source.pack)
        except InvalidInput as error:
            place = source.place(error.field or "")
            found.append(_finding(place, "error", "invalid", f"{error.field}: {error.detail}"))
    return sorted(found, key=lambda one: (one.level, one.file, one.line, one.code, one.message))


def _finding(
    place: Place, level: Literal["error", "warning"], code: str, message: str, hint: str = ""
) -> Finding:
    return Finding(level, code, message, place.file, place.line, hint)


def _texts(pack: Pack) -> Iterator[tuple[str, str, str]]:
    """Path, name and text of every example."""
    for name, intent in pack.intents.items():
        for index, text in enumerate(intent.examples):
            yield f"intents.{name}.examples[{index}]", name, text
    for index, text in enumerate(pack.out_of_scope):
        yield f"out_of_scope[{index}]", "out_of_scope", text


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())


def _where(place: Place) -> str:
    return f" at {place.file}:{place.line}" if place.file else ""


def _contradictions(source: Source) -> Iterator[Finding]:
    """The same text for two intents, or twice for one."""
    first: dict[str, tuple[str, str]] = {}
    for path, name, text in _texts(source.pack):
        place = source.place(path)
        if not text.strip():
            yield _finding(place, "error", "empty", "an example is empty")
            continue
        other_path, other = first.setdefault(_normal(text), (path, name))
        if other_path == path:
            continue
        stands = _where(source.place(other_path))
        if other == name:
            yield _finding(place, "warning", "duplicate", f"{text!r} stands for {name}{stands} too")
        elif not source.pack.multi_label or "out_of_scope" in (name, other):
            yield _finding(
                place, "error", "contradiction",
                f"{text!r} is an example of {name} and, {stands.strip() or 'before'}, of {other}",
                "leave it where people mean it",
            )  # fmt: skip


def _doubles(source: Source) -> Iterator[Finding]:
    for place, text, name in source.doubles:
        yield _finding(place, "warning", "duplicate", f"{text!r} stands twice for {name}")


def _names_and_limits(source: Source) -> Iterator[Finding]:
    pack = source.pack
    for name in pack.intents:
        try:
            check_intent_name(name, "")
        except InvalidInput as error:
            yield _finding(
                source.place(f"intents.{name}"), "error", "name", f"{name!r}: {error.detail}"
            )
    for path, _, text in _texts(pack):
        if len(text) > MAX_EXAMPLE:
            yield _finding(
                source.place(path), "error", "too_long",
                f"an example has {len(text)} characters, the limit is {MAX_EXAMPLE}",
            )  # fmt: skip
        elif text.strip() and not tokens_of(text):
            yield _finding(
                source.place(path), "warning", "unreachable", f"{text!r} has no word to learn from"
            )


def _sizes(source: Source) -> Iterator[Finding]:
    pack = source.pack
    counts = {name: len(intent.examples) for name, intent in pack.intents.items()}
    if not counts:
        yield Finding("error", "no_intents", "the pack has no intent", hint="add intents/NAME.yml")
        return
    for name, count in counts.items():
        place = source.place(f"intents.{name}")
        # An intent with replies and no examples may get its examples from a handler.
        if count < FEWEST:
            yield _finding(
                place, "error", "too_few", f"{name} has {count} example{'s' * (count != 1)}",
                f"at least {FEWEST}, better {FEW} and more",
            )  # fmt: skip
        elif count < FEW:
            yield _finding(
                place, "warning", "too_few", f"{name} has {count} examples", f"at least {FEW}"
            )
    middle = median(counts.values())
    for name, count in counts.items():
        if middle and count > UNBALANCED * middle:
            yield _finding(
                source.place(f"intents.{name}"), "warning", "unbalanced",
                f"{name} has {count} examples, the middle intent {middle:g}",
                "take out what says the same",
            )  # fmt: skip
    if len(pack.out_of_scope) < FEW_OUTSIDE:
        yield _finding(
            source.place("out_of_scope"), "warning", "out_of_scope",
            f"{len(pack.out_of_scope)} texts are out of scope",
            f"give {FEW_OUTSIDE} or more that belong to no intent, under out_of_scope",
        )  # fmt: skip


def _near(source: Source) -> Iterator[Finding]:
    """Texts of different intents that share nearly all their words.

    Two sets with a Jaccard index of t share a word among the rarest (1 - t) n + 1 of either, so
    only those are looked up (prefix filtering: Chaudhuri, Ganti and Kaushik, 2006).
    """
    if source.pack.multi_label:
        return
    rows = [
        (path, name, text, frozenset(tokens_of(text))) for path, name, text in _texts(source.pack)
    ]
    frequency = Counter(word for *_, words in rows for word in words)
    index: dict[str, list[int]] = {}
    for place, (path, name, text, words) in enumerate(rows):
        if len(words) < 3:
            continue
        ordered = sorted(words, key=lambda word: (frequency[word], word))
        prefix = ordered[: int((1 - NEAR) * len(words)) + 1]
        candidates = sorted({other for word in prefix for other in index.get(word, ())})
        for other in candidates:
            other_path, other_name, other_text, other_words = rows[other]
            if other_name == name or _normal(other_text) == _normal(text):
                continue
            shared = len(words & other_words)
            if shared >= NEAR * (len(words) + len(other_words) - shared):
                yield _finding(
                    source.place(path), "warning", "near",
                    f"{text!r} of {name} is nearly {other_text!r} of {other_name}"
                    f"{_where(source.place(other_path))}",
                    "make clear what tells them apart",
                )  # fmt: skip
                break
        for word in prefix:
            index.setdefault(word, []).append(place)


def _entities(source: Source) -> Iterator[Finding]:
    pack = source.pack
    marked = Counter(span.label for spans in pack.annotations.values() for span in spans)
    said = " \n ".join(_normal(text) for _, name, text in _texts(pack) if name != "out_of_scope")
    for label, values in pack.entities.items():
        owner: dict[str, str] = {}
        for value, phrases in values.items():
            field = f"entities.{label}.{value}"
            if not phrases:
                yield _finding(source.place(field), "error", "empty", f"{value!r} has no phrase")
            for index, phrase in enumerate(phrases):
                place = source.place(f"{field}[{index}]")
                key = _normal(phrase)
                other = owner.setdefault(key, value)
                if other != value:
                    yield _finding(
                        place, "error", "two_values", f"{phrase!r} means {other!r} and {value!r}"
                    )
                if key in COMMON_WORDS:
                    yield _finding(
                        place, "warning", "common_word",
                        f"{phrase!r} of {label} is in sentences of every kind",
                        "add the words around it, or mark it in examples instead",
                    )  # fmt: skip
                if not re.search(r"\w", phrase):
                    yield _finding(
                        place, "error", "unreachable", f"{phrase!r} of {label} has no letter"
                    )
        if pack.annotations and not marked[label] and not any(phrase in said for phrase in owner):
            yield _finding(
                source.place(f"entities.{label}"), "warning", "never_used",
                f"no example has a {label}", "give examples with it",
            )  # fmt: skip
    for label, patterns in pack.patterns.items():
        for index, pattern in enumerate(patterns):
            try:
                check_pattern(pattern, "")
            except InvalidInput as error:
                yield _finding(
                    source.place(f"patterns.{label}[{index}]"), "error", "pattern", error.detail,
                    "patterns are RE2: no look-around, no back-references",
                )  # fmt: skip
    for text, spans in pack.annotations.items():
        place = source.place(f"annotations.{text}")
        for span in spans:
            known = {*pack.entities, *pack.patterns, *PRIORITY}
            if span.label not in known and marked[span.label] < FEW:
                yield _finding(
                    place, "warning", "unknown_label",
                    f"{span.label} is marked {marked[span.label]} times and defined nowhere",
                    f"mark it {FEW} times and more, or check the spelling",
                )  # fmt: skip


def _replies(source: Source) -> Iterator[Finding]:
    pack = source.pack
    marked = {span.label for spans in pack.annotations.values() for span in spans}
    filled = {*pack.entities, *pack.patterns, *marked, *PRIORITY}
    for name, intent in pack.intents.items():
        slots = []
        for index, template in enumerate(intent.replies):
            place = source.place(f"intents.{name}.replies[{index}]")
            try:
                check_template(template, "")
            except InvalidInput as error:
                yield _finding(place, "error", "template", error.detail)
                continue
            wanted = set(_SLOT.findall(template))
            slots.append(wanted)
            for slot in sorted(wanted - filled):
                yield _finding(
                    place, "warning", "unfilled_slot",
                    f"{{{slot}}} is no entity of the pack",
                    "a handler must ask for it, else this reply is never given",
                )  # fmt: skip
        if slots and all(slots):
            yield _finding(
                source.place(f"intents.{name}.replies[0]"), "warning", "no_plain_reply",
                f"every reply of {name} needs an entity",
                "add one without, for messages that have none",
            )  # fmt: skip


def _emotions(source: Source) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, rule in enumerate(source.pack.emotions):
        place = source.place(f"emotions[{index}]")
        try:
            EmotionRules([rule])
        except InvalidInput as error:
            yield _finding(place, "error", "rule", error.detail)
            continue
        first = seen.setdefault(rule.pattern.casefold(), index)
        if first != index:
            yield _finding(
                place, "warning", "unreachable",
                f"{rule.pattern!r} stands{_where(source.place(f'emotions[{first}]'))} already",
            )  # fmt: skip

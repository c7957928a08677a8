"""Runs the extractors that a text can concern and merges what they find.

One pass of an RE2 set (about 1 µs) says which extractors have a chance; most texts need none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from time import perf_counter_ns

import re2
from msgspec import Struct

from ...model.understanding import Entity
from ...telemetry import get_logger
from ..pack import Pack
from . import (
    address,
    contact,
    counts,
    dates,
    durations,
    foreign,
    identifiers,
    money,
    other_dates,
    places,
    quantity,
    recurrence,
    reference,
)
from .breaker import Breaker
from .dictionary import Dictionary, Gazetteer, entries_of
from .languages import FOREIGN
from .merging import merge, resolve
from .plain import plain
from .span import Circumstances, Span
from .tagger.model import Tagger, Text
from .tagger.words import Found, Tokens, tags_of, tokens_of

VERSION = "3"
Find = Callable[[str, Circumstances], Iterable[Span]]
_log = get_logger(__name__)
_PARTS: dict[str, tuple[str, Find]] = {
    "email": (contact.EMAIL_GATE, contact.emails),
    "url": (contact.URL_GATE, contact.urls),
    "phone": (contact.PHONE_GATE, contact.phones),
    "money": (money.GATE, money.amounts),
    "dates": (dates.GATE, dates.moments),
    "quantity": (quantity.GATE, quantity.quantities),
    "reference": (reference.GATE, reference.references),
    "iban": (identifiers.IBAN_GATE, identifiers.ibans),
    "card": (identifiers.CARD_GATE, identifiers.cards),
    "national_id": (identifiers.NATIONAL_GATE, identifiers.national_ids),
    "ip_address": (places.IP_GATE, places.ip_addresses),
    "coordinates": (places.COORDINATES_GATE, places.coordinates),
    "postal_code": (places.POSTAL_GATE, places.postal_codes),
    "duration": (durations.GATE, durations.durations),
    "recurring": (recurrence.GATE, recurrence.repeats),
    "number": (counts.NUMBER_GATE, counts.numbers),
    "percentage": (counts.PERCENT_GATE, counts.percentages),
    "ordinal": (counts.ORDINAL_GATE, counts.ordinals),
    "address": (address.ENGLISH_GATE, address.english),
    "address_southern": (address.SOUTHERN_GATE, address.southern),
    "address_northern": (address.NORTHERN_GATE, address.northern),
}
"""Each part's gate, an RE2 pattern without which it finds nothing, and its function."""
_LANGUAGES: dict[str, tuple[str, Find]] = {
    f"language_{code}": (foreign.gate_of(code), partial(foreign.find_in, code)) for code in FOREIGN
} | {"other_dates": (other_dates.GATE, other_dates.other_dates)}
"""Parts of other languages than English."""
_GATE_BYTES = 32 << 20
"""Room for an automaton's states, which are made as texts need them."""


class Source(Struct, frozen=True):
    """A text with its circumstances (see `analyse.Item`). `asked`: the slots that the conversation
    had just asked for. `language`: ISO 639-1, None when nobody knows."""

    text: str
    at_us: int
    time_zone: str | None = None
    region: str | None = None
    asked: Sequence[str] = ()
    language: str | None = None


class Extracted(Struct):
    """Entities in the order of the text; `text[start:end] == entity.text` for each.

    `candidates`: what lost against an overlapping one or is not sure enough, surest first.
    `failed`: parts that raised on this text. `rested`: layers that the breaker left out.
    """

    entities: list[Entity]
    candidates: list[Entity]
    failed: list[str]
    rested: list[str]


class _Gate:
    """Which of some parts have a chance in a text."""

    def __init__(self, options: re2.Options, parts: Mapping[str, tuple[str, Find]]) -> None:
        self._set = re2.Set.SearchSet(options)
        for pattern, _ in parts.values():
            self._set.Add(pattern)
        self._set.Compile()
        self._parts = [(name, find) for name, (_, find) in parts.items()]

    def chances(self, text: str) -> list[tuple[str, Find]]:
        """Names and functions of the parts whose gate matches."""
        return [self._parts[index] for index in self._set.Match(text) or ()]


class EntityExtractor:
    """All layers, with the dictionary and the region of a pack. Not safe for two threads at once.

    `tagger` learned from annotated examples; `gazetteer` brings phrases beside the pack's, read
    again by `refresh`. Without a `breaker` no layer is ever left out.
    """

    def __init__(
        self,
        pack: Pack | None = None,
        tagger: Tagger | None = None,
        gazetteer: Gazetteer | None = None,
        *,
        breaker: Breaker | None = None,
    ) -> None:
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        # Two automata: one of all patterns has so many states that it is often built anew.
        options.max_mem = _GATE_BYTES
        self._options = options
        self._gates = [_Gate(options, _PARTS), _Gate(options, _LANGUAGES)]
        self._known_gates: dict[str, _Gate] = {}
        self._region = pack.region if pack is not None else None
        self._entries = entries_of(pack.entities, pack.fuzzy) if pack is not None else []
        self._own = (
            [
                (label, re2.compile(one, options))
                for label, many in pack.patterns.items()
                for one in many
            ]
            if pack is not None
            else []
        )
        self._tagger = tagger
        self._gazetteer = gazetteer
        self._fed: str | None = None
        self._breaker = breaker
        self._dictionary = Dictionary(self._entries)
        self.refresh()

    @property
    def version(self) -> str:
        """Of the patterns, with those of the tagger and of the phrases that were fed."""
        names = [VERSION]
        if self._tagger is not None:
            names.append(f"tagger@{self._tagger.version}")
        if self._fed:
            names.append(f"gazetteer@{self._fed}")
        return "+".join(names)

    def refresh(self) -> bool:
        """Takes over the gazetteer's entries if its version is another one; says whether so.

        Raises InvalidInput, with the former entries left in place.
        """
        if self._gazetteer is None or self._gazetteer.version == self._fed:
            return False
        version = self._gazetteer.version
        self._dictionary.update([*self._entries, *self._gazetteer.entries()])
        self._fed = version
        return True

    def extract(
        self,
        text: str,
        at_us: int,
        time_zone: str | None = None,
        region: str | None = None,
        failed: list[str] | None = None,
    ) -> list[Entity]:
        """The entities of one text. A part that raises is left out and named in `failed`; without
        that list it raises."""
        found = self._batch([Source(text, at_us, time_zone, region)], raises=failed is None)[0]
        if failed is not None:
            failed += found.failed
        return found.entities

    def extract_batch(self, sources: Sequence[Source]) -> list[Extracted]:
        """One result for each text. A part that raises is left out of that text's and named."""
        return self._batch(sources, raises=False)

    def _batch(self, sources: Sequence[Source], *, raises: bool) -> list[Extracted]:
        count = len(sources)
        results = [Extracted([], [], [], []) for _ in sources]
        errors = [None if raises else result.failed for result in results]
        plains = [plain(source.text) for source in sources]
        hard: list[list[tuple[Span, str]]] = [[] for _ in sources]
        soft: list[list[tuple[Span, str]]] = [[] for _ in sources]
        if self._starts("patterns", results):
            began = perf_counter_ns()
            for row, source in enumerate(sources):
                spans = self._patterns(plains[row], self._circumstances(source), errors[row])
                hard[row] += [(span, "pattern") for span in spans]
            self._ended("patterns", began, count)
        if len(self._dictionary) and self._starts("dictionary", results):
            began = perf_counter_ns()
            for row, source in enumerate(sources):
                spans = []
                find, where = self._dictionary.find, self._circumstances(source)
                _collect("dictionary", find, plains[row], where, spans, errors[row])
                for span in spans:
                    layer = hard if span.confidence == 1.0 else soft
                    layer[row].append((span, "dictionary"))
            self._ended("dictionary", began, count)
        tagged: list[list[Found]] = [[] for _ in sources]
        if self._tagger is not None and self._starts("tagger", results):
            began = perf_counter_ns()
            tagged = self._tag(self._tagger, sources, hard, errors)
            self._ended("tagger", began, count)
        for row, source in enumerate(sources):
            if hard[row] or soft[row] or tagged[row]:
                entities, candidates = merge(source.text, hard[row], soft[row], tagged[row])
                results[row].entities, results[row].candidates = entities, candidates
        return results

    def _circumstances(self, source: Source) -> Circumstances:
        return Circumstances(
            source.at_us, source.time_zone, source.region or self._region, source.language
        )

    def _starts(self, layer: str, results: list[Extracted]) -> bool:
        if self._breaker is None or self._breaker.allows(layer):
            return True
        for result in results:
            result.rested.append(layer)
        return False

    def _ended(self, layer: str, began: int, count: int) -> None:
        if self._breaker is not None:
            self._breaker.spent(layer, perf_counter_ns() - began, count)

    def _own_patterns(self, source: str, _: Circumstances) -> Iterable[Span]:
        """What the pack's own expressions find; a match of nothing is none."""
        for label, pattern in self._own:
            for found in pattern.finditer(source):
                if found.end() > found.start():
                    yield Span(label, found.start(), found.end(), None)

    def _patterns(
        self, source: str, circumstances: Circumstances, failed: list[str] | None
    ) -> list[Span]:
        spans: list[Span] = []
        if self._own:
            _collect("own_patterns", self._own_patterns, source, circumstances, spans, failed)
        language, gates = circumstances.language or "", self._gates
        if language == "en":
            gates = gates[:1]  # it has nothing of the others
        elif language in FOREIGN:
            gates = [self._gate_in(language), gates[0]]  # of one span its own reading is kept
        for gate in gates:
            for name, find in gate.chances(source):
                _collect(name, find, source, circumstances, spans, failed)
        return spans

    def _gate_in(self, language: str) -> _Gate:
        """The gate of texts that are known to be in that language, made when first asked for."""
        gate = self._known_gates.get(language)
        if gate is None:
            pattern = foreign.gate_of(language, known=True)
            part = {f"language_{language}": (pattern, partial(foreign.find_in, language))}
            gate = self._known_gates[language] = _Gate(self._options, part)
        return gate

    def _tag(
        self,
        tagger: Tagger,
        sources: Sequence[Source],
        hard: Sequence[Sequence[tuple[Span, str]]],
        errors: Sequence[list[str] | None],
    ) -> list[list[Found]]:
        """What the tagger finds; if it raises, each text alone, to find which it was."""
        texts = []
        for source, known in zip(sources, hard, strict=True):
            tokens = tokens_of(source.text)
            hints = (
                hints_of(tokens, [span for span, _ in known], len(source.text))
                if tagger.uses_hints
                else ()
            )
            texts.append(Text(tokens, source.asked, hints))
        try:
            return tagger.tag(texts)
        except Exception:
            if None in errors:
                raise
        found: list[list[Found]] = []
        for text, failed in zip(texts, errors, strict=True):
            try:
                found += tagger.tag([text])
            except Exception:
                if failed is None:
                    raise
                _log.exception("understanding_failed", part="tagger")
                failed.append("tagger")
                found.append([])
        return found


def hints_of(tokens: Tokens, spans: Sequence[Span | Entity], length: int) -> list[str]:
    """What patterns and phrases say of each word: "B-date", "I-date" or nothing."""
    if not spans:
        return []
    plain_spans = [Span(one.label, one.start, one.end, None) for one in spans]
    kept = [(span.start, span.end, span.label) for span in resolve(plain_spans, length)]
    return ["" if tag == "O" else tag for tag in tags_of(tokens, kept)]


def _collect(
    name: str,
    find: Find,
    text: str,
    circumstances: Circumstances,
    spans: list[Span],
    failed: list[str] | None,
) -> None:
    """Adds what a part finds; if it raises, what it found before stays out too."""
    try:
        found = list(find(text, circumstances))
    except Exception:
        if failed is None:
            raise
        _log.exception("understanding_failed", part=name)
        failed.append(name)
        return
    spans += found

"""The analyser: all parts of understanding over a batch of texts. Pure and synchronous.

A part that raises for one text is left out of that text's result only, is named in the result's
`model` ("…;failed=dates") and counted. Nothing here waits, reads files or knows the pipeline.
"""

from __future__ import annotations

import re
from collections import Counter
from time import perf_counter_ns

import msgspec
from msgspec import Struct

from ..model.understanding import Understanding
from .entities import EntityExtractor
from .intent import Guess, IntentModel, tokens_of
from .pack import DEFAULT_MARGIN, DEFAULT_THRESHOLD, Pack
from .polarity import VERSION as POLARITY_VERSION
from .polarity import is_urgent, polarity_of

MAX_ANALYSED = 10_000
"""Characters of a text that are looked at (decision 17): what follows is stored, not analysed."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_encode = msgspec.json.Encoder().encode


class Item(Struct, array_like=True, frozen=True):
    """One text to understand.

    `at_us` is the message's clock in microseconds since 1970 (UTC), `time_zone` the IANA name of
    the sender's zone (None: UTC), `region` the default region of phones and dates ("US").
    """

    text: str
    at_us: int
    time_zone: str | None
    region: str | None = None


class Understood(Struct, array_like=True, frozen=True):
    """One result: what the pipeline needs at once, and the rest as bytes.

    `raw` is the JSON of a `model.understanding.Understanding`; it goes into the event as it is.
    `micros` is the time spent on this item, its share of the batch's common work included.
    """

    intent: str | None
    confidence: float
    urgent: bool
    raw: bytes
    micros: int


class Analyser:
    """Everything loaded. Without a pack: no dictionary entities; without a model: no intents.

    `counters` grows: nanoseconds per part ("intent_ns", "entities_ns", "polarity_ns", "encode_ns")
    and failures per part ("failed_dates"). Not safe for two threads at once.
    """

    def __init__(self, pack: Pack | None = None, model: IntentModel | None = None) -> None:
        self._entities = EntityExtractor(pack)
        self._model = model
        self._threshold = pack.threshold if pack is not None else DEFAULT_THRESHOLD
        self._margin = pack.margin if pack is not None else DEFAULT_MARGIN
        names = [f"entities{self._entities.version}", f"polarity{POLARITY_VERSION}"]
        if pack is not None:
            names.insert(0, f"{pack.name}@{pack.version}")
        if model is not None:
            names.append(f"intent@{model.version}")
        # What was given as an example is what it was given for, however few examples there are.
        self._examples = {
            tuple(tokens_of(text)): intent
            for intent, known in (pack.intents.items() if pack is not None else ())
            for text in known.examples
        }
        self.version = ";".join(names)
        self.counters: Counter[str] = Counter()

    def analyse(self, items: list[Item]) -> list[Understood]:
        """One result for each item, in the same order."""
        began = perf_counter_ns()
        texts = [
            item.text if len(item.text) <= MAX_ANALYSED else item.text[:MAX_ANALYSED]
            for item in items
        ]
        tokens = [tokens_of(text) for text in texts]
        guesses, failed_intents = self._classify(tokens)
        spent = perf_counter_ns() - began
        self.counters["intent_ns"] += spent
        share = spent // max(1, len(items))
        return [
            self._one(item, text, words, guess, index in failed_intents, share)
            for index, (item, text, words, guess) in enumerate(
                zip(items, texts, tokens, guesses, strict=True)
            )
        ]

    def _classify(self, tokens: list[list[str]]) -> tuple[list[Guess], set[int]]:
        """The guesses; if the batch raises, those of each text alone, and which of them failed."""
        if self._model is None:
            return [Guess()] * len(tokens), set()
        try:
            return self._model.classify(tokens), set()
        except Exception:
            guesses, failed = [], set()
            for index, words in enumerate(tokens):
                try:
                    guesses += self._model.classify([words])
                except Exception:
                    self.counters["failed_intent"] += 1
                    failed.add(index)
                    guesses.append(Guess())
            return guesses, failed

    def _one(
        self, item: Item, text: str, words: list[str], guess: Guess, failed_intent: bool, share: int
    ) -> Understood:
        counters = self.counters
        failed = ["intent"] if failed_intent else []
        began = perf_counter_ns()
        try:
            entities = self._entities.extract(text, item.at_us, item.time_zone, item.region, failed)
        except Exception:
            failed.append("entities")
            entities = []
        extracted = perf_counter_ns()
        try:
            polarity = polarity_of(text, words)
            urgent = is_urgent(text, words)
        except Exception:
            failed.append("polarity")
            polarity, urgent = 0.0, False
        felt = perf_counter_ns()
        for name in failed:
            if name != "intent":
                counters[f"failed_{name}"] += 1
        sure = guess.confidence >= self._threshold and guess.lead >= self._margin
        intent = guess.intent if sure else None
        if not sure and (example := self._examples.get(tuple(words))) is not None:
            intent = example
            guess = Guess(example, max(guess.confidence, self._threshold), guess.lead)
        understanding = Understanding(
            intent=intent,
            guess=guess.intent,
            confidence=guess.confidence,
            entities=entities,
            polarity=polarity,
            urgent=urgent,
            model=f"{self.version};failed={','.join(failed)}" if failed else self.version,
        )
        try:
            raw = _encode(understanding)
        except UnicodeEncodeError:
            # A lone surrogate has no UTF-8: each becomes U+FFFD, so that offsets stay right.
            repaired = _SURROGATES.sub("\ufffd", text)
            return self._one(item, repaired, words, guess, failed_intent, share)
        ended = perf_counter_ns()
        counters["entities_ns"] += extracted - began
        counters["polarity_ns"] += felt - extracted
        counters["encode_ns"] += ended - felt
        return Understood(
            intent, guess.confidence, urgent, raw, (share + ended - began + 500) // 1000
        )

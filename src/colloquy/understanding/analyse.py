"""The analyser: all parts of understanding over a batch of texts. Pure and synchronous.

A part that raises for one text is left out of that text's result only, is named in the result's
`model` ("…;failed=dates") and counted. Nothing here waits, reads files or knows the pipeline.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from time import perf_counter_ns

import msgspec
import numpy as np
from msgspec import Struct

from ..model.understanding import EMOTIONS_OFF, Emotion, Entity, Label, Understanding
from ..telemetry import get_logger
from ..telemetry.services import told
from .emotion.feeling import FeelingReader
from .entities.breaker import Breaker
from .entities.dictionary import Gazetteer
from .entities.extract import EntityExtractor, Source
from .entities.tagger.model import Tagger
from .extending import Extensions, with_entities
from .extension import Context, Extension
from .flow.acts import act_of
from .flow.cues import cues_of
from .intent import Guess, IntentModel, tokens_of
from .intents.accurate import AccurateIntents
from .intents.budget import Budget
from .intents.claims import Claim, Claims, plain
from .intents.hierarchy import Floats, Hierarchy, nearest
from .intents.several import Several
from .intents.spelling import Spelling
from .language import LanguageDetector
from .pack import Pack
from .polarity import VERSION as POLARITY_VERSION
from .polarity import is_urgent, polarity_of
from .wire import Item, Understood

MAX_ANALYSED = 10_000
"""Characters of a text that are looked at (decision 17): what follows is stored, not analysed."""

SURE = 0.97
"""Confidence of the fast tier from which the accurate one is not considered."""

_log = get_logger(__name__)
_SURROGATES = re.compile("[\ud800-\udfff]")
_encode = msgspec.json.Encoder().encode


class Known(Struct):
    """What the batch's common steps found of one text."""

    text: str
    words: list[str]
    spelled: list[str]
    """The words with typing errors mended, for intents."""
    guess: Guess = Guess()
    intents: list[Label] = []
    parent: Guess | None = None
    """What is claimed above the guess, where that is not sure enough itself."""
    tier: str = "fast"
    language: str | None = None
    feels: bool = True
    emotion: Emotion = Emotion()
    entities: list[Entity] = []
    candidates: list[Entity] = []
    failed: list[str] = []
    rested: list[str] = []
    """Layers and extensions that were left out because they had been too slow."""
    extra: dict[str, list[Label]] = {}


class Analyser:
    """Everything loaded. Without a pack: no dictionary entities; without a model: no intents.

    `accurate` is asked where the fast tier is unsure, within `budget` (None: always; for running
    history again and for judging). `gazetteer` is read before a batch where it changed. `counters`
    grows: nanoseconds per part ("intent_ns", "entities_ns", "emotion_ns", "language_ns",
    "encode_ns"), messages of the accurate tier ("accurate"), messages whose emotion was read
    ("felt") and failures per part ("failed_dates"). Not safe for two threads at once.
    """

    def __init__(
        self,
        pack: Pack | None = None,
        model: IntentModel | None = None,
        accurate: AccurateIntents | None = None,
        *,
        tagger: Tagger | None = None,
        several: Several | None = None,
        feelings: FeelingReader | None = None,
        extensions: Sequence[Extension] = (),
        gazetteer: Gazetteer | None = None,
        budget: Budget | None = None,
    ) -> None:
        # Under a budget a slow layer gets a rest; history and judging take as long as they take.
        breaker = Breaker() if budget is not None else None
        self._entities = EntityExtractor(pack, tagger, gazetteer, breaker=breaker)
        self._model = model
        self._accurate = accurate if model is not None else None
        self._several = several
        self._hierarchy = Hierarchy(model.header.labels) if model is not None else None
        self._budget = budget
        self._extensions = Extensions(extensions, limited=budget is not None)
        self._languages = LanguageDetector()
        self._feelings = feelings if feelings is not None else FeelingReader()
        self._language = pack.language if pack is not None else None
        self._claims = Claims(pack)
        self._spelling = Spelling(pack)
        names = [
            f"polarity{POLARITY_VERSION}",
            f"emotion{self._feelings.version}",
            self._languages.version,
        ]
        self._pack_version = f"{pack.name}@{pack.version};" if pack is not None else ""
        if model is not None:
            names.append(f"intent@{model.version}")
        if self._accurate is not None:
            names.append(f"accurate@{self._accurate.version}")
        if several is not None:
            names.append(f"several@{several.version}")
        if self._extensions.version:
            names.append(self._extensions.version)
        self._other_versions = ";".join(names)
        self.version = self._versions()
        self.counters: Counter[str] = Counter()
        self.errors: dict[str, str] = {}
        """The last failure of each part."""

    def analyse(self, items: list[Item]) -> list[Understood]:
        """One result for each item, in the same order."""
        if self._entities.refresh():
            self.version = self._versions()
        began = perf_counter_ns()
        known = []
        for item in items:
            text = item.text[:MAX_ANALYSED]
            words = tokens_of(plain(text))
            mended = self._spelling.mend(words)
            known.append(Known(text, words, mended, failed=[], feels=item.feels))
        self._step("intent", self._classify, known)
        self._step("language", self._detect, known)
        self._step("emotion", self._feel, known)
        self._extract(items, known)
        if len(self._extensions):
            self._extend(items, known)
        share = (perf_counter_ns() - began) // max(1, len(items))
        return [self._one(item, one, share) for item, one in zip(items, known, strict=True)]

    def _step(self, name: str, step: Callable[[list[Known]], None], known: list[Known]) -> None:
        """Runs a step over the batch; if it raises, over each text alone, to find which it was."""
        began = perf_counter_ns()
        try:
            step(known)
        except Exception:
            for one in known:
                try:
                    step([one])
                except Exception as error:
                    _log.exception("understanding_failed", part=name)
                    self.counters[f"failed_{name}"] += 1
                    self.errors[name] = told(error)
                    one.failed.append(name)
        self.counters[f"{name}_ns"] += perf_counter_ns() - began

    def _classify(self, known: list[Known]) -> None:
        if self._several is not None:
            self._classify_several(self._several, known)
            return
        if self._model is None:
            return
        guesses = self._model.classify([one.spelled for one in known])
        for one, guess in zip(known, guesses, strict=True):
            one.guess = guess
        if self._accurate is not None:
            self._ask(self._model, self._accurate, known)
        if self._hierarchy:
            unsure = [
                one
                for one in known
                if one.tier == "fast" and one.words and not self._claims.is_sure(one.guess)
            ]
            if unsure:
                self._climb(unsure, self._model.log_probabilities([one.spelled for one in unsure]))

    def _classify_several(self, several: Several, known: list[Known]) -> None:
        """All intents that reach their thresholds; those of an example are what it was given for,
        with no less than the pack's threshold."""
        asked = [one for one in known if one.words]
        read = several.read([plain(one.text) for one in asked])
        for one, (every, reached) in zip(asked, read, strict=True):
            if given := self._claims.given(one.spelled):
                reached = [
                    Label(label.name, max(label.confidence, self._claims.threshold))
                    for label in every
                    if label.name in given
                ]
            nearest_label = (reached or every)[0]
            one.guess = Guess(nearest_label.name, nearest_label.confidence)
            one.intents = reached

    def _ask(self, model: IntentModel, accurate: AccurateIntents, known: list[Known]) -> None:
        """Asks the accurate tier where the fast one is unsure, as far as the budget goes."""
        unsure = [one for one in known if one.words and one.guess.confidence < SURE]
        if not unsure:
            return
        logs = model.log_probabilities([one.spelled for one in unsure])
        asks = np.flatnonzero(accurate.unsure(logs)).tolist()
        # The least sure first; their text decides between equals, so that order does not.
        asks.sort(key=lambda row: (unsure[row].guess.confidence, unsure[row].text))
        if self._budget is not None:
            asks = asks[: self._budget.grant(len(known), len(asks))]
        if not asks:
            return
        asked = [unsure[row] for row in asks]
        top, sure, blended = accurate.decide([plain(one.text) for one in asked], logs[asks])
        for one, guess in zip(asked, nearest(accurate.labels, top, sure, blended), strict=True):
            one.guess, one.tier = guess, "accurate"
        self.counters["accurate"] += len(asks)
        if self._hierarchy:
            self._climb(asked, blended)

    def _climb(self, known: list[Known], logs: Floats) -> None:
        """Finds the parents of guesses that are not sure enough; `logs` (texts, labels)."""
        if not self._hierarchy:
            return
        parents = self._hierarchy.parents(
            [one.guess for one in known], logs, self._claims.threshold, self._claims.margin
        )
        for one, parent in zip(known, parents, strict=True):
            one.parent = parent

    def _detect(self, known: list[Known]) -> None:
        for one, found in zip(
            known, self._languages.detect([one.text for one in known]), strict=True
        ):
            one.language = found.language

    def _feel(self, known: list[Known]) -> None:
        known = [one for one in known if one.feels]
        if not known:
            return
        feelings = self._feelings.read(
            [one.text for one in known],
            [one.words for one in known],
            [one.language or self._language for one in known],
        )
        for one, feeling in zip(known, feelings, strict=True):
            one.emotion = feeling
        self.counters["felt"] += len(known)

    def _extract(self, items: list[Item], known: list[Known]) -> None:
        began = perf_counter_ns()
        sources = [
            Source(one.text, item.at_us, item.time_zone, item.region, language=one.language)
            for item, one in zip(items, known, strict=True)
        ]
        for one, found in zip(known, self._entities.extract_batch(sources), strict=True):
            one.entities, one.candidates = found.entities, found.candidates
            one.rested = found.rested
            one.failed += found.failed
            for name in found.failed:
                self.counters[f"failed_{name}"] += 1
        self.counters["entities_ns"] += perf_counter_ns() - began

    def _extend(self, items: list[Item], known: list[Known]) -> None:
        """Users' own extractors and classifiers."""
        contexts = [
            Context(item.at_us, item.time_zone, item.region, one.language)
            for item, one in zip(items, known, strict=True)
        ]
        added = self._extensions.run([one.text for one in known], contexts)
        for one, found in zip(known, added, strict=True):
            one.entities, one.candidates = with_entities(
                one.entities, one.candidates, found.entities
            )
            one.extra = found.extra
            one.failed += found.failed
            one.rested = [*one.rested, *found.rested]
        self.counters.update(self._extensions.counters)
        self._extensions.counters.clear()

    def _versions(self) -> str:
        return f"{self._pack_version}entities{self._entities.version};{self._other_versions}"

    def _made_by(self, known: Known) -> str:
        """The versions, and what did not take part in this text."""
        parts = [self.version]
        if known.failed:
            parts.append(f"failed={','.join(known.failed)}")
        if known.rested:
            parts.append(f"rested={','.join(known.rested)}")
        return ";".join(parts)

    def _claim(self, known: Known) -> Claim:
        if self._several is None:
            return self._claims.decide(known.spelled, known.guess, known.parent)
        intent = known.intents[0].name if known.intents else None
        guess = known.guess
        return Claim(intent, guess.intent, guess.confidence, "sure" if intent else "unsure")

    def _one(self, item: Item, known: Known, share: int) -> Understood:
        counters = self.counters
        text, words, failed = known.text, known.words, known.failed
        began = perf_counter_ns()
        try:
            polarity = polarity_of(text, words)
            urgent = is_urgent(text, words)
        except Exception:
            _log.exception("understanding_failed", part="polarity")
            failed.append("polarity")
            counters["failed_polarity"] += 1
            polarity, urgent = 0.0, False
        felt = perf_counter_ns()
        claim = self._claim(known)
        act = act_of(words, polarity)
        understanding = Understanding(
            intent=claim.intent,
            guess=claim.guess,
            confidence=claim.confidence,
            intents=known.intents,
            entities=known.entities,
            candidates=known.candidates,
            polarity=polarity,
            emotion=known.emotion,
            act=act.act,
            language=known.language,
            urgent=urgent,
            tier=known.tier,
            extra=dict(known.extra),
            off=[] if known.feels else [EMOTIONS_OFF],
            model=self._made_by(known),
        )
        try:
            raw = _encode(understanding)
        except UnicodeEncodeError:
            # A lone surrogate has no UTF-8: each becomes U+FFFD, so that offsets stay right.
            known.text = _SURROGATES.sub("\ufffd", text)
            self._extract([item], [known])
            return self._one(item, known, share)
        cues = cues_of(words, understanding, act)
        ended = perf_counter_ns()
        counters["polarity_ns"] += felt - began
        counters["encode_ns"] += ended - felt
        return Understood(
            claim.intent, claim.confidence, urgent, raw, (share + ended - began + 500) // 1000, cues
        )

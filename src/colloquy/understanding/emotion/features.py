"""What the emotion model sees of a text: words, pairs, letter groups, signs, and what came before.

How something is written carries feeling, so more is kept here than the intent model keeps:
exclamation marks, dots, emoticons and emoji are words of their own, and there are marks for a
shouted text and for its length. Features are addressed by CRC-32, as in `..intent`.
"""

from __future__ import annotations

import re
from zlib import crc32

WORD_WEIGHT = 1.0
PAIR_WEIGHT = 0.6
LETTERS_WEIGHT = 0.2
MARK_WEIGHT = 0.5
CONTEXT_WEIGHT = 0.5
"""Length of the vector of what was said before; the text's own has length 1."""
LETTER_GROUPS = (2, 3, 4, 5)
"""Weights and sizes chosen on a part of the training rows of GoEmotions."""
MAX_LETTERS = 40
MAX_WORDS = 256
REACH = 2
"""Utterances before a text that are looked at."""

_TOKEN = re.compile(
    r"\[name\]|\[religion\]"
    r"|(?<![\w:])(?:>?[:=;]['’]?-?[()dpo/|]|<3)(?![\w/])"
    r"|[^\W_]+(?:'[^\W_]+)*|[?!]+|\.{2,}|[\u2600-\u27bf\U0001f300-\U0001faff]"
)
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_MARK = "\x01"
_SHOUTED_WORDS = 3
_WORDS_PER_STEP = 4
_MOST_STEPS = 6


def tokens_of_feeling(text: str) -> list[str]:
    """Words and signs in lower case, then the marks. "sooooo" becomes "soo", "!!!!" "!!"."""
    lower = text.lower().replace("\u2019", "'")
    stretched = _STRETCHED.search(lower) is not None
    tokens = []
    for token in _TOKEN.findall(lower)[:MAX_WORDS]:
        if token[0] in "?!.":
            token = token[:2]
        elif token.isdigit():
            token = "0"
        elif stretched and len(token) > 3:
            token = _STRETCHED.sub(r"\1\1", token)
        tokens.append(token)
    if not tokens:
        return tokens
    steps = min(_MOST_STEPS, len(tokens) // _WORDS_PER_STEP)
    tokens.append(f"{_MARK}length{steps}")
    if not text.islower():
        upper = list(filter(str.isupper, text.split()))
        if len(upper) >= _SHOUTED_WORDS and sum(len(word) > 2 for word in upper) >= _SHOUTED_WORDS:
            tokens.append(f"{_MARK}shouted")
    return tokens


def is_mark(token: str) -> bool:
    """Is it about the whole text? Marks have no letters and no neighbours."""
    return token.startswith(_MARK)


def token_features(token: str) -> tuple[list[int], list[float]]:
    """Keys and factors of a token and of the letter groups in it."""
    if is_mark(token):
        return [crc32(b"m" + _bytes(token))], [MARK_WEIGHT]
    keys = [crc32(b"w" + _bytes(token))]
    factors = [WORD_WEIGHT]
    if token[0].isalpha():
        framed = f"<{token[:MAX_LETTERS]}>"
        for size in LETTER_GROUPS:
            groups = [framed[at : at + size] for at in range(len(framed) - size + 1)]
            keys += [crc32(b"c" + _bytes(group)) for group in groups]
            factors += [LETTERS_WEIGHT] * len(groups)
    return keys, factors


def pair_key(first: str, second: str) -> int:
    """The key of two neighbouring tokens; "^" and "$" stand for the ends of the text."""
    return crc32(b"b" + _bytes(first) + b" " + _bytes(second))


def context_key(token: str, distance: int, same: bool) -> int:
    """The key of a token said `distance` utterances before, by the same speaker or another."""
    return crc32(f"p{distance}{'s' if same else 'o'}".encode() + _bytes(token))


def pairs_of(tokens: list[str]) -> list[tuple[str, str]]:
    """Neighbouring tokens, marks left out."""
    end = len(tokens)
    while end and is_mark(tokens[end - 1]):
        end -= 1  # marks stand last
    words = tokens[:end]
    return list(zip(["^", *words], [*words, "$"], strict=True)) if words else []


def text_features(tokens: list[str]) -> tuple[list[int], list[float]]:
    """All features of a text, one entry for each occurrence."""
    keys: list[int] = []
    factors: list[float] = []
    for token in tokens:
        token_keys, token_factors = token_features(token)
        keys += token_keys
        factors += token_factors
    pairs = [pair_key(*pair) for pair in pairs_of(tokens)]
    return keys + pairs, factors + [PAIR_WEIGHT] * len(pairs)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

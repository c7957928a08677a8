"""Polarity (-1 to 1) and urgency of a text, by a small lexicon and rules of our own, for English.

Each word of the lexicon has a strength from -3 to 3. A negation among the three words before turns
it round and weakens it, an intensifier next to it strengthens or weakens it, and after "but" a word
counts more than before. Emoji count `EMOJI_WEIGHT` times as much as words. The sum s becomes
tanh(s / `SCALE`), with exclamation marks adding up to a third: 0 is neutral, one plain "good" about
0.4, one "love" about 0.6.

Irony, comparison ("better than the last one, which was awful") and languages other than English are
beyond it.
"""

from __future__ import annotations

import re
from math import tanh

VERSION = "1"
EMOJI_WEIGHT = 1.5
"""An emoji is put there to say how something is meant; the reference plan's figure."""
SCALE = 4.0
NEGATED = -0.7
"""A negated word: "not good" is bad, but less bad than "bad" is."""
BEFORE_BUT, AFTER_BUT = 0.5, 1.4


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _lexicon() -> dict[str, float]:
    strengths = {
        3.0: "love loved loves loving amazing awesome excellent fantastic perfect perfectly "
        "wonderful brilliant outstanding superb delighted thrilled ecstatic best incredible "
        "magnificent phenomenal adore adored",
        2.0: "great happy glad good beautiful lovely enjoy enjoyed enjoying pleased nice excited "
        "helpful impressed impressive gorgeous friendly grateful recommend satisfied thankful "
        "super stunning kind generous delightful charming fabulous yay wow quick comfortable "
        "comfy better spacious hero legend",
        1.5: "thanks thank thx ty appreciate appreciated like liked likes clean cool fine safe fun "
        "sweet easy cozy cosy bright quiet reliable polite smooth interested neat welcome "
        "pleasant pleasure affordable reasonable modern fast cheers hope hopeful yes smile "
        "lol haha works worked solved fixed resolved",
        1.0: "ok okay sure interesting decent convenient clear ready useful correct relief "
        "relieved calm worth handy fair win",
        -1.0: "unfortunately unsure expensive small wait waiting slow confused confusing problem "
        "problems issue issues sorry noisy loud old late delay delayed difficult hard missing "
        "concern concerned doubt leak leaking leaks noise overpriced unclear costly boring "
        "lost busy miss missed alone sick tired stuck mistake error errors strange weird dark",
        -2.0: "bad worried sad unhappy upset dirty broken angry annoyed annoying anxious "
        "frustrating frustrated disappointed disappointing disappointment fail failed fails "
        "failing failure rude poor wrong ugly unacceptable ridiculous complaint complain "
        "complaining mold mould damp cockroach cockroaches roach roaches rats mice bedbugs "
        "infested unsafe scared afraid stress stressed stressful ignored ignoring "
        "unprofessional useless refuse refused unfair mess smelly stinks smell nightmare lied "
        "lying lie fed nasty cry crying hurt pain painful cheated waste wasted regret "
        "dangerous crap sucks suck damn worse lousy stupid",
        -3.0: "hate hated hates terrible awful horrible worst disgusting pathetic scam scammed "
        "fraud furious outrageous atrocious appalling disgrace disgraceful dreadful livid "
        "thief thieves liar liars garbage rubbish wtf bullshit shit fuck fucking unbearable "
        "miserable idiot idiots",
    }
    return {word: strength for strength, words in strengths.items() for word in words.split()}


def _emoji() -> dict[str, float]:
    strengths = {
        3.0: "😍🥰😻💖💯🤩❤💕💗💘🎉🥳",
        2.0: "😀😃😄😁😊☺🙂😎🤗👍👏🙌💪✨😘😂🤣😆😋🔥🌟⭐💙💚💛💜🧡🖤🤍✅👌🙏😇😸",
        1.0: "😉😌🤝👋😅🤞😏",
        -1.0: "😐😑😕🙁☹😬🤔😓😥😟🙄😶😪🥱",
        -2.0: "😞😔😢😒😰😨😧😦😖😣😩😫👎💔😿😷🤒🥺❌😱😳",
        -3.0: "😡😠🤬😭🤮🤢👿😤💩🖕",
    }
    return {symbol: strength for strength, symbols in strengths.items() for symbol in symbols}


LEXICON = _lexicon()
EMOJI = _emoji()
_EMOTICONS = {
    ":)": 2.0, ":-)": 2.0, ":d": 2.5, ":-d": 2.5, ";)": 1.5, ";-)": 1.5, "<3": 3.0, "=)": 2.0,
    ":(": -2.0, ":-(": -2.0, ":'(": -2.5, ">:(": -3.0, ":/": -1.0, ":-/": -1.0, "=(": -2.0,
}  # fmt: skip
NEGATIONS = _words(
    "not no never none nobody nothing neither nor hardly barely without cannot cant can't dont "
    "don't doesnt doesn't didnt didn't isnt isn't wasnt wasn't arent aren't werent weren't wont "
    "won't wouldnt wouldn't couldnt couldn't shouldnt shouldn't havent haven't hasnt hasn't "
    "hadnt hadn't aint ain't"
)
INTENSIFIERS = {
    word: factor
    for factor, words in {
        1.5: "extremely absolutely incredibly insanely totally completely utterly fucking so damn",
        1.3: "very really super truly quite too such highly deeply especially much",
        0.6: "slightly somewhat bit little fairly kinda kind mildly partly almost rather sorta",
    }.items()
    for word in words.split()
}
_BUT = frozenset({"but", "however", "although", "though"})
_REACH = 3
"""Words that a negation reaches over: "not a very good flat"."""
_MOST_WORDS = 512
_EMOTICON = re.compile(r"(?<![\w:])(?:>?[:=;]['’]?-?[()dD/]|<3)(?![\w/])")

_URGENT_WORDS = _words("urgent urgently asap emergency immediately immediate desperate sos")
_URGENT_PHRASES = re.compile(
    r"\b(?:right (?:now|away)|as soon as possible|at once|straight ?away|life or death"
    r"|can(?:'|’)?t wait|cannot wait|time[- ]sensitive|gas leak|smells? (?:of|like) gas|burst pipe"
    r"|pipe (?:has )?burst|flooding|flooded|on fire|locked out|carbon monoxide"
    r"|call (?:911|112|999))\b",
    re.IGNORECASE,
)
_PHRASE_WORDS = _words(
    "right soon once straight straightaway life wait time sensitive gas pipe flooding flooded fire "
    "locked carbon call"
)
"""Each phrase has one of these: a text without them is not searched."""
_CALM = re.compile(
    r"\b(?:(?:not|n['’]t|nothing|no|never|isnt|non)[ -](?:\w+ ){0,2}?(?:urgent(?:ly)?|an? emergency"
    r"|emergency|asap|immediate(?:ly)?|right (?:now|away))|no (?:rush|hurry)"
    r"|emergency (?:contact|exit|exits|stairs|fund|number)|can(?:'|’)?t wait (?:to|for)"
    r"|cannot wait (?:to|for))\b",
    re.IGNORECASE,
)
_SHOUTED_SHARE = 0.8
_SHOUTED_WORDS = 3
_LETTERS = re.compile(r"[^\W\d_]+")


def polarity_of(text: str, words: list[str]) -> float:
    """From -1 (bad) to 1 (good); `words` are the text's `intent.tokens_of`. Two decimals."""
    total = 0.0
    if not LEXICON.keys().isdisjoint(words):
        total = _words_sum(words[:_MOST_WORDS])
    if not text.isascii():
        total += EMOJI_WEIGHT * sum(EMOJI[symbol] for symbol in text if symbol in EMOJI)
    total += EMOJI_WEIGHT * sum(emoticons_of(text))
    if total == 0.0:
        return 0.0
    loud = min(3, text.count("!"))
    return round(tanh(total * (1 + loud / 9) / SCALE), 2)


def emoticons_of(text: str) -> list[float]:
    """The strength (-3 to 3) of each emoticon in the text."""
    if not (":" in text or "=" in text or ";" in text or "<3" in text):
        return []
    found = (one.lower().replace("’", "'") for one in _EMOTICON.findall(text))
    return [_EMOTICONS[one] for one in found if one in _EMOTICONS]


def _words_sum(words: list[str]) -> float:
    total = 0.0
    for index, word in enumerate(words):
        if word in _BUT:
            total *= BEFORE_BUT
            continue
        strength = LEXICON.get(word)
        if strength is None:
            continue
        before = words[max(0, index - _REACH) : index]
        if before:
            factor = INTENSIFIERS.get(before[-1])
            if factor is not None:
                strength *= factor
            if not NEGATIONS.isdisjoint(before):
                strength *= NEGATED
        total += strength
    if not _BUT.isdisjoint(words):
        total *= AFTER_BUT
    return total


def is_urgent(text: str, words: list[str]) -> bool:
    """Does it ask to be handled before others: said outright, an emergency, or shouted?"""
    said = not _URGENT_WORDS.isdisjoint(words)
    if not said and not _PHRASE_WORDS.isdisjoint(words):
        said = _URGENT_PHRASES.search(text) is not None
    if said:
        calm = _CALM.search(text)
        if calm is None:
            return True
        rest = text[: calm.start()] + text[calm.end() :]
        remaining = {word.lower() for word in _LETTERS.findall(rest)}
        return not _URGENT_WORDS.isdisjoint(remaining) or _URGENT_PHRASES.search(rest) is not None
    return "!!" in text and _is_shouted(text)


def _is_shouted(text: str) -> bool:
    found = _LETTERS.findall(text)
    if len(found) < _SHOUTED_WORDS:
        return False
    letters = "".join(found)
    return sum(map(str.isupper, letters)) >= _SHOUTED_SHARE * len(letters)

"""Content words: a light stemmer and a short list of function words, for en, de, fr, es and it.

Both serve comparison only: two forms of a word should become the same stem; that the stem is a word
of the language is not needed. Nothing here knows the language of a text: messages of ten words do
not tell it surely, and a conversation may mix two.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

LONGEST_STEM = 8
"""Letters: what follows is mostly ending. Cutting words is a light stemmer that does well in many
languages (McNamee and Mayfield, 2004)."""
SHORTEST_STEM = 3
_CACHED = 32_768

_ENGLISH = (
    "a an the this that these those it its he she they them his her their my mine your yours "
    "our ours we us me him i you am is are was were be been being do does did done doing have "
    "has had having can could will would shall should may might must not no nor and or but if "
    "then than so because as of at by for with about into through to from in on off up down out "
    "over again once here there when where why how what which who whom whose all any both each "
    "few more most other some such only own same too very just also still even ever yet now get "
    "got gets getting go goes going went let lets like one ones im ive id ill youre youve dont "
    "doesnt didnt isnt arent wasnt werent cant couldnt wont wouldnt thats whats theres hes shes "
    "were weve theyre n't 's 'm yes yeah yep ok okay oh well please thanks thank hello hi hey "
    "bye sure really much many lot lots bit thing things something anything nothing someone "
    "anyone want wanted wants need needed needs know think say said tell make made way back "
    "good great nice s t m re ve ll d"
)
_GERMAN = (
    "der die das den dem des ein eine einen einem einer eines und oder aber nicht kein keine "
    "ich du er sie es wir ihr mich dich uns euch ihm ihnen mir dir mein meine dein deine unser "
    "ist sind bin bist war waren wird werden wurde habe hat haben hatte hatten kann kannst "
    "können könnte muss müssen soll will wollen möchte mit von zu zum zur auf aus bei nach über "
    "unter für gegen um im am in an als wie was wer wo wann warum wenn weil dass ob auch noch "
    "schon nur sehr so mehr hier da dann doch mal ja nein bitte danke hallo gut etwas nichts "
    "alle diese dieser dieses"
)
_FRENCH = (
    "le la les l un une des du de d et ou mais ne pas je tu il elle on nous vous ils elles me "
    "te se moi toi lui leur mon ma mes ton ta tes sa ses notre votre vos est sont suis êtes "
    "était étaient être ai as a avons avez ont avoir avait fait faire peut peux pouvez dans sur "
    "sous avec sans pour par chez en au aux que qui quoi dont où quand comment pourquoi si ce "
    "cet cette ces ça cela c j qu n m y très plus moins aussi bien oui non merci bonjour salut "
    "svp"
)
_SPANISH = (
    "el la los las un una unos unas y o pero no yo tú él ella nosotros ustedes ellos ellas me "
    "te se nos lo le les mi mis tu tus su sus es son soy eres era eran ser está están estoy "
    "estar he ha han hay haber tengo tiene tener puede puedo puedes con sin por para de del al "
    "a en sobre entre que qué quien quién cual cuál donde dónde cuando cuándo cómo porque si sí "
    "este esta estos estas ese esa eso muy más menos también ya aquí gracias hola bueno favor"
)
_ITALIAN = (
    "il lo la i gli le un uno una e o ma non io tu lui lei noi voi loro mi ti si ci vi mio mia "
    "tuo tua suo sua è sono sei siamo siete era erano essere ho hai ha abbiamo avete hanno "
    "avere può posso puoi con senza per da di del della dei delle al alla ai alle in nel nella "
    "su sul sulla che chi cosa dove quando perché se questo questa questi queste quello quella "
    "molto più meno anche già qui grazie ciao buongiorno sì"
)

# Longest first; each is taken off once, where enough of the word remains.
_ENDINGS = (
    "ungen", "ments", "ement", "ation", "ungs", "ment", "ness", "ando", "endo", "ung", "ing",
    "ern", "est", "ado", "ada", "ido", "ida", "ato", "ata", "ied", "ie", "ed", "en", "er",
    "es", "ly", "ez", "ar", "ir", "as", "os", "is", "e", "s", "a", "o", "i", "y",
)  # fmt: skip


def fold(word: str) -> str:
    """In lower case, without accents; "ß" becomes "ss"."""
    if word.isascii():
        return word.lower()
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def listed(words: str) -> frozenset[str]:
    """Words written one after the other, as `fold` leaves them."""
    return frozenset(fold(word) for word in words.split())


FUNCTION_WORDS = frozenset(
    fold(word)
    for words in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN)
    for word in words.replace("'", "").split()
)
"""Without accents."""


@lru_cache(_CACHED)
def stem(word: str) -> str:
    """The stem of one word (letters and digits, any case); "" for a function word.

    Words with a digit stay whole: they are numbers and references.
    """
    word = fold(word).replace("'", "")
    if word in FUNCTION_WORDS:
        return ""
    if not word.isalpha():
        return word
    if len(word) > SHORTEST_STEM and word[-1] == "s" and word[-2] != "s":
        # A plural, in four of the five languages.
        word = word[:-1]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    if len(word) > SHORTEST_STEM and word[-1] == word[-2]:
        # "planned" and "plan".
        word = word[:-1]
    return word[:LONGEST_STEM]

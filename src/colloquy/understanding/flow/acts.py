"""The dialogue act of a message, and whether it asks something: weighted words, no trained model.

Every act collects the weights of the words and word pairs that speak for it; words at the beginning
count as what the message opens with. The heaviest act wins; `PRIOR` is what "inform" has to begin
with, so a text without evidence informs. English, German, French, Spanish and Italian.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from ...model.understanding import ACTS
from .words import fold, listed

PRIOR = 1.0
OPENING = 2
"""Words at the start that count as the opening."""
MAX_WORDS = 64
"""Words that are looked at: what a message is for is said early or at its end."""
COMPLAINS_BELOW = -0.5
"""Polarity from which a message complains rather than informs."""

_INFORM, _QUESTION, _REQUEST, _CONFIRM, _REJECT, _GREET, _THANK, _BYE, _SORRY, _COMPLAIN = range(
    len(ACTS)
)
_ASKS = 2.4
_SOCIAL = frozenset({_GREET, _THANK, _BYE, _CONFIRM, _REJECT, _SORRY})


class Act(Struct, frozen=True):
    """The act (one of `ACTS`), and whether the text holds a question."""

    act: str
    asks: bool


_Evidence = dict[str, tuple[int, float]]


def _evidence(*entries: tuple[int, float, str]) -> _Evidence:
    return {
        fold(term).strip(): (act, weight)
        for act, weight, terms in entries
        for term in terms.split(",")
    }


_FIRST = _evidence(
    (_CONFIRM, 2.2, "yes,yeah,yep,yup,ok,okay,sure,correct,right,exactly,agreed,fine,perfect,deal"),
    (
        _CONFIRM,
        2.2,
        "ja,jawohl,genau,stimmt,oui,ouais,sí,claro,vale,exacto,sì,certo,esatto,bien sur",
    ),
    (_REJECT, 2.2, "no,nope,nah,never,nein,nee,non,nunca,mai"),
    (
        _GREET,
        2.0,
        "hi,hello,hey,hallo,servus,moin,bonjour,salut,bonsoir,hola,ciao,buongiorno,salve",
    ),
    (_SORRY, 1.8, "sorry,apologies,pardon,entschuldigung,sorri,desole,perdon,scusi,scusa,oops"),
    (_REQUEST, 1.9, "send,give,show,book,cancel,call,change,help,find,check,reserve,order,tell"),
    (_REQUEST, 1.9, "add,remove,delete,update,schedule,arrange,play,set,turn,open,close,remind"),
    (_REQUEST, 1.9, "schick,schicken,sende,zeig,buche,storniere,ruf,hilf,envoyez,donnez,montrez"),
    (
        _REQUEST,
        1.9,
        "reservez,annulez,aidez,envia,envie,reserva,cancela,ayuda,manda,prenota,aiutami",
    ),
    (_REQUEST, 1.6, "please,bitte"),
)
_ANYWHERE = _evidence(
    (_THANK, 2.0, "thanks,thank,thx,danke,dankeschön,merci,gracias,grazie,cheers"),
    (_BYE, 2.1, "bye,goodbye,tschüss,tschüß,adieu,adiós,arrivederci,ciaociao"),
    (_REQUEST, 1.5, "möchte,brauche,voudrais,aimerais,quiero,quisiera,necesito,vorrei,bisogno"),
    (_REQUEST, 1.1, "please,pls,plz,bitte,svp,kindly"),
    (_SORRY, 1.2, "apologize,apologise,apologies,entschuldige,excusez,disculpe"),
    (_COMPLAIN, 1.4, "broken,unacceptable,terrible,awful,horrible,worst,complaint,complain,refund"),
    (_COMPLAIN, 1.4, "ridiculous,useless,annoying,kaputt,beschwerde,unverschämt,furchtbar,cassé"),
    (_COMPLAIN, 1.4, "inadmissible,roto,queja,pésimo,inaceptable,rotto,reclamo,inaccettabile"),
)
_PAIRS = _evidence(
    (_GREET, 2.0, "good morning,good evening,good afternoon,guten morgen,guten tag,guten abend"),
    (_GREET, 2.0, "buenos días,buenas tardes,buona sera,grüß gott"),
    (_BYE, 2.2, "see you,take care,good night,good bye,auf wiedersehen,bis bald,bis dann"),
    (_BYE, 2.2, "au revoir,hasta luego,a presto,a bientôt,nice day,talk soon"),
    (_REQUEST, 2.7, "can you,could you,would you,will you,können sie,könnten sie,kannst du"),
    (_REQUEST, 2.7, "pouvez vous,pourriez vous,peux tu,puede usted,podría usted,puedes enviar"),
    (_REQUEST, 2.0, "i want,i need,i'd like,would like,ich möchte,ich brauche,ich will,je veux"),
    (_REQUEST, 2.0, "je voudrais,j'aimerais bien,quiero un,quiero una,necesito un,necesito una"),
    (_REQUEST, 2.0, "vorrei un,vorrei una,ho bisogno,i wanna,let me,looking for,may i,can i"),
    (
        _CONFIRM,
        2.2,
        "sounds good,that's right,that works,of course,all right,go ahead,d'accord oui",
    ),
    (_REJECT, 2.0, "not interested,don't want,no thanks,do not,no way,kein interesse,lieber nicht"),
    (_COMPLAIN, 1.5, "not working,doesn't work,didn't work,still waiting,still not,still no"),
    (_COMPLAIN, 1.5, "never again,no one,nobody answers,not happy,funktioniert nicht,immer noch"),
    (_COMPLAIN, 1.5, "marche pas,no funciona,non funziona,toujours pas,sigue sin,ancora niente"),
    (_SORRY, 1.9, "i'm sorry,so sorry,my bad,my apologies,tut mir,es tut,je m'excuse,lo siento"),
)
_ASKERS = listed(
    "what when where who whom whose why how which what's where's who's when's how's wann wo "
    "wer warum wieso wie welche welcher welches wieviel woher wohin quel quelle quels quelles "
    "quand où comment pourquoi combien qué cuándo dónde cómo cuál cuáles cuánto cuánta "
    "cuántos quando dove perché quale quali quanto quanta quanti gibt"
)
_INVERTED = listed(
    "is are was were am do does did can could will would should shall may might have has had "
    "isn't aren't don't doesn't didn't can't couldn't won't ist sind kann konnen hat haben "
    "wird"
)
_SUBJECTS = listed(
    "i you he she it we they there this that these those the a an my your his her our their "
    "any anyone anybody someone es er sie ich du wir ihr das die der ein eine man"
)


def asks(words: Sequence[str]) -> bool:
    """Whether these words (`intent.tokens_of`) hold a question: by a mark, or as they are put."""
    if "?" in words:
        return True
    start = 0
    while (
        start < len(words) and start < OPENING and _FIRST.get(words[start], (0, 0.0))[0] in _SOCIAL
    ):
        start += 1
    if start >= len(words):
        return False
    first = words[start]
    if first in _ASKERS:
        # "When I called, nobody answered" tells something.
        return not (first in ("when", "where", "how") and _tells(words, start))
    follows = words[start + 1] if start + 1 < len(words) else ""
    if first == "have":
        # "Have a nice day" is none.
        return follows in ("you", "i", "we", "they")
    return first in _INVERTED and follows in _SUBJECTS


def _tells(words: Sequence[str], start: int) -> bool:
    return start + 1 < len(words) and words[start + 1] in ("i", "we", "he", "she", "they")


_BY_PAIR = {tuple(pair.split(" ")): found for pair, found in _PAIRS.items()}


def act_of(words: Sequence[str], polarity: float = 0.0) -> Act:
    """The act of a text by its `intent.tokens_of` and its polarity."""
    if not all(map(str.isascii, words)):
        words = [word if word.isascii() else fold(word) for word in words]
    question = asks(words)
    if len(words) > MAX_WORDS:
        words = [*words[: MAX_WORDS // 2], *words[-MAX_WORDS // 2 :]]
    weights = [0.0] * len(ACTS)
    weights[_INFORM] = PRIOR
    for word in words[:OPENING]:
        found = _FIRST.get(word)
        if found is not None:
            weights[found[0]] += found[1]
    for word in words:
        found = _ANYWHERE.get(word)
        if found is not None:
            weights[found[0]] += found[1]
    for pair in pairwise(words):
        found = _BY_PAIR.get(pair)
        if found is not None:
            weights[found[0]] += found[1]
    if question:
        weights[_QUESTION] += _ASKS
    if polarity <= COMPLAINS_BELOW:
        weights[_COMPLAIN] += 1.2
    best = max(range(len(weights)), key=weights.__getitem__)
    if best == _GREET and len(words) > 6 and weights[_REQUEST] + weights[_COMPLAIN] >= PRIOR:
        # A greeting in front of something that is wanted.
        best = _REQUEST if weights[_REQUEST] >= weights[_COMPLAIN] else _COMPLAIN
    return Act(ACTS[best], question)


def acts_of(texts: Sequence[Sequence[str]], polarities: Sequence[float] | None = None) -> list[Act]:
    """The acts of many texts; each is found as if it were alone."""
    moods = polarities if polarities is not None else [0.0] * len(texts)
    return [act_of(words, mood) for words, mood in zip(texts, moods, strict=True)]

"""A kind word before a text that somebody wrote long before: templates and fallbacks.

What a handler or a model says is left alone: they know the manner and write accordingly. An
opening is taken only where a feeling is answered, in the language of the message, another one each
time; a text that opens by itself ("Sorry, …") gets none.
"""

from __future__ import annotations

import re
from typing import Final

OPENINGS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "en": {
        "empathetic": ("I see how tiresome this is.", "I understand, that is not pleasant."),
        "apologetic": ("I am sorry about that.", "I am sorry for the trouble."),
        "calm": ("Let us look at it calmly.", "One step at a time."),
        "encouraging": ("No problem, we will get there.", "That is easily sorted out."),
        "celebratory": ("How nice!", "Wonderful!"),
    },
    "de": {
        "empathetic": ("Ich sehe, wie mühsam das ist.", "Ich verstehe, das ist nicht schön."),
        "apologetic": ("Das tut mir leid.", "Bitte entschuldigen Sie die Umstände."),
        "calm": ("Sehen wir es uns in Ruhe an.", "Eins nach dem anderen."),
        "encouraging": ("Kein Problem, das bekommen wir hin.", "Das lässt sich leicht klären."),
        "celebratory": ("Wie schön!", "Wunderbar!"),
    },
    "fr": {
        "empathetic": ("Je vois que c'est pénible.", "Je comprends, ce n'est pas agréable."),
        "apologetic": ("J'en suis désolé.", "Désolé pour ce désagrément."),
        "calm": ("Regardons cela calmement.", "Une chose après l'autre."),
        "encouraging": ("Pas de souci, on va y arriver.", "Cela s'arrange facilement."),
        "celebratory": ("Quelle bonne nouvelle !", "Magnifique !"),
    },
    "es": {
        "empathetic": ("Veo que es muy pesado.", "Lo entiendo, no es agradable."),
        "apologetic": ("Lo siento mucho.", "Disculpe las molestias."),
        "calm": ("Veámoslo con calma.", "Vayamos paso a paso."),
        "encouraging": ("No hay problema, lo lograremos.", "Eso se arregla fácilmente."),
        "celebratory": ("¡Qué bien!", "¡Estupendo!"),
    },
    "it": {
        "empathetic": ("Vedo quanto è faticoso.", "Capisco, non è piacevole."),
        "apologetic": ("Mi dispiace.", "Mi scuso per il disagio."),
        "calm": ("Guardiamo con calma.", "Una cosa alla volta."),
        "encouraging": ("Nessun problema, ce la faremo.", "Si risolve facilmente."),
        "celebratory": ("Che bello!", "Splendido!"),
    },
}
"""By language and tone. The other tones open with nothing."""

_OPENS_ALREADY = re.compile(
    r"(?:i(?: a|')?m |we(?: a|')?re )?(?:so |very |really )?"
    r"(?:sorry|apolog|thank|great|congrat|wonderful|entschuldig|tut mir|leider|danke|désolé|merci|"
    r"lo siento|disculp|gracias|mi dispiace|scus|grazie)",
    re.IGNORECASE,
)


def opened(text: str, tone: str, language: str | None, turn: int) -> str:
    """`text` with an opening for the tone, if there is one; `turn` rotates through them.

    A language that is not known here is left alone rather than mixed with English.
    """
    openings = OPENINGS.get(language or "en", {}).get(tone)
    if not openings or not text or _OPENS_ALREADY.match(text.lstrip("¡ ")):
        return text
    return f"{openings[turn % len(openings)]} {text}"

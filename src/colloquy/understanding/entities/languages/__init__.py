"""The languages whose times, durations and counts are read beside English."""

from __future__ import annotations

from .de import GERMAN
from .en import ENGLISH
from .es import SPANISH
from .fr import FRENCH
from .it import ITALIAN
from .lexicon import Lexicon, fold, named, numbered, pattern_of
from .pt import PORTUGUESE

FOREIGN = {one.code: one for one in (GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE)}
LEXICONS = {ENGLISH.code: ENGLISH, **FOREIGN}
"""By ISO 639-1."""

__all__ = ["ENGLISH", "FOREIGN", "LEXICONS", "Lexicon", "fold", "named", "numbered", "pattern_of"]

"""Admission: what of a conversation may enter the graph at all.

Junk is refused before it costs a write, each time for a reason that is counted: what people did not
say themselves (history, quotes, what was recalled to them), secrets, texts that mean nothing alone.
What is known already is no junk, but costs no write either: `Known` remembers it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from ..privacy.masking import mask

FOREIGN_ORIGINS = frozenset({"recalled", "quoted", "reply", "assistant", "import", "export"})
"""Values of a message's metadata `origin` that say: these words are not new."""

_STOP_WORDS = (
    "a an and any anybody anyone anything at both can do does each everybody everyone "
    "everything for from he her here hers him his how i if in is it its just me mine my no nobody "
    "none nothing not of ok okay on one or other our ours please she some somebody someone "
    "something thanks that the their theirs them there these they thing this those to us we "
    "what when where which who why with yes you your yours "
    "aber als auch das der die ein eine er es ich ihr ja man mein nein nicht oder sie und wir "
    "avec ce elle est et il je la le les moi mon non nous oui que qui toi tu un une vous "
    "como el ella esta este los mi nosotros por que si su una uno usted y yo "
    "che come con io lei lo lui noi per questo sono suo tu voi "
    "ela ele eles esse eu isso meu nos para sim uma voce você"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words of six languages that name nothing alone."""

_THROW_AWAY = (
    "10minutemail.com 20minutemail.com dispostable.com emailondeck.com fakeinbox.com "
    "getairmail.com getnada.com grr.la guerrillamail.com guerrillamail.info inboxkitten.com "
    "mail-temp.com mailcatch.com maildrop.cc mailinator.com mailnesia.com mintemail.com "
    "mohmal.com mytemp.email sharklasers.com spam4.me spamgourmet.com temp-mail.org "
    "tempmail.com throwawaymail.com trashmail.com yopmail.com"
)
THROW_AWAY = frozenset(_THROW_AWAY.split())
"""Domains whose addresses are meant to be forgotten."""

_RESERVED = (".example", ".invalid", ".localhost", ".test")
"""Top-level domains that reach nobody (RFC 2606)."""
_NO_REPLY = re.compile(r"(?:no|do-?not)[-_.]?reply|mailer-daemon|postmaster", re.IGNORECASE)
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")

_KEYS = re.compile(
    r"(?:\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{16,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bA(?:KIA|SIA)[A-Z0-9]{12,}|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY|\bwhsec_[A-Za-z0-9+/=]{16,}"
    r"|\b[Bb]earer\s+[\w.~+/-]{16,})"
)
"""Keys and tokens as the services that give them out publish their forms."""
_LONG_RUN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
_SECRET_GATE = ("pass", "pwd", "pin", "secret", "token", "key", "kennwort", "contrase", "senha",
                "code", "cvv", "cvc")  # fmt: skip
_SECRET_SAID = re.compile(
    r"\b(?:pass\s?(?:words?|phrase|code|wort|e)|pwd|pin(?:\s?(?:code|number|nummer))?|kennwort"
    r"|mot de passe|contraseña|senha|secret|(?:api|access|private|secret)[\s_-]?(?:key|token)"
    r"|token|cvv|cvc|(?:security|verification)\s?code)\b"
    r"\s*(?:is|are|was|ist|lautet|est|es|è|é|:|=)\s*\S",
    re.IGNORECASE,
)
SECRET_NAMES = re.compile(
    r"passw|passphrase|kennwort|secret|token|(?:^|_)(?:pin|key|cvv|cvc|iban|ssn)(?:$|_)|api_?key"
    r"|card|account_number|verification|one_time|otp",
    re.IGNORECASE,
)
"""Slots that ask for a secret, by their names."""
SECRET_LABELS = frozenset({"card", "iban", "us_ssn", "national_id", "password", "ip_address"})
"""Entities that are secrets, or point at one machine of somebody's."""

_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_QUOTED_REST = re.compile(
    r"^(?:-{2,} ?original message ?-{2,}|-{2,} ?forwarded message ?-{2,}|on .{4,80} wrote:"
    r"|am .{4,80} schrieb .{1,80}:|le .{4,80} a écrit ?:|el .{4,80} escribió:)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_WORDS = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


class Limits(Struct, frozen=True, kw_only=True):
    """Lengths in characters; confidence from 0 to 1."""

    min_confidence: float = 0.5
    min_length: int = 2
    max_length: int = 120

    def refusal(self, text: str, confidence: float = 1.0) -> str | None:
        """Why a text, a name above all, is not learned; None if it may be."""
        if confidence < self.min_confidence:
            return "unsure"
        if len(text) > self.max_length:
            return "too_long"
        if len(text) < self.min_length:
            return "too_short"
        return text_refusal(text)


@lru_cache(maxsize=8192)
def text_refusal(text: str) -> str | None:
    """Why a text says nothing, or too much, whatever its length."""
    if is_secret(text) or mask(text) != text:
        return "secret"
    if not any(character.isalpha() for character in text):
        return "bare_number"
    words = _WORDS.findall(text.casefold())
    if all(word in STOP_WORDS for word in words):
        return "stop_word"
    return None


def is_secret(text: str) -> bool:
    """Whether it looks like a key or token: a known form, or a long run of mixed characters."""
    return next(key_spans(text), None) is not None


def key_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where keys and tokens stand, those of a known form first."""
    for found in _KEYS.finditer(text):
        yield found.span()
    for run in _LONG_RUN.finditer(text):
        if _is_mixed(run[0]):
            yield run.span()


def tells_secret(text: str, folded: str) -> bool:
    """Whether a message gives away a password or the like; `folded` is it in lower case."""
    return holds_any(folded, _SECRET_GATE) and _SECRET_SAID.search(text) is not None


def secrets_told(text: str, folded: str) -> Iterator[int]:
    """Where each thing begins that is called a password or the like: "…word: hunter2" at the h."""
    if holds_any(folded, _SECRET_GATE):
        for found in _SECRET_SAID.finditer(text):
            yield found.end() - 1


def holds_any(text: str, parts: Iterable[str]) -> bool:
    """Whether one of the parts is in the text; a loop, because it is run for every message."""
    for part in parts:  # noqa: SIM110
        if part in text:
            return True
    return False


def contact_refusal(medium: str, value: str) -> str | None:
    """Why nobody is reached there for good; None for a number or address that may be kept."""
    if medium in ("phone", "whatsapp"):
        return None if _E164.fullmatch(value) else "no_contact"
    if medium != "email":
        return None
    if not _ADDRESS.fullmatch(value):
        return "no_contact"
    name, _, domain = value.rpartition("@")
    domain = domain.lower()
    parents = {domain, ".".join(domain.split(".")[-2:])}
    if parents & THROW_AWAY or domain.endswith(_RESERVED) or _NO_REPLY.search(name):
        return "throw_away"
    return None


def origin_refusal(metadata: Mapping[str, Any]) -> str | None:
    """`recalled` where a message says that its words were there before."""
    origin = metadata.get("origin")
    return "recalled" if isinstance(origin, str) and origin in FOREIGN_ORIGINS else None


def quoted_spans(text: str) -> list[tuple[int, int]]:
    """Where a text repeats another one: lines with `>`, and all below a mail's "… wrote:"."""
    if ">" not in text and "\n" not in text:
        return []
    spans = [match.span() for match in _QUOTED_LINE.finditer(text)]
    rest = _QUOTED_REST.search(text)
    if rest is not None:
        spans.append((rest.start(), len(text)))
    return spans


def is_inside(spans: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    return any(start < until and since < end for since, until in spans)


Slot = tuple[str, str, str | None]
"""Subject, predicate, and the target or member where there may be several side by side."""


class Known:
    """Slots that were learned lately, with the value they have: what is said again costs nothing.

    The one that was spoken of longest ago goes first, and each after `max_age_us`: what was taken
    back meanwhile can be learned anew.
    """

    def __init__(self, capacity: int, max_age_us: int) -> None:
        self._capacity = capacity
        self._max_age = max_age_us
        self._slots: OrderedDict[Slot, tuple[Hashable, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._slots)

    def value(self, slot: Slot, now: int) -> Hashable:
        """What the slot holds, as far as is remembered; None for nothing."""
        found = self._slots.get(slot)
        if found is None:
            return None
        if now - found[1] > self._max_age:
            del self._slots[slot]
            return None
        self._slots.move_to_end(slot)
        return found[0]

    def note(self, slot: Slot, value: Hashable, now: int) -> None:
        """It was committed with this value."""
        self._slots[slot] = (value, now)
        self._slots.move_to_end(slot)
        if len(self._slots) > self._capacity:
            self._slots.popitem(last=False)

    def clear(self) -> None:
        """Something was erased or rolled back: nothing is sure any more."""
        self._slots.clear()


def _is_mixed(run: str) -> bool:
    """Letters of both cases and digits in one long run: no word, but a key."""
    return (
        any(character.isdigit() for character in run)
        and any(character.islower() for character in run)
        and any(character.isupper() for character in run)
    )

"""What the demo's contacts say. All of it is made up.

A line is sent, then the next one follows when an answer has come (or at once, in a burst). Some
clients misbehave as real ones do: a message is sent twice, or overtaken by the one after it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple


class Line(NamedTuple):
    """One message. `wait`: the next line follows the answer. `before_s`: pause before it."""

    text: str
    before_s: float = 0.8
    wait: bool = True
    twice: bool = False
    """Sent again under the same id, as a client does that lost the receipt."""
    sequence: int | None = None
    """Its number in the client's stream; lines may be sent out of that order."""


class Contact(NamedTuple):
    """Somebody who writes. `note` says what the contact is there to show."""

    name: str
    key: str
    channel: str
    starts_s: float
    note: str
    lines: tuple[Line, ...]
    colleague: str = ""
    """What a person says when the conversation is passed on."""


CONTACTS = (
    Contact(
        "Ana", "ana-ruiz", "web", 0.0, "books a viewing, slot by slot; a reminder follows",
        (
            Line("Hi there 👋"),
            Line("Can I see the two-bedroom flat tomorrow at 5pm?"),
            Line("Ana Ruiz"),
            Line("thank you so much", 5.0),
        ),
    ),
    Contact(
        "Ben", "ben-okafor", "api", 0.4, "asks plain questions",
        (
            Line("how much is the rent for the studio?"),
            Line("is parking included in the rent", 1.2),
            Line("when are you open on saturday?", 1.0),
            Line("thanks 🙏", 1.5),
        ),
    ),
    Contact(
        "Chloe", "chloe-martin", "web", 0.9, "types in bursts: three messages, one answer",
        (
            Line("hello", wait=False),
            Line("are pets allowed?", 0.15, wait=False),
            Line("i have a small dog, is that ok", 0.2),
            Line("great, thanks", 1.5),
        ),
    ),
    Contact(
        "Dev", "dev-patel", "api", 1.3, "has a bad line: the client sends again",
        (
            Line("when do I get my deposit back?", twice=True),
            Line("is $1,900 the final price for the 2 bedroom?", 1.5, twice=True),
        ),
    ),
    Contact(
        "Grace", "grace-kim", "api", 1.6, "waits for a slow system; nobody else does",
        (
            Line("do you have any 2 bedroom flats available in March?"),
            Line("I want to book a viewing", 1.0),
        ),
    ),
    Contact(
        "Elif", "elif-kaya", "api", 2.2, "messages overtake each other on the way",
        (
            Line("I want to book a viewing", sequence=1),
            Line("Elif Kaya", 0.6, wait=False, sequence=3),
            Line("Friday at 3pm", 0.5, sequence=2),
        ),
    ),
    Contact(
        "Frank", "frank-moreau", "api", 3.0, "complains; a person takes over and gives back",
        (
            Line("This is unacceptable. The heating is broken for weeks and nobody answers!"),
            Line("finally somebody who answers", 3.0, wait=False),
            Line("thank you so much", 3.0),
        ),
        "This is Maya. A technician will be with you at 8 tomorrow, and I will call you at noon.",
    ),
    Contact(
        "Hugo", "hugo-lind", "api", 3.6, "meets a bug in a handler: a dead letter",
        (Line("I was charged twice for invoice #4711"),),
    ),
    Contact(
        "Ines", "ines-duarte", "api", 4.2, "wants what nobody taught the assistant",
        (
            Line("can you write a poem about autumn"),
            Line("then call me on +1 415 555 0132 or write to ines@example.com", 1.2),
        ),
        "Maya here. I will call you in ten minutes. The poem I cannot promise.",
    ),
    Contact(
        "Kofi", "kofi-mensah", "api", 4.8, "has water coming through the ceiling",
        (Line("Water is leaking through the ceiling, it's urgent!!"),),
    ),
)  # fmt: skip

COLLEAGUE = "Maya"

SMALL_TALK = (
    "hi there",
    "how much is the rent for the studio?",
    "is parking included in the rent",
    "are pets allowed?",
    "when do i get my deposit back?",
    "when are you open on saturday?",
    "what's the rent for the 2-bedroom on Oak Street?",
    "is $1,900 the final price for the 2 bedroom?",
    "i need to cancel my viewing",
    "thanks 🙏",
    "can you write a poem about autumn",
)
"""What a crowd says: nothing that waits for a slow system or ends in the dead letters."""


def crowd(contacts: int, messages: int, seed: int, prefix: str) -> Iterator[tuple[str, int, str]]:
    """(conversation key, number in it, text) in the order of sending; `seed` decides it all."""
    chance = random.Random(seed)
    counts = [0] * contacts
    for _ in range(messages):
        one = chance.randrange(contacts)
        counts[one] += 1
        yield f"{prefix}-{one}", counts[one], chance.choice(SMALL_TALK)

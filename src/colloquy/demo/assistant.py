"""The demo's assistant, at work for a letting agency: meant to be read as an example.

The shipped property pack brings the intents and simple answers; the handlers below add what needs
code. Run it alone with `colloquy serve --app colloquy.demo.assistant:app`.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from colloquy import Colloquy, Reply, Turn

app = Colloquy(pack="property")

RENTS = {"studio": 1150, "1 bedroom": 1480, "2 bedroom": 1900, "3 bedroom": 2450}
INVOICES = {"4692": "paid on the 3rd", "4705": "open, due on the 1st"}

REMIND_AFTER_S = 4.0
"""A real assistant would remind its guest on the day; the demo does not have that long."""
SLOW_SYSTEM_S = 3.0
"""How long the (pretended) system of the landlord takes to answer."""


@app.on_intent("book_viewing")
async def book_viewing(turn: Turn) -> Reply:
    """Asks for what is missing, one thing at a time; `slots` survive between the messages."""
    slots = turn.slots
    if "when" not in slots:
        moment = turn.understanding.entity("datetime")
        if moment is None:
            return turn.ask("when", "Gladly! Which day and time suit you?", entity="datetime")
        slots["when"] = moment.value
    if "name" not in slots:
        return turn.ask("name", "And what name may I put down for the viewing?")
    when, name = str(slots.pop("when")), str(slots.pop("name"))
    # Whatever happens to this process, the calendar is called at most once for this viewing.
    number = await turn.once("reserve", reserve, when, name)
    turn.state["viewing"] = {"number": number, "when": when}
    turn.later(REMIND_AFTER_S, "viewing_reminder")
    return Reply(
        f"Done, {name}: viewing {number} on {spoken(when)}.",
        quick_replies=["Thanks!", "Cancel my viewing"],
    )


@app.on_timer("viewing_reminder")
def remind(turn: Turn) -> str | None:
    """A durable timer: it comes even if the server was restarted in between."""
    viewing = turn.state.get("viewing")
    if viewing is None:
        return None  # cancelled meanwhile
    return f"A reminder of your viewing on {spoken(viewing['when'])}. See you there!"


@app.on_intent("cancel_viewing")
def cancel_viewing(turn: Turn) -> str:
    viewing = turn.state.pop("viewing", None)
    if viewing is None:
        return "I find no viewing in your name, so there is nothing to cancel."
    return f"Viewing {viewing['number']} is cancelled. Would another day suit you?"


@app.on_intent("price_question")
def price(turn: Turn) -> str:
    for home, rent in RENTS.items():
        if home in wanted_home(turn):
            return f"The {home} is ${rent:,} a month, heating included."
    return "Our rents run from $1,150 for the studio to $2,450 for the 3 bedroom."


@app.on_intent("availability")
async def availability(turn: Turn) -> str:
    """A slow system: this conversation waits for it, no other does."""
    await asyncio.sleep(SLOW_SYSTEM_S)
    home = wanted_home(turn) or "studio"
    return f"I have asked the landlord: one {home} is free from the 1st. Would you like to see it?"


@app.on_intent("repair_request")
async def repair(turn: Turn) -> str:
    ticket = await turn.once("ticket", open_ticket, turn.text)
    soon = "within the hour" if turn.understanding.urgent else "tomorrow morning"
    return f"I am sorry to hear that. Ticket {ticket} is open, a plumber comes {soon}."


@app.on_intent("payment_problem")
def payment_problem(turn: Turn) -> str:
    invoice = turn.understanding.entity("reference")
    if invoice is None:
        return "Which invoice is it? Its number begins with #."
    # A bug, left here on purpose: an invoice that is not in the list raises KeyError. The message
    # goes to the dead letters, its sender gets an apology and a person, everybody else is served.
    return f"Invoice {invoice.text} is {INVOICES[invoice.text]}."


@app.on_intent("complaint")
@app.on_intent("talk_to_human")
def hand_over(turn: Turn) -> Reply | None:
    """From here on a person answers, until they give the conversation back."""
    reason = turn.understanding.intent
    return turn.hand_over(
        "human", reason=reason, text="I am sorry. Maya, who looks after tenants, will answer here."
    )


def wanted_home(turn: Turn) -> str:
    """`studio`, `2 bedroom`, or an empty text when no home was named."""
    rooms = turn.understanding.entity("quantity")
    if rooms is not None and rooms.value.get("unit") == "bedroom":
        return f"{rooms.value['value']:g} bedroom"
    kind = turn.understanding.entity("property_type")
    return "studio" if kind is not None and kind.value == "studio" else ""


def reserve(when: str, name: str) -> str:
    """Stands for the call of a calendar outside."""
    return f"V-{abs(hash_of(when + name)) % 9000 + 1000}"


def open_ticket(text: str) -> str:
    """Stands for the call of a ticket system outside."""
    return f"R-{abs(hash_of(text)) % 9000 + 1000}"


def hash_of(text: str) -> int:
    """The same number for the same text in every process, unlike `hash`."""
    return sum(ord(letter) * (index + 7) for index, letter in enumerate(text))


def spoken(when: str) -> str:
    """`2026-11-27T15:00:00-05:00` → `Friday 27 November, 15:00`."""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return when
    return f"{moment:%A} {moment.day} {moment:%B}, {moment:%H:%M}"

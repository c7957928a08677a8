"""Booking a viewing: the shipped property pack, questions for what is missing, a durable timer.

Run it: `colloquy serve --app examples/viewing.py --dev --reload`, and write "can i see the flat?".
"""

from colloquy import Colloquy, Reply, Turn

app = Colloquy(pack="property")

REMIND_AFTER_S = 24 * 3600.0


@app.on_intent("book_viewing")
async def book(turn: Turn) -> Reply:
    if "when" not in turn.slots:
        return turn.ask("when", "Gladly. Which day and time suit you?", entity="datetime")
    if "name" not in turn.slots:
        return turn.ask("name", "And your name?")
    when, name = turn.slots.pop("when"), turn.slots.pop("name")
    turn.state["viewing"] = when
    turn.later(REMIND_AFTER_S, "reminder", {"name": name})
    return Reply(text=f"Done, {name}: {when}.", quick_replies=["Cancel my viewing"])


@app.on_intent("cancel_viewing")
def cancel(turn: Turn) -> str:
    viewing = turn.state.pop("viewing", None)
    return f"Your viewing on {viewing} is cancelled." if viewing else "There is none to cancel."


@app.on_timer("reminder")
def remind(turn: Turn) -> str | None:
    viewing = turn.state.get("viewing")
    if viewing is None:
        return None  # cancelled meanwhile: nothing to remind of
    return f"{turn.fired.data['name']}, a reminder of your viewing: {viewing}."

"""The smallest assistant. Run it: `colloquy serve --app examples/hello.py --dev --reload`."""

from colloquy import Colloquy, Reply, Turn

app = Colloquy()


@app.on_intent(
    "opening_hours",
    examples=[
        "when do you open?",
        "are you open on sunday?",
        "what are your opening hours?",
        "until when are you open today?",
        "do you close for lunch?",
    ],
)
def hours(turn: Turn) -> str:
    return "Monday to Friday, 9 to 18."


@app.on_fallback
def otherwise(turn: Turn) -> Reply:
    return Reply(text="I only know our opening hours.", quick_replies=["When do you open?"])

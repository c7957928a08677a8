"""A support desk: a system outside that is busy now and then, a ticket opened once, a person.

Run it: `colloquy serve --app examples/support.py --dev --reload`, and write "#4711 is broken".
"""

from collections import Counter

from colloquy import Colloquy, Reply, Transient, Turn

app = Colloquy()

ORDERS = {"4711": "on its way, due tomorrow", "4712": "delivered last Monday"}
calls: Counter[str] = Counter()


class ShopBusy(Transient):
    """The shop's system asks us to come back: Colloquy waits and tries again."""


def status_of(order: str) -> str:
    """Stands for a call of the shop's system, whose first answer is always that it is busy."""
    calls[order] += 1
    if calls[order] == 1:
        raise ShopBusy("the shop's system is busy")
    return ORDERS.get(order, "not known to us")


def open_ticket(order: str) -> str:
    """Stands for a call that must not happen twice."""
    calls["tickets"] += 1
    return f"T-{order}"


@app.on_message
async def order(turn: Turn) -> Reply | None:
    """Every message that names an order is about that order, whatever its intent."""
    reference = turn.understanding.entity("reference")
    if reference is None:
        return None  # not ours: the next handler has a look
    number = reference.value
    if "broken" in turn.text or turn.understanding.polarity < -0.3:
        ticket = await turn.once("ticket", open_ticket, number)
        return turn.hand_over(
            "human", reason=f"ticket {ticket}", text=f"I am sorry. {ticket} is open for you."
        )
    return Reply(text=f"Order {number} is {status_of(number)}.")


@app.on_fallback
def otherwise(turn: Turn) -> Reply:
    return Reply(text="Tell me the number of your order, like #4711.")

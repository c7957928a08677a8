"""Made-up conversations for the tests of compression."""

from __future__ import annotations

from itertools import count

from hypothesis import strategies as st

from colloquy.context.lines import Line

START = 1_795_255_200_000_000
MINUTE = 60_000_000
SENTENCES = (
    "The rent is €1,450 a month.",
    "I can't come on Friday.",
    "We will send you the contract tomorrow.",
    "The flat has three bedrooms and a balcony.",
    "My reference is AB-12345.",
    "We met Maria Garcia at 5 pm.",
    "Das geht leider nicht am Montag.",
    "Is there a lift in the house?",
    "That sounds good to me.",
    "The heating makes a strange noise at night and nobody has looked at it.",
    "Please call +44 20 7946 0958.",
    "ok",
    "😀😀",
    "",
)


def talk(*texts: str, step: int = MINUTE) -> list[Line]:
    """A visitor and an assistant in turn."""
    roles = ("visitor", "assistant")
    return [
        Line(seq, roles[seq % 2 == 0], text, START + seq * step)
        for seq, text in enumerate(texts, 1)
    ]


@st.composite
def conversations(draw: st.DrawFn, max_size: int = 20) -> list[Line]:
    """With odd texts, pinned lines, and pairs of a tool's call and result."""
    lines: list[Line] = []
    seqs = count(1)
    text = st.one_of(
        st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3).map(" ".join),
        st.text(max_size=60),
    )
    for _ in range(draw(st.integers(1, max_size))):
        kind = draw(st.sampled_from(("said", "said", "said", "pinned", "tool")))
        at = START + len(lines) * draw(st.sampled_from((MINUTE, 400 * MINUTE)))
        polarity = draw(st.sampled_from((-0.8, 0.0, 0.0, 0.7)))
        role = draw(st.sampled_from(("visitor", "assistant")))
        if kind == "tool":
            seq = next(seqs)
            pair = f"call-{seq}"
            lines.append(Line(seq, "assistant", "look_up(id=17)", at, kind="call", pair=pair))
            lines.append(Line(next(seqs), "tool", draw(text), at, kind="result", pair=pair))
        else:
            pinned = kind == "pinned" and draw(st.integers(0, 3)) == 0
            lines.append(Line(next(seqs), role, draw(text), at, pinned=pinned, polarity=polarity))
    return lines

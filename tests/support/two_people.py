"""A conversation of two people, made up."""

from __future__ import annotations

from datetime import UTC, datetime

from colloquy.context.lines import Line

SAID = [
    ("2026-05-02T10:00", "Ann", "Hello Ben, how was your weekend?"),
    ("2026-05-02T10:01", "Ben", "We adopted a puppy from the shelter."),
    ("2026-05-02T10:02", "Ann", "How sweet! What is it called?"),
    ("2026-05-02T10:03", "Ben", "Biscuit, and it sleeps on my shoes."),
    ("2026-06-11T18:00", "Ben", "I start as a baker in Lisbon in autumn."),
    ("2026-06-11T18:01", "Ann", "Then I shall visit you for the bread."),
    ("2026-06-11T18:02", "Ben", "The rent of the flat is 940 euros."),
    ("2026-07-20T09:00", "Ann", "My sister broke her arm while climbing."),
    ("2026-07-20T09:01", "Ben", "Oh no, I am sorry. Is it a bad fracture?"),
    ("2026-07-20T09:02", "Ann", "The plaster stays on for six weeks."),
]


def at(moment: str) -> int:
    """Microseconds since 1970 of a moment in UTC."""
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 1_000_000


NOW = at("2026-07-21T12:00")


def lines_of(said: list[tuple[str, str, str]]) -> list[Line]:
    """Ann is the visitor; the sequence numbers have gaps, as a log has."""
    return [
        Line(
            seq=3 * number,
            role="visitor" if speaker == "Ann" else "human",
            text=text,
            at=at(moment),
            speaker=speaker,
            thread=f"in {moment[:7]}",
        )
        for number, (moment, speaker, text) in enumerate(said, 1)
    ]

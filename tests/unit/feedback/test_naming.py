"""Who is named, in each mode."""

from __future__ import annotations

from colloquy.feedback.naming import Naming
from colloquy.model.context import ContextRecord, ContextSource
from colloquy.model.times import rfc3339

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
ID = bytes(range(16))
AT = 1_769_853_600_123_456
CONTEXT = ContextRecord(
    position=4,
    budget=100,
    tokens=12,
    sources=[ContextSource("fact", "fact:ann|email", 5), ContextSource("recent", "event:3", 7)],
)
COMMENT = "Call me at +49 170 1234567, ann@example.org"


def everything(naming: Naming) -> list[str]:
    return [
        naming.conversation(ID),
        naming.person("web", "default", "+491701234567"),
        naming.rater("key:3f2a"),
        naming.id(ID.hex()),
        naming.comment(COMMENT),
        naming.sources(CONTEXT),
    ]


def test_identified_changes_nothing() -> None:
    naming = Naming("identified", KEY)
    said = [ID.hex(), "+491701234567", "key:3f2a", ID.hex(), COMMENT, "fact:ann|email event:3"]
    assert everything(naming) == said
    assert naming.moment(AT) == rfc3339(AT)


def test_anonymous_says_nothing_of_anybody() -> None:
    naming = Naming("anonymous", KEY)
    assert everything(naming) == ["", "", "operator", "", "", ""]
    assert naming.moment(AT) == "2026-01-31T10:00:00.000000Z"


def test_a_pseudonym_is_the_same_for_the_same_and_needs_the_key() -> None:
    naming, other = Naming("pseudonymous", KEY), Naming("pseudonymous", OTHER_KEY)
    conversation, person, rater, reply, comment, sources = everything(naming)
    assert everything(naming) == everything(Naming("pseudonymous", KEY))
    names = [conversation, person, rater, reply]
    assert len(set(names)) == len(names)
    assert all(len(name) == 32 for name in names)
    assert not set(names) & set(everything(other))
    assert sources == ""
    assert comment == "Call me at [phone], [e-mail]"
    assert naming.person("sms", "default", "+491701234567") != person


def test_visitors_and_what_is_missing_need_no_name() -> None:
    for mode in ("anonymous", "pseudonymous", "identified"):
        naming = Naming(mode, KEY)  # type: ignore[arg-type]
        assert naming.rater("visitor") == "visitor"
        assert naming.id("") == ""

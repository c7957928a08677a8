"""Secrets in texts, and texts that only speak of secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.context.validation.leaks import leaks_in, without_leaks


@pytest.mark.parametrize(
    ("text", "leak"),
    [
        ("use sk-proj-abcdefghijklmnop1234", "key"),
        ("Authorization: Bearer abcdefghijklmnop123", "key"),
        ("it is Zk3mQ9xTb7LpW2vRn8YcD4aB1", "key"),
        ("My password is hunter2.", "password"),
        ("password: swordfish", "password"),
        ("Das Passwort lautet Sommer!2026", "password"),
        ("mot de passe = azertyuiop", "password"),
        ("my PIN is 4711", "password"),
        ("card 4111 1111 1111 1111, thanks", "card"),
    ],
)
def test_a_secret(text: str, leak: str) -> None:
    assert [one.kind for one in leaks_in(text)] == [leak]
    (found,) = leaks_in("word " * 200 + text)
    assert found.kind == leak, "in a long text, too"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "My password is wrong.",
        "The password isn't working",
        "the password is not what I typed",
        "the password is case-sensitive",
        "PIN is 4 digits",
        "password:",
        "Is the PIN in the letter?",
        "call me at +44 20 7946 0958 or ann@example.org",
        "order 4111 1111 1111 1112",
        "https://maps.example.org/place/Zk3mQ9xTb7LpW2vRn8YcD4aB1xY",
        "Donaudampfschifffahrtsgesellschaft",
        "\ud800",
    ],
)
def test_no_secret(text: str) -> None:
    assert leaks_in(text) == ()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My password is hunter2, ok?", "My password is [password] ok?"),
        ("password: swordfish, pin: 4711", "password: [password] pin: [password]"),
        ("card 4111111111111111 and 4012888888881881.", "card [card] and [card]."),
        ("token: sk-proj-abcdefghijklmnop1234 works", "token: [key] works"),
        ("password=Zk3mQ9xTb7LpW2vRn8YcD4aB1", "[key]"),
        ("My password is wrong.", "My password is wrong."),
        ("\ud800 pin: 4711", "\ud800 pin: [password]"),
    ],
)
def test_a_text_without_its_secrets(text: str, left: str) -> None:
    assert without_leaks(text) == left
    assert leaks_in(left) == ()


@given(st.text(st.sampled_from("pin:= 4711aB\n4111password\u0130"), max_size=60))
def test_nothing_is_left_of_what_was_found(text: str) -> None:
    ends = [0]
    for leak in leaks_in(text):
        assert ends[-1] <= leak.start < leak.end <= len(text)
        ends.append(leak.end)
    assert (without_leaks(text) == text) is (len(ends) == 1)

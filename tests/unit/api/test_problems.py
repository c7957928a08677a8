from __future__ import annotations

import pytest

from colloquy.api.problems import as_colloquy_error, problem_headers
from colloquy.model.errors import ColloquyError, NotFound, Overloaded, Unauthenticated, Unavailable


def test_what_nobody_foresaw_tells_nothing() -> None:
    error = as_colloquy_error(KeyError("secret inside"), "/v2/messages")
    assert (error.status, error.code) == (500, "internal_error")
    assert "secret" not in error.detail


def test_our_own_errors_are_themselves() -> None:
    error = NotFound("no such thing")
    assert as_colloquy_error(error, "/") is error


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Overloaded("full", retry_after_s=1.2), "2"),
        (Overloaded("full", retry_after_s=0.01), "1"),
        (Overloaded("full"), "1"),
        (Unavailable("stopping", retry_after_s=5.0), "5"),
        (Unavailable("stopping"), "1"),
        (NotFound("gone"), None),
    ],
)
def test_pressure_says_when_to_come_again(error: ColloquyError, seconds: str | None) -> None:
    assert problem_headers(error).get("retry-after") == seconds


def test_a_missing_key_says_how_to_show_one() -> None:
    assert "Bearer" in problem_headers(Unauthenticated("no key"))["www-authenticate"]

"""What the server said comes back as the error it was."""

from __future__ import annotations

import pytest

from colloquy.client import error_of
from colloquy.model.errors import (
    ColloquyError,
    ConversationOverloaded,
    Crashed,
    InvalidInput,
    MessageIdReused,
    NotFound,
    SettingsError,
    StoreLocked,
)


@pytest.mark.parametrize(
    "error",
    [
        NotFound("no message"),
        InvalidInput("expected `str`", field="text"),
        MessageIdReused("again", field="id"),
        ConversationOverloaded("too many", retry_after_s=2.0),
        Crashed("it died"),
        SettingsError("bad", problems=[{"setting": "port"}]),
        StoreLocked("held", pid=7),
    ],
)
def test_a_problem_document_becomes_the_error_it_stands_for(error: ColloquyError) -> None:
    found = error_of(error.problem())
    assert type(found) is type(error)
    assert found.problem() == error.problem()


def test_a_code_of_a_newer_server_is_kept() -> None:
    found = error_of({"code": "out_of_ink", "status": 507, "detail": "buy some"})
    assert (found.code, found.status, found.detail) == ("out_of_ink", 507, "buy some")
    assert ColloquyError.code == "internal_error", "the class is as it was"

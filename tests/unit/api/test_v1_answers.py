"""Headers of V1's end, its errors, and pieces of an answer that can be joined."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from colloquy.api.v1.answers import error_tree, standing_headers
from colloquy.api.v1.chatting import Draft
from colloquy.model.errors import InvalidInput, NotFound, RateLimited, SettingsError, Unavailable
from colloquy.model.views import StreamItem
from colloquy.settings import Settings, load_settings


def chunk(text: str, offset: int, turn: str = "t") -> StreamItem:
    return StreamItem("reply_chunk", data={"turn_id": turn, "offset": offset, "text": text})


def test_without_settings_nothing_is_said_of_an_end() -> None:
    assert set(standing_headers(Settings())) == {"x-api-version", "vary"}


def test_a_day_that_there_is_not_is_told_at_the_start() -> None:
    chosen: dict[str, Any] = {"versions.v1_sunset": "2027-02-30T00:00:00Z"}
    settings = load_settings(overrides=chosen)
    with pytest.raises(SettingsError, match="v1_sunset"):
        standing_headers(settings)
    with pytest.raises(SettingsError):
        load_settings(overrides={"versions.v1_sunset": "tomorrow"})
    good = msgspec.structs.replace(settings.versions, v1_sunset="2028-02-29T00:00:00Z")
    made = standing_headers(msgspec.structs.replace(settings, versions=good))
    assert made["sunset"] == "Tue, 29 Feb 2028 00:00:00 GMT"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput("x", field="a.b"), "invalid_request_error"),
        (NotFound("x"), "not_found_error"),
        (RateLimited("x"), "rate_limit_error"),
        (Unavailable("x"), "server_error"),
    ],
)
def test_errors_in_v1s_shape(error: Any, kind: str) -> None:
    made = error_tree(error)["error"]
    assert made == {"message": "x", "type": kind, "code": error.code, "param": error.field}


def test_pieces_go_on_from_what_was_sent() -> None:
    draft = Draft("t")
    assert draft.take(chunk("", 0)) is None
    assert draft.take(chunk("Once ", 0)) == "Once "
    assert draft.take(chunk("other", 0, "another turn")) is None
    assert draft.take(chunk("lost", 99)) is None
    assert draft.take(chunk("upon", 5)) == "upon"
    assert draft.rest("Once upon a time") == (" a time", False)


def test_what_begins_anew_waits_until_it_goes_on_from_what_was_sent() -> None:
    draft = Draft("t")
    draft.take(chunk("Once upon", 0))
    assert draft.take(chunk("Once", 0)) is None
    assert draft.take(chunk(" upon a", 4)) == " a"
    assert draft.take(chunk("Twice", 0)) is None
    assert draft.rest("Twice upon") == ("Twice upon", True)

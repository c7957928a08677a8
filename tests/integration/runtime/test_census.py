"""The census of all conversations, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy.model.times import now_us
from colloquy.model.views import FeedbackRequest
from colloquy.runtime import Runtime, census
from colloquy.runtime.census import Counting
from support.engine import Talk, echo, settings_for


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "census.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_conversations_are_counted_by_what_they_are(
    database: Path | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "SLICE", 3)  # several slices, the last one not full
    runtime = Runtime(echo(), settings_for(database, tmp_path))
    await runtime.start()
    try:
        talk = Talk(runtime)
        for number in range(7):
            await talk.send("This is terrible", who=f"visitor {number}")
        await talk.owner("human", who="visitor 3")
        (reply,) = await runtime.wait((await talk.post("again")).message_id, 60) or []
        for rating in ("up", "down"):
            request = FeedbackRequest(reply_id=reply.reply_id, rating=rating)  # type: ignore[arg-type]
            await runtime.feedback(reply.conversation_id, request, "visitor")
        found = await Counting(runtime.store, now_us).count()
        later = await Counting(runtime.store, lambda: now_us() + 2 * census.DAY_US).count()
    finally:
        await runtime.stop()
    assert found.conversations == 8
    assert found.by_status == {"open": 7, "handed_over": 1}
    assert found.by_owner == {"assistant": 7, "human": 1}
    assert found.active_last_day == 8
    assert sum(found.feelings_last_day.values()) == 8
    assert found.feedback_last_day == {"down": 1}  # the newest rating of the reply
    assert found.dead_letters == 0
    assert (later.conversations, later.active_last_day) == (8, 0)
    assert later.feelings_last_day == later.feedback_last_day == {}


async def test_nothing_is_counted_while_nobody_asks(tmp_path: Path) -> None:
    runtime = Runtime(echo(), settings_for(tmp_path / "quiet.db"))
    await runtime.start()
    try:
        counted: list[str] = []
        query = runtime.store.query

        async def watched(name: str, *parameters: object) -> list[tuple[object, ...]]:
            counted.append(name)
            return await query(name, *parameters)

        runtime.store.query = watched  # type: ignore[method-assign]
        await Talk(runtime).send("hello")
        assert "session_counts" not in counted
    finally:
        await runtime.stop()

"""A message that was accepted while the database could not be written, as its sender sees it."""

from __future__ import annotations

from pathlib import Path

import apsw
import asyncpg

from support.engine import echo, running


async def test_a_spooled_message_is_shown_and_then_answered(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "c.db") as talk:
        other = apsw.Connection(str(tmp_path / "c.db"))
        other.set_busy_timeout(5000)
        other.execute("BEGIN IMMEDIATE")
        receipt = await talk.post("is anybody there?")
        state = await talk.state(receipt)
        other.execute("ROLLBACK")
        other.close()
        assert receipt.status == "spooled"
        assert state.state == "spooled"
        assert await talk.wait(receipt) == ["You said: is anybody there?"]
        assert (await talk.state(receipt)).state == "done"


async def test_a_locked_postgresql_does_not_keep_senders_waiting(
    tmp_path: Path, postgres_url: str
) -> None:
    async with running(echo(), postgres_url, tmp_path) as talk:
        await talk.send("first")
        rival = await asyncpg.connect(postgres_url)
        transaction = rival.transaction()
        await transaction.start()
        await rival.execute("LOCK TABLE message_keys, inbox IN ACCESS EXCLUSIVE MODE")
        receipt = await talk.post("second")
        await transaction.rollback()
        await rival.close()
        assert receipt.status == "spooled"
        assert await talk.wait(receipt) == ["You said: second"]
        assert [line for line in await talk.log() if line[0] in "><"] == [
            *("> first", "< You said: first"),
            *("> second", "< You said: second"),
        ]

"""Files under the allow-list are part of a point, and come back with a rollback to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy.model.errors import InvalidInput
from colloquy.model.ledger import PointRequest, RollbackRequest
from support.engine import echo, running
from support.waiting import until


async def test_a_file_comes_back_with_the_point_that_holds_it(tmp_path: Path) -> None:
    allowed = tmp_path / "prompts"
    allowed.mkdir()
    prompt = allowed / "greeting.txt"
    prompt.write_text("Good day.")
    options = {"ledger__files": str(allowed)}
    async with running(echo(), tmp_path / "colloquy.db", **options) as talk:
        desk = talk.runtime.ledger
        request = PointRequest(name="before", files=(str(prompt),))
        point = await desk.create_point(request, "ann")
        prompt.write_text("Hiya!!")
        after = await desk.create_point(PointRequest(name="now", files=(str(prompt),)), "ben")
        assert after.position > point.position
        operation = await desk.rollback(RollbackRequest(point=point.id), "ann")
        await until(lambda: prompt.read_text() == "Good day.")
        assert operation.id


async def test_files_outside_the_allow_list_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    request = PointRequest(name="p", files=(str(secret),))
    async with running(echo(), tmp_path / "a.db") as talk:
        with pytest.raises(InvalidInput):
            await talk.runtime.ledger.create_point(request, "ann")
    (tmp_path / "prompts").mkdir()
    options = {"ledger__files": str(tmp_path / "prompts")}
    async with running(echo(), tmp_path / "b.db", **options) as talk:
        with pytest.raises(InvalidInput):
            await talk.runtime.ledger.create_point(request, "ann")
        assert (await talk.runtime.ledger.points()).points == []

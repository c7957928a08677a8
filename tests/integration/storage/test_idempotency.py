"""Kept answers on both engines: one claim, one answer, forgotten in time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from colloquy.model.errors import Conflict, IdempotencyKeyReused
from colloquy.privacy.sealing import Sealer
from colloquy.runtime import idempotency
from colloquy.runtime.idempotency import Answer, Claim, Idempotency
from colloquy.storage.store import Store

ROUTE = "POST /v2/keys"
DAY_US = 86_400_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(store: Store, tmp_path: Path, clock: Clock) -> Idempotency:
    return Idempotency(store, Sealer(None, tmp_path / "key"), clock)


async def begun(answers: Idempotency, key: str = "k", body: bytes = b"{}") -> Claim:
    found = await answers.begin("a", ROUTE, key, body)
    assert isinstance(found, Claim)
    return found


async def test_one_claim_then_its_answer(answers: Idempotency) -> None:
    claim = await begun(answers)
    with pytest.raises(Conflict) as refused:
        await answers.begin("a", ROUTE, "k", b"{}")
    assert refused.value.retry_after_s
    with pytest.raises(IdempotencyKeyReused):
        await answers.begin("a", ROUTE, "k", b"[]")
    await claim.keep(Answer(201, b'{"secret":1}'))
    assert await answers.begin("a", ROUTE, "k", b"{}") == Answer(201, b'{"secret":1}')
    for other in (("b", ROUTE, "k"), ("a", "POST /other", "k"), ("a", ROUTE, "l")):
        assert isinstance(await answers.begin(*other, b"{}"), Claim)


async def test_a_released_key_is_free(answers: Idempotency) -> None:
    await (await begun(answers)).release()
    await begun(answers, body=b"[]")


async def test_of_many_at_once_one_claims(answers: Idempotency) -> None:
    found = await asyncio.gather(
        *(answers.begin("a", ROUTE, "k", b"{}") for _ in range(20)), return_exceptions=True
    )
    assert [isinstance(one, Claim) for one in found].count(True) == 1
    assert [isinstance(one, Conflict) for one in found].count(True) == 19


async def test_a_claim_whose_process_died_is_void_in_time(
    answers: Idempotency, clock: Clock
) -> None:
    dead = await begun(answers)
    clock.now += int(idempotency.CLAIM_S * 1e6) + 1
    claim = await begun(answers)
    await dead.keep(Answer(200, b"too late"))
    await dead.release()
    await claim.keep(Answer(200, b"in time"))
    assert await answers.begin("a", ROUTE, "k", b"{}") == Answer(200, b"in time")


async def test_answers_are_forgotten_after_a_day(
    answers: Idempotency, store: Store, clock: Clock
) -> None:
    await (await begun(answers, "old")).keep(Answer(200, b"{}"))
    clock.now += DAY_US // 2
    await (await begun(answers, "young")).keep(Answer(200, b"{}"))
    clock.now += DAY_US // 2 + 1
    await answers.sweep()
    assert isinstance(await answers.begin("a", ROUTE, "young", b"{}"), Answer)
    # Also without a sweep in between.
    clock.now += DAY_US
    await begun(answers, "young", body=b"another")
    await begun(answers, "old", body=b"another")


async def test_what_is_kept_is_bounded(
    answers: Idempotency, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MAX_KEPT", 3)
    for n in range(10):
        clock.now += 1
        await (await begun(answers, str(n))).keep(Answer(200, b"%d" % n))
    await answers.sweep()
    assert await store.query("idempotency_nth", 3) == []
    assert await answers.begin("a", ROUTE, "9", b"{}") == Answer(200, b"9")
    await begun(answers, "0")

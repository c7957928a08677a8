"""Going over to other models while batches go on; a shadow beside them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from colloquy.model.errors import InvalidInput, Unavailable
from colloquy.model.understanding import Understanding
from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.understanding.compute import ComputeCrashed, ComputePool
from colloquy.understanding.inline import InlineCompute
from colloquy.understanding.loading import load
from colloquy.understanding.wire import Item, Models, Understood

NOW = 1_795_273_200_000_000
PROPERTY = Models(PROPERTY_PACK, PROPERTY_MODEL)
WAIT_S = 60.0


def items(*texts: str) -> list[Item]:
    return [Item(text, NOW, None) for text in texts]


BIG = items(*["tomorrow at 5pm for $5 " * 100] * 32)
"""A batch that keeps a process busy for a good part of a second."""


def model_of(result: Understood) -> str:
    return msgspec.json.decode(result.raw, type=Understanding).model


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def pids(pool: ComputePool) -> list[int]:
    return [child["pid"] for child in pool.stats()["processes"]]


@pytest.fixture
async def pool() -> AsyncIterator[ComputePool]:
    pool = ComputePool(2, backoff_s=0.01)
    await pool.start()
    yield pool
    await pool.stop()


async def test_no_batch_is_lost_under_load(pool: ComputePool) -> None:
    before, former = pool.version, pids(pool)
    done = asyncio.Event()
    answers: list[tuple[str, list[Understood]]] = []

    async def send(number: int) -> None:
        count = 0
        while not done.is_set():
            text = f"hello {number} {count}"
            answers.append((text, await pool.analyse(items(text, text))))
            count += 1

    senders = [asyncio.create_task(send(number)) for number in range(8)]
    await pool.switch(PROPERTY)
    enough = len(answers) + 50
    async with asyncio.timeout(WAIT_S):
        while len(answers) < enough:  # noqa: ASYNC110 - counted by the senders
            await asyncio.sleep(0.01)
    done.set()
    await asyncio.gather(*senders)
    after = pool.version
    assert after != before and after.startswith("property@")
    versions = [[model_of(one) for one in results] for _, results in answers]
    assert all(len(found) == 2 and found[0] == found[1] for found in versions)
    assert {found[0] for found in versions} == {before, after}, "both have answered"
    stats = pool.stats()
    assert stats["batches"] == len(answers) and stats["items"] == 2 * len(answers)
    assert (stats["crashed_batches"], stats["restarts"], stats["waiting"]) == (0, 0, 0)
    assert len(stats["processes"]) == 2 and not set(pids(pool)) & set(former)
    assert all(is_gone(pid) for pid in former)


async def test_an_old_process_answers_what_it_was_given(pool: ComputePool) -> None:
    before = pool.version
    given = [asyncio.create_task(pool.analyse(BIG)) for _ in range(4)]
    await asyncio.sleep(0)
    await pool.switch(PROPERTY)
    results = await asyncio.gather(*given)
    assert {model_of(found[0]) for found in results} == {before}
    assert model_of((await pool.analyse(items("hi")))[0]) == pool.version != before


async def test_files_that_cannot_be_loaded_change_nothing(
    pool: ComputePool, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.model"
    damaged.write_bytes(PROPERTY_MODEL.read_bytes()[:5000])
    before = (pool.version, pids(pool))
    for models in (Models(PROPERTY_PACK, damaged), Models(PROPERTY_PACK, tmp_path / "none")):
        with pytest.raises(InvalidInput):
            await pool.switch(models)
    assert (pool.version, pids(pool)) == before
    os.kill(pids(pool)[0], signal.SIGKILL)  # and what is started anew has the old files
    async with asyncio.timeout(WAIT_S):
        while pool.stats()["restarts"] == 0:  # noqa: ASYNC110 - seen by the pool's own task
            await asyncio.sleep(0.01)
    assert {model_of((await pool.analyse(items("hi")))[0]) for _ in range(4)} == {before[0]}


async def test_a_leaving_process_that_dies_loses_only_the_batch_in_it(pool: ComputePool) -> None:
    former = pids(pool)
    given = [asyncio.create_task(pool.analyse(BIG)) for _ in range(4)]
    await asyncio.sleep(0)
    os.kill(former[0], signal.SIGSTOP)  # so that it is at work however long the switch takes
    switching = asyncio.create_task(pool.switch(PROPERTY))
    async with asyncio.timeout(WAIT_S):
        while not pool.version.startswith("property"):  # noqa: ASYNC110 - set by the switch
            await asyncio.sleep(0.01)
    os.kill(former[0], signal.SIGKILL)
    await switching
    results = await asyncio.gather(*given, return_exceptions=True)
    lost = [one for one in results if isinstance(one, BaseException)]
    assert [type(one) for one in lost] == [ComputeCrashed]
    assert pool.stats()["restarts"] == 0


async def test_a_caller_that_goes_away_leaves_a_pool_that_works(pool: ComputePool) -> None:
    for pause in (0.0, 0.05, 0.4):
        switching = asyncio.create_task(pool.switch(PROPERTY))
        await asyncio.sleep(pause)
        switching.cancel()
        await asyncio.gather(switching, return_exceptions=True)
        assert len(await pool.analyse(items("hi"))) == 1
    await pool.switch(Models())
    assert model_of((await pool.analyse(items("hi")))[0]) == pool.version
    assert len(pids(pool)) == 2


async def test_one_switch_after_the_other(pool: ComputePool) -> None:
    plain = pool.version
    await asyncio.gather(pool.switch(PROPERTY), pool.switch(Models()))
    assert pool.version == plain


async def test_stop_ends_a_switch(pool: ComputePool) -> None:
    switching = asyncio.create_task(pool.switch(PROPERTY))
    await asyncio.sleep(0.05)
    await pool.stop()
    with pytest.raises(Unavailable):
        await switching
    with pytest.raises(Unavailable):
        await pool.switch(PROPERTY)


async def test_a_shadow_is_compared_and_decides_nothing() -> None:
    models = Models(
        PROPERTY_PACK, PROPERTY_MODEL, shadow_pack=PROPERTY_PACK, shadow_model=PROPERTY_MODEL,
        shadow_share=1.0,
    )  # fmt: skip
    pool = ComputePool(1, models=models)
    inline = InlineCompute(*load(models))
    await pool.start()
    try:
        for compute in (pool, inline):
            for _ in range(2):  # what it counts comes with the next answer
                (found,) = await compute.analyse(items("hello"))
                assert found.intent == "greet"
            counters = compute.stats()["counters"]
            assert counters["shadow_messages"] == counters["shadow_same"] >= 1
            assert counters["shadow_confidence_millis"] == 0
    finally:
        await pool.stop()


async def test_a_wrong_share_is_refused_at_the_start() -> None:
    models = Models(PROPERTY_PACK, shadow_pack=PROPERTY_PACK, shadow_share=1.5)
    with pytest.raises(InvalidInput) as caught:
        await ComputePool(1, models=models).start()
    assert caught.value.field == "understanding.shadow_share"


EXTENSION = """
from colloquy import Entity, Label, classifier, extractor

@extractor
class Hashes:
    name, version = "hashes", "2"
    def extract(self, texts, contexts):
        print("what they print stays out of the frames")
        words = [t.split() for t in texts]
        if "bad" in texts[0]:
            raise ValueError("no such text")
        return [[Entity("hash", 0, len(t), t)] if t[:1] == "#" else [] for t in texts]

@classifier
class Loud:
    name, version = "loud", "1"
    def classify(self, texts, contexts):
        return [[Label("loud", 1.0)] if t.isupper() else [] for t in texts]
"""


async def test_extensions_run_in_the_processes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hashes_sample.py"
    file.write_text(EXTENSION)
    models = Models(extensions=(f"{file}:Hashes", f"{file}:Loud"))
    pool = ComputePool(1, models=models)
    await pool.start()
    try:
        tag, loud, plain = (
            msgspec.json.decode(one.raw, type=Understanding)
            for one in await pool.analyse(items("#tag", "HELP", "hi"))
        )
        assert pool.version.endswith("hashes@2;loud@1")
        assert [(one.label, one.text, one.extractor) for one in tag.entities] == [
            ("hash", "#tag", "hashes")
        ]
        assert loud.extra == {"loud": [{"name": "loud", "confidence": 1.0}]}
        assert (plain.entities, plain.extra) == ([], {})
        (bad,) = await pool.analyse(items("bad people's own words"))
        assert model_of(bad) == f"{pool.version};failed=hashes"
        file.write_text("1 / 0")
        with pytest.raises(InvalidInput, match="ZeroDivisionError"):
            await pool.switch(models)
        assert (await pool.analyse(items("#still")))[0].raw != b""
    finally:
        await pool.stop()
    log = capfd.readouterr().err
    assert "extension_failed" in log and "Traceback" in log and "no such text" in log
    assert "people's own" not in log, "no local variables in what is logged"

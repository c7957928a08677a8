"""A running engine in the test's own loop, and short ways to talk to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from colloquy import Colloquy, Message, Sender
from colloquy.model import ids
from colloquy.model.errors import ColloquyError
from colloquy.model.times import Clock, now_us
from colloquy.model.views import MessageState, OwnerRequest, OwnerView, Receipt, StreamItem
from colloquy.runtime import Runtime
from colloquy.settings import load_settings
from colloquy.telemetry import configure
from support.waiting import until


def echo() -> Colloquy:
    """Repeats what it hears."""
    app = Colloquy()

    @app.on_message
    def answer(turn: Any) -> str:
        return f"You said: {turn.text}"

    return app


class Talk:
    """One runtime as a visitor and an operator see it."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def post(self, text: str | None, who: str = "ann", **fields: Any) -> Receipt:
        (receipt,) = await self.post_all(text, who=who, **fields)
        return receipt

    async def post_all(self, *texts: str | None, who: str = "ann", **fields: Any) -> list[Receipt]:
        """In one request: no time passes between them."""
        sender = fields.pop("sender", None)
        if isinstance(sender, str):
            sender = Sender(sender)
        receipts: list[Receipt] = []
        for receipt in await self.runtime.accept(
            [Message(conversation=who, text=text, sender=sender, **fields) for text in texts]
        ):
            if isinstance(receipt, ColloquyError):
                raise receipt
            receipts.append(receipt)
        return receipts

    async def wait(self, receipt: Receipt, wait_s: float = 60.0) -> list[str | None]:
        replies = await self.runtime.wait(receipt.message_id, wait_s)
        assert replies is not None, "no answer in time"
        return [reply.text for reply in replies]

    async def send(self, text: str, who: str = "ann", **fields: Any) -> list[str | None]:
        """Posts, and waits for the replies."""
        return await self.wait(await self.post(text, who, **fields))

    async def state(self, receipt: Receipt) -> MessageState:
        return await self.runtime.message(receipt.message_id)

    async def reached(self, receipt: Receipt, *states: str) -> MessageState:
        """The state of a message once it is one of these."""
        async with asyncio.timeout(60):
            while True:
                state = await self.state(receipt)
                if state.state in states:
                    return state
                await asyncio.sleep(0.002)

    async def rows(self, who: str = "ann", channel: str = "api") -> list[dict[str, Any]]:
        """The log of one conversation as plain data."""
        return [
            row
            async for row in self.runtime.export()
            if row["conversation"] == who and row["channel"] == channel
        ]

    async def kinds(self, who: str = "ann", channel: str = "api") -> list[str]:
        return [row["kind"] for row in await self.rows(who, channel)]

    async def log(self, who: str = "ann", channel: str = "api") -> list[str]:
        """What was said, in the order of the log: `> message`, `< reply`, `kind` for the rest."""
        lines = []
        for row in await self.rows(who, channel):
            body = row["body"]
            if row["kind"] == "message":
                lines.append(f"> {body['message'].get('text')}")
            elif row["kind"] == "reply":
                lines.append(f"< {body.get('text')}")
            else:
                lines.append(row["kind"])
        return lines

    async def settled(self) -> None:
        """Until nothing is under way or waits in memory."""
        runtime = self.runtime
        await until(lambda: runtime.worker.is_idle and runtime.delivery.is_idle)

    def conversation_id(self, who: str = "ann", channel: str = "api") -> str:
        return ids.conversation_id(channel, "default", who).hex()

    async def owner(
        self, owner: str = "human", who: str = "ann", channel: str = "api"
    ) -> OwnerView:
        return await self.runtime.set_owner(
            self.conversation_id(who, channel),
            OwnerRequest(owner=owner),  # type: ignore[arg-type]
            "tester",
        )

    async def stream(
        self, who: str = "ann", after: int | None = None, channel: str = "api"
    ) -> AsyncIterator[StreamItem]:
        async for item in self.runtime.stream(self.conversation_id(who, channel), after):
            if item is not None:
                yield item


def settings_for(database: Path | str, folder: Path | None = None, **overrides: str) -> Any:
    """Preset `test` on a SQLite file or a PostgreSQL URL."""
    url = database if isinstance(database, str) else f"sqlite:///{database}"
    named = {name.replace("__", "."): value for name, value in overrides.items()}
    if folder is not None:
        named["data_dir"] = str(folder)
    return load_settings(overrides={"preset": "test", "database_url": url, **named})


@asynccontextmanager
async def running(
    app: Colloquy,
    database: Path | str,
    folder: Path | None = None,
    *,
    clock: Clock = now_us,
    **overrides: str,
) -> AsyncIterator[Talk]:
    """A started runtime on this database; stopped at the end."""
    settings = settings_for(database, folder, **overrides)
    configure(settings.log_level, "json")
    runtime = Runtime(app, settings, clock=clock)
    await runtime.start()
    try:
        yield Talk(runtime)
    finally:
        await runtime.stop()


async def crash(runtime: Runtime) -> None:
    """Ends a runtime as SIGKILL would, as far as one process can: nothing is finished, given back
    or tidied up. What the operating system lets go of at a death is let go of here."""
    running = runtime.worker._running
    if running._fd is not None:
        os.close(running._fd)
        running._fd = None
    doomed = [state.task for state in runtime._supervisor._tasks.values() if state.task]
    doomed += [*runtime.worker._batches, *runtime.delivery._sending]
    doomed += [work.task for work in runtime.worker._parking._parked.values() if work.task]
    for task in doomed:
        task.cancel()
    await asyncio.gather(*doomed, return_exceptions=True)
    await runtime.store.close()
    await runtime.compute.stop()
    runtime.spool.close()
    runtime._running = False

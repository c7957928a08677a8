"""Try an assistant without a server: the whole engine, on a temporary database, in this process."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from ..model.errors import ColloquyError
from ..model.message import Message, Sender
from ..model.views import ConversationView, DeadLetterView, MessageState, Receipt, ReplyView
from ..runtime import Assistant, Runtime
from ..telemetry import configure

T = TypeVar("T")


class TestClient:
    """A context manager; see `Colloquy.test_client`. Keyword arguments are settings by dotted name.

    The engine runs in a thread of its own, so that tests stay plain functions.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name

    def __init__(self, app: Assistant, **settings: str) -> None:
        self._app = app
        self._overrides = {name.replace("__", "."): value for name, value in settings.items()}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.runtime: Runtime

    def __enter__(self) -> TestClient:
        self._folder = tempfile.TemporaryDirectory(prefix="colloquy-test-")
        database = Path(self._folder.name) / "test.db"
        overrides = {"preset": "test", "database_url": f"sqlite:///{database}", **self._overrides}
        self._thread.start()
        try:
            settings = self._app.settings(overrides)
            configure(settings.log_level, settings.log_format)
            self.runtime = Runtime(self._app, settings)
            self.run(self.runtime.start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.run(self.runtime.stop())
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        if self._folder is not None:
            self._folder.cleanup()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 60.0) -> T:
        """Runs a coroutine in the engine's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def post(self, text: str, *, conversation: str = "visitor", **fields: Any) -> Receipt:
        """Sends a message and returns its receipt. `fields` are those of `Message`."""
        sender = fields.pop("sender", None)
        message = Message(
            conversation=conversation,
            text=text,
            sender=Sender(sender) if isinstance(sender, str) else sender,
            **fields,
        )
        (receipt,) = self.run(self.runtime.accept([message]))
        if isinstance(receipt, ColloquyError):
            raise receipt
        return receipt

    def send(
        self, text: str, *, conversation: str = "visitor", wait_s: float = 10.0, **fields: Any
    ) -> list[ReplyView]:
        """Sends a message and returns the replies to it. Raises TimeoutError."""
        receipt = self.post(text, conversation=conversation, **fields)
        replies = self.run(self.runtime.wait(receipt.message_id, wait_s))
        if replies is None:
            raise TimeoutError(f"no answer within {wait_s:g} s")
        return replies

    def message(self, receipt: Receipt) -> MessageState:
        """Where a message is."""
        return self.run(self.runtime.message(receipt.message_id))

    def conversation(self, key: str = "visitor", *, channel: str = "api") -> ConversationView:
        return self.run(self.runtime.find_conversation(channel, "default", key))

    def events(self, key: str = "visitor", *, channel: str = "api") -> list[dict[str, Any]]:
        """The log of a conversation as plain data."""

        async def collect() -> list[dict[str, Any]]:
            return [
                row
                async for row in self.runtime.export()
                if row["conversation"] == key and row["channel"] == channel
            ]

        return self.run(collect())

    def dead_letters(self) -> list[DeadLetterView]:
        return self.run(self.runtime.dead_letters()).dead_letters

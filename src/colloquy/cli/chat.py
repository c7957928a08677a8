"""`colloquy chat`: a conversation in the terminal, with a running server or one made for it."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

import typer

from ..model.errors import ColloquyError, NotFound
from ..model.message import Message, Sender
from ..model.views import ReplyView
from .app import AppOption, chosen_app, load_app
from .options import Reach, command, settings_of
from .output import note, print_json
from .target import Local, reached, running

if TYPE_CHECKING:
    from ..client import AsyncClient

PROMPT = "you ▸ "
ANSWER_WAIT_S = 20.0
"""When text is piped in, the next line waits this long for the answer to the one before."""
QUIT = ("/quit", "/exit", "/q")


def register(root: typer.Typer) -> None:
    @command(root, "chat")
    def chat(
        reach: Reach,
        app: AppOption = None,
        as_: Annotated[
            str | None,
            typer.Option("--as", metavar="KEY", help="Who you are: the conversation's key."),
        ] = None,
    ) -> None:
        """Talks to an assistant: that of a running server, else one started for this chat.

        /quit ends it. Lines can be piped in; then each waits for its answer.
        """
        key = as_ or f"terminal-{getpass.getuser()}"
        with contextlib.suppress(EOFError):
            asyncio.run(_chat(reach, app, key))


async def _chat(reach: Reach, app: str | None, key: str) -> None:
    async with _partner(reach, app) as partner:
        if sys.stdin.isatty():
            await _Terminal(partner, key).run()
        else:
            await _piped(partner, key, reach.json)


@contextlib.asynccontextmanager
async def _partner(reach: Reach, app: str | None) -> AsyncIterator[Local | AsyncClient]:
    """A running server when there is one, else an engine in a folder that goes afterwards."""
    if app is None:
        try:
            async with reached(reach, server_only=True) as server:
                yield server
                return
        except NotFound:
            note("No server is running: this is one of its own, in a temporary folder.")
    from ..runtime import Runtime

    loaded = load_app(chosen_app(app, reach))
    with tempfile.TemporaryDirectory(prefix="colloquy-chat-") as folder:
        file = Path(folder) / "chat.db"
        own = {"database_url": f"sqlite:///{file}", "data_dir": folder, "signals.url": ""}
        settings = settings_of(reach, **own).settings
        async with running(Runtime(loaded, settings)) as runtime:
            yield Local(runtime)


def _message(key: str, text: str) -> Message:
    # An id of our own: whatever happens on the way, the message counts once.
    return Message(conversation=key, id=uuid4().hex, sender=Sender(key), text=text)


async def _piped(partner: Local | AsyncClient, key: str, as_json: bool) -> None:
    for line in sys.stdin:
        text = line.strip()
        if text in QUIT:
            return
        if not text:
            continue
        answer = await partner.send(_message(key, text), wait_s=ANSWER_WAIT_S)
        if answer.replies is None:
            note(f"no answer within {ANSWER_WAIT_S:.0f} s to: {text}")
        for reply in answer.replies or []:
            if as_json:
                print_json(reply)
            else:
                print(f"{_author(reply)} {reply.text or ''}", flush=True)


class _Terminal:
    """Lines are typed in a thread; replies are printed above the line being typed."""

    def __init__(self, partner: Local | AsyncClient, key: str) -> None:
        self._partner = partner
        self._key = key
        self._conversation: asyncio.Future[str]
        self._typing = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._conversation = loop.create_future()
        lines: asyncio.Queue[str | None] = asyncio.Queue()
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                self._typing = True
                # A daemon thread: one that still waits for a line must not keep the program alive.
                threading.Thread(target=_type, args=(loop, lines), daemon=True).start()
                text = await lines.get()
                self._typing = False
                if text is None or text.strip() in QUIT:
                    return
                if text.strip():
                    await self._say(text.strip())
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    async def _say(self, text: str) -> None:
        try:
            receipt = (await self._partner.send(_message(self._key, text))).receipt
        except ColloquyError as error:
            note(f"not sent: {error.code}: {error.detail}")
            return
        if not self._conversation.done():
            self._conversation.set_result(receipt.conversation_id)

    async def _listen(self) -> None:
        async for item in self._partner.stream(await self._conversation):
            if item.reply is not None:
                self._show(item.reply)

    def _show(self, reply: ReplyView) -> None:
        said = f"{_author(reply)} {reply.text or ''}"
        if reply.quick_replies:
            said += f"  [{' | '.join(reply.quick_replies)}]"
        if not self._typing:
            print(said)
            return
        import readline

        # Over the prompt, then the prompt again with what was typed so far.
        print(f"\r\033[K{said}\n{PROMPT}{readline.get_line_buffer()}", end="", flush=True)


def _author(reply: ReplyView) -> str:
    return f"{reply.author_name or reply.author} ◂"


def _type(loop: asyncio.AbstractEventLoop, lines: asyncio.Queue[str | None]) -> None:
    try:
        import readline  # noqa: F401  # line editing for input()

        line: str | None = input(PROMPT)
    except EOFError:
        line = None
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
        loop.call_soon_threadsafe(lines.put_nowait, line)

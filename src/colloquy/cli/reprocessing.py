"""`colloquy reprocess --dry-run`: what today's models would understand differently."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from msgspec import Struct

from ..model.errors import InvalidInput
from ..model.message import Message
from ..model.times import to_us
from ..model.understanding import Understanding
from .options import Reach, command, settings_of
from .output import print_json, print_table, progress, shortened
from .target import Local, parse_moment, reached

if TYPE_CHECKING:
    from ..client import AsyncClient
    from ..understanding.analyse import Analyser
    from ..understanding.comparing import Comparison
    from ..understanding.wire import Item

BATCH = 64
PAGE = 500


class _Stored(Struct):
    message_id: str
    received_at: str
    message: Message
    understanding: Understanding | None = None


_stored = msgspec.json.Decoder(_Stored)


def register(root: typer.Typer) -> None:
    @command(root, "reprocess")
    def reprocess(
        reach: Reach,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only say what would change; must be given.")
        ] = False,
        pack: Annotated[
            str | None,
            typer.Option("--pack", metavar="PACK", help="Another pack than the configured one."),
        ] = None,
        conversation: Annotated[
            str | None, typer.Option("--conversation", metavar="ID", help="Only this one.")
        ] = None,
        since: Annotated[
            str | None,
            typer.Option("--since", metavar="TIME", help="Only what was received then or later."),
        ] = None,
        limit: Annotated[
            int | None, typer.Option("--limit", min=1, help="At most so many messages.")
        ] = None,
        show_text: Annotated[
            bool, typer.Option("--show-text", help="Print what people wrote, too.")
        ] = False,
    ) -> None:
        """Understands stored messages again under today's pack and models, and compares.

        Nothing is written: what a message meant when it was answered stays in the log. No part is
        left out to save time, as may happen in a busy server.
        """
        if not dry_run:
            raise InvalidInput("the log is not rewritten: give --dry-run", field="dry_run")
        moment = None if since is None else parse_moment(since, "since")
        result = asyncio.run(_compare(reach, pack, conversation, moment, limit, show_text))
        if reach.json:
            print_json({**msgspec.to_builtins(result), "agreement": result.agreement})
        else:
            _show(result)


async def _compare(
    reach: Reach,
    pack: str | None,
    conversation: str | None,
    since: datetime | None,
    limit: int | None,
    show_text: bool,
) -> Comparison:
    from ..understanding.comparing import Comparer

    analyser = await _analyser(reach, pack)
    comparer = Comparer()
    waiting: list[tuple[_Stored, Item]] = []

    def flush() -> None:
        found = analyser.analyse([item for _, item in waiting])
        for (stored, item), one in zip(waiting, found, strict=True):
            new = msgspec.json.decode(one.raw, type=Understanding)
            old = stored.understanding or Understanding()
            comparer.add(stored.message_id, item.text, old, new)
        waiting.clear()

    with progress("understanding again") as advance:
        async with reached(reach) as target:
            async for stored in _messages(target, conversation, since, limit):
                waiting.append((stored, _item(stored)))
                if len(waiting) == BATCH:
                    flush()
                    advance(BATCH)
    flush()
    return comparer.result(show_text=show_text)


async def _messages(
    target: Local | AsyncClient,
    conversation: str | None,
    since: datetime | None,
    limit: int | None,
) -> AsyncIterator[_Stored]:
    """Stored messages, conversation by conversation, each in its order."""
    found = 0
    if conversation is not None:
        ids = [(await target.conversation(conversation)).conversation_id]
    else:
        ids = [view.conversation_id async for view in target.conversations(limit=PAGE)]
    for conversation_id in ids:
        async for event in target.events(conversation_id, limit=PAGE):
            if event.kind != "message":
                continue
            stored = _stored.decode(event.body)
            if since is not None and datetime.fromisoformat(stored.received_at) < since:
                continue
            yield stored
            found += 1
            if found == limit:
                return


async def _analyser(reach: Reach, name: str | None) -> Analyser:
    """What a server with these settings would understand with, and nothing left out."""
    from ..runtime.assistant import find_pack, models_of
    from ..understanding.extension import load_extensions
    from ..understanding.loading import load_analyser
    from ..understanding.packs.folder import load_pack

    settings = settings_of(reach).settings
    pack = load_pack(find_pack(name or settings.pack or "property"))
    models = await models_of(settings, pack)
    return load_analyser(
        models.pack,
        models.model,
        extensions=load_extensions(models.extensions),
        limited=False,
    )


def _item(stored: _Stored) -> Item:
    from ..understanding.wire import Item

    at = to_us(datetime.fromisoformat(stored.received_at))
    return Item(stored.message.full_text, at, stored.message.time_zone)


def _show(result: Comparison) -> None:
    print(f"{result.messages} messages, {result.agreement:.1%} understood alike")
    for versions, count in result.versions.items():
        print(f"  {count}: {versions}")
    if not result.changed:
        return
    print()
    print_table(["what", "changed"], [list(pair) for pair in result.changed.items()], "")
    print()
    rows = [
        [one.kind, one.message_id[:12], one.before, one.after, shortened(one.text or "")]
        for one in result.examples
    ]
    print_table(["what", "message", "before", "now", "text"], rows, "")

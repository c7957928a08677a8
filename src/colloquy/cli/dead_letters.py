"""`colloquy dead-letters`: messages that could not be handled, their causes, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import typer

from ..model.errors import InvalidInput
from ..model.views import DeadLetterView
from .options import Cursor, Limit, Reach, command
from .output import clock_time, print_json, print_table, shortened
from .target import Local, reached

app = typer.Typer(
    no_args_is_help=True,
    help="Messages that could not be handled: see why, try again, or discard.",
)

Numbers = Annotated[
    list[int] | None, typer.Argument(metavar="[NUMBER]...", help="Numbers as listed.")
]
Conversation = Annotated[
    str | None, typer.Option("--conversation", metavar="ID", help="All of one conversation.")
]
Everything = Annotated[bool, typer.Option("--all", help="All that are there.")]

PAGE = 200


@command(app, "list")
def list_(
    reach: Reach,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[str, typer.Option("--status", help="dead or discarded.")] = "dead",
) -> None:
    """Lists dead letters, newest first."""

    async def work() -> None:
        async with reached(reach) as target:
            page = await target.dead_letter_page(cursor, limit, status)
        if reach.json:
            print_json(page)
            return
        print_table(
            ["number", "died (UTC)", "cause", "conversation", "message", "detail"],
            [
                (
                    letter.number,
                    clock_time(letter.dead_at),
                    letter.cause,
                    letter.conversation_id,
                    shortened(text_of(letter), 40),
                    shortened(letter.detail, 60),
                )
                for letter in page.dead_letters
            ],
            empty=f"No {status} letters.",
        )
        if page.next is not None:
            print(f"More: --cursor {page.next}")

    asyncio.run(work())


@command(app, "show")
def show(
    reach: Reach,
    number: Annotated[int, typer.Argument(help="Number as listed.")],
) -> None:
    """Shows one dead letter whole: the message, the cause, every attempt."""

    async def work() -> None:
        async with reached(reach) as target:
            letter = await target.dead_letter(number)
        if reach.json:
            print_json(letter)
            return
        for name in ("number", "status", "cause", "detail", "message_id", "conversation_id"):
            print(f"{name:16} {getattr(letter, name)}")
        print(f"{'received':16} {letter.received_at}")
        print(f"{'died':16} {letter.dead_at}")
        for count, attempt in enumerate(letter.attempts, 1):
            print(f"{f'attempt {count}':16} {_line(attempt)}")
        print(f"{'message':16} {bytes(letter.message).decode()}")

    asyncio.run(work())


@command(app, "retry")
def retry(
    reach: Reach,
    numbers: Numbers = None,
    conversation: Conversation = None,
    everything: Everything = False,
) -> None:
    """Puts dead letters back into the inbox, each at the end of its conversation, in order."""

    async def work() -> list[int]:
        chosen = _chosen(numbers, conversation, everything)
        async with reached(reach) as target:
            if conversation is not None:
                return await target.retry_dead_letters(None, conversation)
            done: list[int] = []
            for some in _chunks(chosen or await all_numbers(target)):
                done += await target.retry_dead_letters(some)
            return done

    _report("retried", asyncio.run(work()), reach.json)


@command(app, "discard")
def discard(
    reach: Reach,
    numbers: Numbers = None,
    conversation: Conversation = None,
    everything: Everything = False,
) -> None:
    """Sets dead letters aside for good; their record stays (`list --status discarded`)."""

    async def work() -> list[int]:
        chosen = _chosen(numbers, conversation, everything)
        async with reached(reach) as target:
            done: list[int] = []
            for some in _chunks(chosen or await all_numbers(target, conversation)):
                done += await target.discard_dead_letters(some)
            return done

    _report("discarded", asyncio.run(work()), reach.json)


async def all_numbers(target: Local | Any, conversation: str | None = None) -> list[int]:
    """The numbers of all dead letters (of one conversation), oldest first."""
    found: list[int] = []
    cursor: str | None = None
    while True:
        page = await target.dead_letter_page(cursor, PAGE, conversation_id=conversation)
        found += [letter.number for letter in page.dead_letters]
        cursor = page.next
        if cursor is None:
            return sorted(found)


def text_of(letter: DeadLetterView) -> str:
    """The text of the message, where it has one."""
    fields = msgspec.json.decode(letter.message)
    return str(fields.get("text") or "") if isinstance(fields, dict) else ""


def _chosen(
    numbers: list[int] | None, conversation: str | None, everything: bool
) -> list[int] | None:
    """The numbers given; None when another way was chosen. Exactly one way must be."""
    if sum((bool(numbers), conversation is not None, everything)) != 1:
        raise InvalidInput("give numbers, or --conversation ID, or --all", field="numbers")
    return numbers or None


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    """As many as one request takes."""
    for start in range(0, len(numbers), PAGE):
        yield numbers[start : start + PAGE]


def _report(verb: str, numbers: list[int], as_json: bool) -> None:
    if as_json:
        print_json({verb: numbers})
    else:
        listed = f": {', '.join(map(str, numbers))}" if numbers else ""
        print(f"{len(numbers)} {verb}{listed}")


def _line(attempt: dict[str, Any]) -> str:
    return "  ".join(f"{name}={value}" for name, value in attempt.items())

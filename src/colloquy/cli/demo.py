"""`colloquy demo`: what this is, shown in half a minute."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated

import typer

from .options import Json, command
from .output import print_json

LEAST_COLUMNS = 90
"""A narrower terminal gets plain lines."""


def register(root: typer.Typer) -> None:
    @command(root, "demo")
    def demo(
        file: Annotated[
            list[Path] | None,
            typer.Option("--file", help="Also play this chat log (V2 or OpenAI form); repeatable."),
        ] = None,
        folder: Annotated[
            Path | None,
            typer.Option("--folder", help="Keep the database here. Default: a temporary folder."),
        ] = None,
        exit_when_done: Annotated[
            bool, typer.Option("--exit-when-done", help="Do not stay for a chat in the browser.")
        ] = False,
        pace: Annotated[
            float, typer.Option("--pace", min=0.01, max=10, help="Stretches the pauses.")
        ] = 1.0,
        json: Json = False,
    ) -> int:
        """Starts a server, plays conversations into it, kills it on the way, and checks the log.

        Afterwards a chat with the same assistant stays open in the browser until Ctrl-C.
        """
        return asyncio.run(_demo(file or [], folder, exit_when_done or json, json, pace))


async def _demo(
    files: list[Path], folder: Path | None, leave: bool, as_json: bool, pace: float
) -> int:
    from ..demo.screen import LiveScreen, PlainScreen
    from ..demo.show import show

    plain = as_json or not sys.stdout.isatty() or get_terminal_size().columns < LEAST_COLUMNS
    screen = PlainScreen(sys.stderr if as_json else sys.stdout) if plain else LiveScreen()
    stay = None if leave else _stay
    figures = await show(screen, folder=folder, files=files, stay=stay, pace=pace)
    if as_json:
        print_json(figures.report())
    return 0 if figures.kept_its_promises else 1


async def _stay(url: str) -> None:
    """Says where the chat is and waits for Ctrl-C."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    print()
    print(f"  Chat with the same assistant:  {url}/chat")
    print(f"  Its API:                       {url}/v2/openapi.json")
    print("  Ctrl-C ends it.", flush=True)
    await ended.wait()

"""`colloquy doctor`: is everything as it should be?"""

from __future__ import annotations

import asyncio
import os

import typer

from .options import Json, Where, command
from .output import console, print_json

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def register(root: typer.Typer) -> None:
    @command(root, "doctor")
    def doctor(where: Where, json: Json = False) -> int:
        """Checks this machine, the installation, the settings and the database; changes nothing.

        Exits with 1 when something has to be repaired before the engine keeps its promises.
        """
        from ..doctor import examine
        from ..runtime.checks import worst

        checks = asyncio.run(examine(where.config, os.environ, where.overrides()))
        status = worst(checks)
        if json:
            print_json({"status": status, "checks": checks})
            return int(status == "fail")
        from rich.text import Text

        out = console()
        for check in checks:
            line = Text.assemble(
                (f"{check.status:5}", COLOURS[check.status]), f"{check.name:16} ", check.detail
            )
            out.print(line)
            if check.advice:
                out.print(Text(f"{'':22}→ {check.advice}", "dim"))
        return int(status == "fail")

"""`colloquy mcp`: an assistant's tools for other programs."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Annotated

import typer

from .app import AppOption, chosen_app, load_app
from .options import Where, command
from .output import note, print_json
from .serve import settings_for


def register(root: typer.Typer) -> None:
    @command(root, "mcp")
    def mcp(
        where: Where,
        app: AppOption = None,
        json: Annotated[
            bool, typer.Option("--json", help="Print the tools that are served, and end.")
        ] = False,
    ) -> None:
        """Serves the assistant's tools to the program that starts this: MCP over standard input
        and output.

        Only tools that `replies.tools` allows and that need no conversation. Each call is checked
        as a model's is; the same call again is done again. Needs the extra `mcp`.
        """
        from ..mcp import serve_stdio
        from ..replies.tools import Toolbox, to_openai
        from ..telemetry import Metrics, configure

        with contextlib.redirect_stdout(sys.stderr):
            loaded = load_app(chosen_app(app, where))
        settings = settings_for(loaded, where).settings
        configure("warning")
        toolbox = Toolbox(
            loaded.tools.values(),
            Metrics(enabled=False),
            allowed=settings.replies.tools,
            timeout_s=settings.replies.model.tool_timeout_s,
        )
        served = toolbox.outside()
        if json:
            print_json(to_openai(served))
            return
        for tool in loaded.tools.values():
            if tool not in served:
                note(f"{tool.name} is not served: it needs a conversation, or is not allowed")
        try:
            asyncio.run(serve_stdio(toolbox))
        finally:
            toolbox.close()

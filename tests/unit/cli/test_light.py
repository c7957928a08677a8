"""The command line begins quickly: what only some commands need, they load themselves."""

import subprocess
import sys

HEAVY = ("numpy", "sqlalchemy", "litestar", "httpx", "apsw", "asyncpg", "mcp", "redis", "nats")


def test_the_command_line_loads_nothing_heavy() -> None:
    code = f"import sys, colloquy.cli.root; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]"

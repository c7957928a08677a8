"""The command line: `colloquy …`. Names of commands and options are a contract."""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the `colloquy` script."""
    from .root import run

    sys.exit(run(sys.argv[1:]))

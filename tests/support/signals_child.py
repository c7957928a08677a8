"""A process that listens for signals and says what it hears: `python … URL SECRET`."""

from __future__ import annotations

import asyncio
import sys

from colloquy.settings.signals import signal_server
from colloquy.storage.signals.carrier import carrier_to
from colloquy.storage.signals.envelope import Identity
from colloquy.storage.signals.signals import Signals
from colloquy.telemetry import configure


async def main(url: str, secret: str) -> None:
    configure("error", "json")
    signals = Signals(carrier_to(signal_server(url)), prefix="colloquy")
    signals.listen(lambda topic, text: print(topic, flush=True) if topic != "noise" else None)
    await signals.open(Identity.of(bytes.fromhex(secret), "child"))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await signals.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

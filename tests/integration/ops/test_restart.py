"""A real process whose loop hangs is really replaced, with its arguments and its id."""

import subprocess
import sys

PROGRAM = """
import asyncio, os, pathlib, sys, time
from colloquy.ops import Pulse, Supervisor, Watchdog

record = pathlib.Path(sys.argv[1])
with record.open("a") as file:
    file.write(f"{os.getpid()} {sys.argv[2]}\\n")
if len(record.read_text().splitlines()) == 2:
    sys.exit(7)

def hang_here():
    while True:
        time.sleep(0.01)

async def main():
    dog = Watchdog(3.0)
    dog.start()
    beaten = asyncio.Event()

    def beat():
        dog.beat()
        beaten.set()

    supervisor = Supervisor()
    supervisor.start("pulse", Pulse(0.01, beat=beat).run)
    await beaten.wait()
    hang_here()

asyncio.run(main())
"""


def test_a_hanging_loop_is_replaced(tmp_path):
    record = tmp_path / "starts"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(record), "an argument"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 7, done.stderr
    first, second = record.read_text().splitlines()
    assert first == second
    assert first.endswith(" an argument")
    assert "hang_here" in done.stderr
    assert "event loop hangs" in done.stdout + done.stderr

"""Reading exports: rate and memory of each format.

    python benchmarks/imports.py [--json] [--messages N] [--format NAME]

Each format is written by a generator and surveyed in a process of its own, so that its peak memory
is its own; `base` is that of a file with a hundred messages. Writing into a database is measured by
`benchmarks/writer.py`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from colloquy.formats import Options, open_reader, survey

START = datetime(2021, 1, 31)
SMALL = 100


def moments(count: int) -> Iterator[tuple[int, datetime]]:
    return ((number, START + timedelta(minutes=number)) for number in range(count))


def whatsapp(count: int) -> Iterator[str]:
    for number, at in moments(count):
        yield f"[{at:%d/%m/%y, %H:%M:%S}] {('Ann', 'Home')[number % 2]}: message {number}\n"


def telegram(count: int) -> Iterator[str]:
    yield '{"name": "Ann", "type": "personal_chat", "id": 1, "messages": [\n'
    for number, at in moments(count):
        entry = {"id": number, "type": "message", "date": at.isoformat(), "from": "Ann",
                 "from_id": "user1", "text": f"message {number}"}  # fmt: skip
        yield f"{',' if number else ''}{json.dumps(entry)}\n"
    yield "]}\n"


def csv(count: int) -> Iterator[str]:
    yield "conversation,id,text,sent_at\n"
    for number, at in moments(count):
        yield f"c{number % 1000},{number},message {number},{at.isoformat()}\n"


def jsonl(count: int) -> Iterator[str]:
    for number, _ in moments(count):
        row = {"conversation": f"c{number % 1000}", "id": str(number), "text": f"message {number}"}
        yield json.dumps(row) + "\n"


def openai(count: int) -> Iterator[str]:
    for number in range(count // 10):
        said = [{"role": "user", "content": f"message {place}"} for place in range(10)]
        yield json.dumps({"id": f"log-{number}", "messages": said}) + "\n"


FORMATS: dict[str, Callable[[int], Iterator[str]]] = {
    "jsonl": jsonl,
    "openai": openai,
    "whatsapp": whatsapp,
    "telegram": telegram,
    "csv": csv,
}


def measure(path: Path, name: str) -> dict[str, float]:
    """Seconds, messages and peak memory of this process."""
    begun = time.perf_counter()
    found = survey(open_reader(path, name, Options(me="Home" if name == "whatsapp" else None)))
    return {
        "messages": found.messages,
        "bad_rows": found.bad_rows,
        "seconds": time.perf_counter() - begun,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def apart(path: Path, name: str) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--measure", str(path), "--format", name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--format", choices=FORMATS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure, options.format)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in [options.format] if options.format else FORMATS:
            found = {}
            for count in (SMALL, options.messages):
                path = Path(folder) / f"{name}-{count}"
                with path.open("w", encoding="utf-8") as out:
                    out.writelines(FORMATS[name](count))
                found[count] = apart(path, name)
            full = found[options.messages]
            rate = full["messages"] / full["seconds"]
            base = found[SMALL]["peak_mib"]
            if options.json:
                print(json.dumps({"format": name, "rate": rate, "base_mib": base, **full}))
            else:
                print(
                    f"{name:9} {full['messages']:>9.0f} messages  {rate:>9.0f}/s  "
                    f"{full['peak_mib']:.0f} MiB at most (base {base:.0f})"
                )


if __name__ == "__main__":
    main()

"""Microseconds of CPU time per message of conversion between the formats V1 and V2, both ways.

    .venv/bin/python benchmarks/convert.py [--data FILE.jsonl[.gz] ...] [--messages 4096] [--json]

Without `--data` the messages are made up with a fixed seed, of the kinds that older tables and logs
have: texts with ids and times, pictures, calls of tools and their results. With it they are the
texts of the files (`text` of each line, or of its `turns`), each as a message of that kind. V1's go
to V2 and back, then V2's own to V1 and back; each round trip is checked before anything is timed.
`convert_us` is the mean of all four. The time is that of the process: other work may run beside it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time_ns
from typing import Any

from colloquy.evolution import to_v1, to_v2
from colloquy.model.message import Media, Message, Sender, Text

SEED = 7
ROUNDS = 5
"""The best one counts: other work on the machine only adds."""
START = datetime(2026, 1, 31, tzinfo=UTC)
WORDS = ("is", "the", "flat", "on", "main", "street", "still", "free", "when", "could", "i")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="*", default=[], help=".jsonl[.gz] files")
    parser.add_argument("--messages", type=int, default=4096)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    draw = random.Random(SEED)
    texts = [text for path in options.data for text in _texts(path)] or [
        " ".join(draw.choices(WORDS, k=draw.randint(1, 40))) for _ in range(options.messages)
    ]
    texts = draw.sample(texts, min(options.messages, len(texts)))
    ones = [_v1(number, text) for number, text in enumerate(texts)]
    twos = [_v2(number, text) for number, text in enumerate(texts)]
    adopted, rendered = [to_v2(one) for one in ones], [to_v1(two) for two in twos]
    if [to_v1(message) for message in adopted] != ones or [to_v2(one) for one in rendered] != twos:
        raise SystemExit("a message did not come back as it was")
    figures = {
        "v1_to_v2_us": _us(to_v2, ones),
        "v1_back_us": _us(to_v1, adopted),
        "v2_to_v1_us": _us(to_v1, twos),
        "v2_back_us": _us(to_v2, rendered),
    }
    figures["convert_us"] = round(sum(figures.values()) / len(figures), 2)
    report = {"messages": len(texts), **figures}
    if options.json:
        print(json.dumps(report))
    else:
        for name, value in report.items():
            print(f"{name:12} {value:g}")


def _us(convert: Callable[[Any], object], items: list[Any]) -> float:
    best = 10**18
    for _ in range(ROUNDS):
        started = process_time_ns()
        for item in items:
            convert(item)
        best = min(best, process_time_ns() - started)
    return round(best / len(items) / 1000, 2)


def _v1(number: int, text: str) -> dict[str, Any]:
    """Every tenth has a picture, every tenth a call of a tool, every tenth is a result of one."""
    at = (START + timedelta(seconds=number)).isoformat(" ")
    v1: dict[str, Any] = {
        "id": number, "conversation_id": f"c-{number % 97}", "timestamp": at, "content": text,
        "role": "user" if number % 2 else "assistant", "metadata": {"tab": number % 3},
    }  # fmt: skip
    if number % 10 == 3:
        picture = {"type": "image_url", "image_url": {"url": "https://a.example/1.png"}}
        v1["content"] = [{"type": "text", "text": text}, picture]
    elif number % 10 == 4:
        function = {"name": "find", "arguments": json.dumps({"q": text})}
        v1["tool_calls"] = [{"id": f"t-{number}", "type": "function", "function": function}]
    elif number % 10 == 6:
        v1 |= {"role": "tool", "tool_call_id": f"t-{number}"}
    return v1


def _v2(number: int, text: str) -> Message:
    """Every tenth is urgent, every tenth has a picture, every second says who."""
    picture = [Text("this one"), Media("https://a.example/1.png", "image/png")]
    return Message(
        conversation=f"c-{number % 97}",
        id=f"m-{number}",
        text=text,
        sender=Sender(f"c-{number % 97}", name="Ann") if number % 2 else None,
        sent_at=START + timedelta(seconds=number),
        parts=picture if number % 10 == 3 else [],
        urgent=number % 10 == 5,
        metadata={"tab": number % 3},
    )


def _texts(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            row = json.loads(line)
            for one in (row, *row.get("turns", ())):
                if isinstance(one.get("text"), str) and one["text"]:
                    yield one["text"]


if __name__ == "__main__":
    main()

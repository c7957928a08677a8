"""Microseconds per message of understanding, by part and batch size.

    .venv/bin/python benchmarks/understanding.py [--data FILE.jsonl[.gz]] [--messages 4096] [--json]

Without `--data` the texts are the shipped pack's own examples, twice as long when joined in pairs.
With it, `text` of each line is taken, or the texts of its `turns`. The budget is 200 µs per message
on average in batches of 64 (engine decision 3).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.understanding.analyse import Item
from colloquy.understanding.compute import load_analyser
from colloquy.understanding.pack import load_pack

BATCHES = (1, 16, 64, 256)
PARTS = ("intent", "entities", "polarity", "encode")
AT_US = 1_795_255_200_000_000
SEED = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="a .jsonl or .jsonl.gz file, or a folder of them")
    parser.add_argument("--messages", type=int, default=4096)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    texts = list(_texts(options.data, options.messages)) if options.data else _bundled()
    if not texts:
        raise SystemExit(f"{options.data} has no texts")
    items = [
        Item(texts[index % len(texts)], AT_US + index * 1_000_000, "America/New_York", "US")
        for index in range(options.messages)
    ]
    rows = [_measure(items, size) for size in BATCHES]
    length = sum(map(len, texts)) / len(texts)
    if options.json:
        print(json.dumps({"texts": len(texts), "characters": round(length, 1), "batches": rows}))
        return
    print(f"{len(texts)} texts of {length:.0f} characters on average; µs per message")
    print(f"{'batch':>6} {'all':>8} " + " ".join(f"{part:>9}" for part in PARTS))
    for row in rows:
        print(
            f"{row['batch']:>6.0f} {row['us_per_message']:>8.1f} "
            + " ".join(f"{row[part]:>9.1f}" for part in PARTS)
        )


def _measure(items: list[Item], size: int) -> dict[str, float]:
    """The best of three rounds: the machine is shared, and noise only adds."""
    analyser = load_analyser(PROPERTY_PACK, PROPERTY_MODEL)
    best: dict[str, float] = {}
    for _ in range(3):
        analyser.counters.clear()
        began = perf_counter()
        for start in range(0, len(items), size):
            analyser.analyse(items[start : start + size])
        spent = (perf_counter() - began) * 1e6 / len(items)
        if not best or spent < best["us_per_message"]:
            best = {"batch": size, "us_per_message": round(spent, 2)}
            for part in PARTS:
                best[part] = round(analyser.counters[f"{part}_ns"] / 1000 / len(items), 2)
    return best


def _bundled() -> list[str]:
    """The pack's examples, alone and joined in pairs, in a fixed order."""
    pack = load_pack(PROPERTY_PACK)
    texts = [text for intent in pack.intents.values() for text in intent.examples]
    texts += pack.out_of_scope
    generator = random.Random(SEED)
    generator.shuffle(texts)
    return texts + [f"{first}, {second}" for first, second in pairwise(texts)]


def _texts(path: Path, limit: int) -> Iterator[str]:
    files = sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]
    found = 0
    for file in files:
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
            for line in lines:
                row = json.loads(line)
                for turn in row.get("turns", [row]):
                    if found == limit:
                        return
                    if turn.get("text") and turn.get("speaker", "USER") == "USER":
                        found += 1
                        yield turn["text"]


if __name__ == "__main__":
    main()

"""Microseconds of CPU time per message of understanding, by part and batch size.

    .venv/bin/python benchmarks/understanding.py [--data FILE.jsonl[.gz] ...] [--messages 4096]
        [--batches 1,16,64,256] [--json]

Without `--data` the texts are the shipped pack's own examples, twice as long when joined in pairs.
With it, each file (or folder of them) is a set of its own: `text` of each line is taken, or the
texts of its `turns` that users wrote, drawn from all of them with a fixed seed. The time is that of
the process, not of the clock on the wall, as other work may run beside it. The budget is 200 µs per
message on average in batches of 64 (engine decision 3), without the accurate tier.

Entities are taken apart in batches of 64: patterns (of which the gates, through which every text
goes), the pack's phrases, its tagger.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from time import process_time_ns

from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.understanding import analyse
from colloquy.understanding.analyse import Item
from colloquy.understanding.entities.extract import EntityExtractor, Source, plain
from colloquy.understanding.entities.tagger.model import Tagger
from colloquy.understanding.loading import load_analyser
from colloquy.understanding.model_files import tagger_name
from colloquy.understanding.packs.folder import load_pack

PARTS = ("intent", "language", "emotion", "entities", "polarity", "encode")
AT_US = 1_795_255_200_000_000
SEED = 7
ROUNDS = 3
"""The best one counts: other work on the machine only adds."""
BATCH = 64

# The counters of the parts count what this clock says.
analyse.perf_counter_ns = process_time_ns  # type: ignore[attr-defined]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, nargs="*", default=[], help=".jsonl or .jsonl.gz files, or folders"
    )
    parser.add_argument("--messages", type=int, default=4096)
    parser.add_argument("--batches", default="1,16,64,256")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = [int(size) for size in options.batches.split(",")]
    sets = {str(path): _drawn(path, options.messages) for path in options.data}
    for name, texts in (sets or {"the pack's examples": _bundled()}).items():
        if not texts:
            raise SystemExit(f"{name} has no texts")
        texts = [texts[index % len(texts)] for index in range(options.messages)]
        items = [
            Item(text, AT_US + index * 1_000_000, "America/New_York", "US")
            for index, text in enumerate(texts)
        ]
        rows = [_measure(items, size) for size in sizes]
        layers = _layers(items)
        length = sum(map(len, texts)) / len(texts)
        if options.json:
            print(
                json.dumps(
                    {
                        "set": name,
                        "texts": len(set(texts)),
                        "characters": round(length, 1),
                        "batches": rows,
                        "entities": layers,
                    }
                )
            )
            continue
        print(f"{name}: {len(set(texts))} distinct texts of {length:.0f} characters on average")
        print(f"{'batch':>6} {'all':>8} " + " ".join(f"{part:>9}" for part in PARTS))
        for row in rows:
            print(
                f"{row['batch']:>6.0f} {row['us_per_message']:>8.1f} "
                + " ".join(f"{row[part]:>9.1f}" for part in PARTS)
            )
        print("entities: " + ", ".join(f"{part} {us:.1f}" for part, us in layers.items()) + "\n")


def _measure(items: list[Item], size: int) -> dict[str, float]:
    """CPU µs per message of all and of each part."""
    analyser = load_analyser(PROPERTY_PACK, PROPERTY_MODEL)
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        analyser.counters.clear()
        began = process_time_ns()
        for start in range(0, len(items), size):
            analyser.analyse(items[start : start + size])
        spent = (process_time_ns() - began) / 1e3 / len(items)
        if not best or spent < best["us_per_message"]:
            best = {"batch": size, "us_per_message": round(spent, 2)}
            for part in PARTS:
                best[part] = round(analyser.counters[f"{part}_ns"] / 1000 / len(items), 2)
    return best


def _layers(items: list[Item]) -> dict[str, float]:
    """CPU µs per message of each layer of the entities."""
    pack = load_pack(PROPERTY_PACK)
    path = PROPERTY_MODEL.with_name(tagger_name(pack))
    tagger = Tagger.load(path) if path.exists() else None
    texts = [item.text for item in items]
    sources = [Source(item.text, item.at_us, item.time_zone, item.region) for item in items]
    patterns = EntityExtractor()

    def reads(extractor: EntityExtractor) -> Callable[[], None]:
        def run() -> None:
            for start in range(0, len(sources), BATCH):
                extractor.extract_batch(sources[start : start + BATCH])

        return run

    def opens() -> None:
        for text in texts:
            for gate in patterns._gates:
                gate.chances(plain(text))

    alone = _best(reads(patterns), len(items))
    phrases = _best(reads(EntityExtractor(pack)), len(items))
    layers = {
        "patterns": alone,
        "of which gates": _best(opens, len(items)),
        "phrases": phrases - alone,
    }
    if tagger is not None:
        layers["tagger"] = _best(reads(EntityExtractor(pack, tagger)), len(items)) - phrases
    return {part: round(us, 2) for part, us in layers.items()}


def _best(run: Callable[[], None], messages: int) -> float:
    spent = []
    for _ in range(ROUNDS):
        began = process_time_ns()
        run()
        spent.append(process_time_ns() - began)
    return min(spent) / 1e3 / messages


def _bundled() -> list[str]:
    """The pack's examples, alone and joined in pairs, in a fixed order."""
    pack = load_pack(PROPERTY_PACK)
    texts = [text for intent in pack.intents.values() for text in intent.examples]
    texts += pack.out_of_scope
    generator = random.Random(SEED)
    generator.shuffle(texts)
    return texts + [f"{first}, {second}" for first, second in pairwise(texts)]


def _drawn(path: Path, limit: int) -> list[str]:
    texts = list(_texts(path))
    random.Random(SEED).shuffle(texts)
    return texts[:limit]


def _texts(path: Path) -> Iterator[str]:
    for file in sorted(path.glob("*.jsonl*")) if path.is_dir() else [path]:
        with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
            for line in lines:
                row = json.loads(line)
                for turn in row.get("turns", [row]):
                    if turn.get("text") and turn.get("speaker", "USER") == "USER":
                        yield turn["text"]


if __name__ == "__main__":
    main()

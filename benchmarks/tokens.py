"""How far the offline count of tokens is from what real tokenizers say.

    .venv/bin/python benchmarks/tokens.py DATA.jsonl[.gz] ... [--field text] [--by lang] [--json]

Each file is a set of its own, or one per value of `--by`; at most 1,200 texts of each are drawn
with a fixed seed. Compared with WordPiece (the encoder's, where it is installed) and byte-pair
encoding (the tokenizer that comes with `mistral-common`, extra `bench`): the error of the sum, the
mean error of a text, and the 5th percentile, below which texts are under-counted worst.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from colloquy.context.tokens import EstimatedTokens
from colloquy.understanding.encoder.base import load_base, missing

MOST = 1200
SEED = 1
Count = Callable[[str], int]


def tokenizers() -> dict[str, Count]:
    """Those that are installed here."""
    found: dict[str, Count] = {}
    if missing() is None:
        base = load_base()
        # Without [CLS] and [SEP].
        found["wordpiece"] = lambda text: len(base.texts([text], 1 << 20)[0].ids) - 2
    try:
        import mistral_common
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer
    except ImportError:
        return found
    vocabularies = Path(mistral_common.__file__).parent / "data"
    tekken = Tekkenizer.from_file(max(vocabularies.glob("tekken_*.json")))
    found["byte_pair"] = lambda text: len(tekken.encode(text, bos=False, eos=False))
    return found


def texts_of(path: Path, field: str, by: str | None) -> dict[str, list[str]]:
    sets: dict[str, list[str]] = {}
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            row = json.loads(line)
            name = f"{path.parent.name}/{row[by]}" if by else path.parent.name
            sets.setdefault(name, []).extend(_texts(row, field))
    return sets


def _texts(value: object, field: str) -> Iterator[str]:
    """Every text under that name, however deep it lies."""
    if isinstance(value, dict):
        if isinstance(value.get(field), str) and value[field]:
            yield value[field]
        for name in ("sessions", "turns"):
            yield from _texts(value.get(name), field)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, field)


def compare(texts: list[str], count: Count) -> dict[str, float]:
    own = EstimatedTokens()
    ours = np.array([own.count(text) for text in texts], float)
    theirs = np.array([count(text) for text in texts], float)
    errors = (ours - theirs) / np.maximum(theirs, 1)
    return {
        "sum": round(float(ours.sum() / theirs.sum() - 1), 3),
        "mean": round(float(np.abs(errors).mean()), 3),
        "p5": round(float(np.percentile(errors, 5)), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--field", default="text")
    parser.add_argument("--by")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report: dict[str, dict[str, dict[str, float]]] = {}
    for path in options.data:
        for name, texts in texts_of(path, options.field, options.by).items():
            drawn = random.Random(SEED).sample(texts, min(MOST, len(texts)))
            report[name] = {label: compare(drawn, count) for label, count in tokenizers().items()}
    if options.json:
        print(json.dumps(report))
        return
    for name, found in report.items():
        for label, errors in found.items():
            print(name, label, *(f"{key} {value:+.1%}" for key, value in errors.items()))


if __name__ == "__main__":
    main()

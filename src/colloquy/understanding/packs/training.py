"""The model files of a pack, under the names by which compute processes find them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from ...model.errors import ColloquyError, InvalidInput
from ..encoder.base import load_base
from ..entities.extract import EntityExtractor, Source, hints_of
from ..entities.tagger.train import Example, Span, train_tagger
from ..entities.tagger.words import tokens_of
from ..intents.accurate import AccurateIntents, train_accurate
from ..intents.several import train_several
from ..model_files import (
    accurate_name,
    has_several,
    intent_name,
    model_version,
    several_name,
    tagger_name,
)
from ..pack import Pack
from ..train import fit_fast, train
from .folder import load_pack


def train_pack(
    pack: Pack,
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
    *,
    accurate: bool = False,
) -> list[Path]:
    """Trains what the pack has examples for and writes it; returns the files.

    Intents always; a tagger if entities are marked; a model of several intents per text if the pack
    has that; with `accurate` the tuned encoder, which takes minutes. Raises InvalidInput when no
    intent has examples or `accurate` is asked for with several intents per text, Unavailable when
    the accurate tier cannot run here.
    """
    if not pack.trainable:
        raise InvalidInput("no intent of the pack has examples", field="intents")
    if accurate and has_several(pack):
        raise InvalidInput("several intents per text have no accurate tier", field="multi_label")
    folder.mkdir(parents=True, exist_ok=True)
    progress(f"training {len(pack.intents)} intents")
    intents = train(pack)
    files = [_put(folder / intent_name(pack), intents.save)]
    if pack.annotations:
        examples = tagger_examples(pack, EntityExtractor(pack))
        progress(f"training a tagger on {len(examples)} texts")
        tagger = train_tagger(examples, progress=progress)
        files.append(_put(folder / tagger_name(pack), tagger.save))
    if has_several(pack):
        rows = [(row.text, row.intents or []) for row in pack.rows()]
        progress(f"training several intents per text on {len(rows)} texts")
        several = train_several([text for text, _ in rows], [names for _, names in rows], None)
        files.append(_put(folder / several_name(pack), several.save))
    if accurate:
        tier = _accurate(pack, progress)
        files.append(_put(folder / accurate_name(pack), tier.model.save))
    return files


def tagger_examples(pack: Pack, extractor: EntityExtractor) -> list[Example]:
    """The pack's annotated texts, with what patterns and phrases say of each word."""
    rows = pack.annotated()
    found = extractor.extract_batch([Source(row.text, 0) for row in rows])
    examples = []
    for row, known in zip(rows, found, strict=True):
        tokens = tokens_of(row.text)
        spans = [Span(one.start, one.end, one.label, one.role, one.group) for one in row.entities]
        hints = hints_of(tokens, known.entities, len(row.text))
        examples.append(Example(row.text, spans, hints=hints))
    return examples


def _accurate(pack: Pack, progress: Callable[[str], None]) -> AccurateIntents:
    rows = [
        (text, name) for name, intent in sorted(pack.intents.items()) for text in intent.examples
    ]
    rows += [(text, "") for text in pack.out_of_scope]
    texts = [text for text, _ in rows]
    names = [name for _, name in rows]
    return train_accurate(load_base(), texts, names, fit_fast, model_version(pack), progress)


def _put(path: Path, save: Callable[[Path], None]) -> Path:
    """Written aside and moved into place, so that a reader never sees half a model."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    save(aside)
    aside.replace(path)
    return path


def main(arguments: list[str] | None = None) -> int:
    """`python -m colloquy.understanding.packs.training --pack F --folder F`."""
    parser = argparse.ArgumentParser(description="Trains the models of a pack.")
    parser.add_argument("--pack", type=Path, required=True, help="a pack's folder or file")
    parser.add_argument("--folder", type=Path, required=True, help="where the model files go")
    options = parser.parse_args(arguments)
    try:
        train_pack(load_pack(options.pack), options.folder)
    except ColloquyError as error:
        where = f"{error.field}: " if error.field else ""
        print(f"{where}{error.detail}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

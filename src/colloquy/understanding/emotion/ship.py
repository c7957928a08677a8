"""The shipped emotion model: where it lies, and how it is made (`scripts/train-emotion DATA`).

Trained on GoEmotions alone (CC BY 4.0). Training needs SciPy; reading does not.
"""

from __future__ import annotations

import argparse
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...model.errors import ColloquyError
from .labels import FINE
from .model import EmotionModel

FOLDER = Path(__file__).parent / "data"
SHIPPED = FOLDER / "emotion.model"
CARD = FOLDER / "emotion.md"


@lru_cache(maxsize=1)
def load_shipped() -> EmotionModel:
    """The model that came with the package, read once in a process: it is not safe for two threads
    at once. Raises NotFound if a build left it out."""
    return EmotionModel.load(SHIPPED)


def main(arguments: list[str] | None = None) -> int:
    """`python -m colloquy.understanding.emotion.ship DATA`: trains, judges, writes both files."""
    parser = argparse.ArgumentParser(description="Trains the emotion model that is shipped.")
    parser.add_argument("data", type=Path, help="a folder with train.jsonl.gz and dev.jsonl")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the model file to write")
    options = parser.parse_args(arguments)
    try:
        made = _make(options.data, options.out)
    except ColloquyError as error:
        print(error.detail, file=sys.stderr)
        return 1
    print(made)
    return 0


def _make(data: Path, out: Path) -> str:
    """Writes the model and its card; the card."""
    from ..evaluation.emotion import examples_of, learn, report_of, serve
    from ..evaluation.rows import EmotionRow, read_rows

    known, kind = examples_of(read_rows(data / "train.jsonl.gz", EmotionRow), "28")
    asked, _ = examples_of(read_rows(data / "dev.jsonl", EmotionRow), "28")
    learn(known, kind, lambda line: print(line, file=sys.stderr)).model.save(out)
    model = EmotionModel.load(out)  # what is judged is what is shipped
    found = serve(model, asked)
    report = report_of(
        known, asked, model.labels, model.chosen(found), found, ms_per_message=0.0, method=""
    )
    rows = {label: sum(label in one.labels for one in known) for label in FINE}
    cuts = dict(zip(model.labels, np.round(model.header.cuts, 3).tolist(), strict=True))
    lines = [
        f"| {label} | {rows[label]} | {cuts[label]:.3f} | {100 * report.labels[label]:.1f} |"
        for label in model.labels
    ]
    card = _CARD.format(
        version=model.version,
        size=out.stat().st_size / 1e6,
        features=model.header.features,
        train=len(known),
        dev=len(asked),
        macro=100 * report.macro_f1,
        micro=100 * report.micro_f1,
        weighted=100 * report.weighted_f1,
        ece=report.ece,
        baseline=100 * report.baseline.macro_f1,
        labels="\n".join(lines),
    )
    out.with_suffix(".md").write_text(card)
    return card


_CARD = """# Emotion model {version}

What it does: gives an English text calibrated probabilities of 28 emotions, several of which may
apply. It is a part of how a message's `emotion` is found; words, emoji and rules are the rest.

- Made by `scripts/train-emotion DATA`. Size {size:.1f} MB, {features:,} features.
- Method: logistic regression per label over words, pairs of words, letter groups and signs; whole
  number weights; thresholds and calibration by cross-validation on the training rows.
- Data: GoEmotions (Demszky and others, 2020; CC BY 4.0), {train:,} training rows: comments of
  Reddit, labelled by people. Names and religions are masked in them.
- Licence of the model: as this package.

## Scores

On the {dev:,} rows of its dev part, which nothing was fitted on (the weights of features and of
rare labels were chosen with it): macro F1 {macro:.1f}, micro F1 {micro:.1f}, weighted F1
{weighted:.1f}, calibration error of the best label {ece:.3f}. Always saying "neutral": macro F1
{baseline:.1f}.

| label | training rows | threshold | F1 |
|---|---|---|---|
{labels}

## Limits

- Comments on Reddit are not customers' messages: there, plain questions count as curiosity.
- People agree on these labels only in part; a score far above these is not to be expected.
- Rare labels (grief, pride, relief, nervousness) are learned from few rows.
- English alone. Irony is mostly taken at its word. It reads words, not people: do not use it to
  judge anyone.
"""


if __name__ == "__main__":
    sys.exit(main())

"""`colloquy eval`: trains on one labelled file, judges on another, beside a plain baseline."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ..model.errors import InvalidInput
from .options import Json
from .output import note, print_json, print_table

app = typer.Typer(
    no_args_is_help=True,
    help="Judges what understands messages, on labelled data (JSON Lines, .gz or not).",
)


class Tier(enum.StrEnum):
    """Which models answer."""

    AUTO = "auto"
    FAST = "fast"
    ACCURATE = "accurate"
    CASCADE = "cascade"


class Grouping(enum.StrEnum):
    """How the 28 emotions are counted."""

    ALL = "28"
    EKMAN = "ekman"
    POLARITY = "polarity"


Train = Annotated[Path, typer.Option("--train", metavar="FILE", help="Rows to learn from.")]
Test = Annotated[Path, typer.Option("--test", metavar="FILE", help="Rows to judge on.")]
TierOption = Annotated[
    Tier,
    typer.Option(
        "--tier",
        help="fast: linear models; accurate: the encoder; cascade: the encoder where the fast tier "
        "is unsure; auto: the best that is installed.",
    ),
]


@app.command("intents")
def intents(train: Train, test: Test, tier: TierOption = Tier.AUTO, json: Json = False) -> None:
    """Judges intents: accuracy, out-of-scope answers, calibration, time and size."""
    from ..understanding.evaluation import intents as evaluation

    chosen = _chosen(tier, best=Tier.CASCADE)
    _show(evaluation.run(train, test, tier=chosen, progress=_progress(json)), json)


@app.command("entities")
def entities(train: Train, test: Test, tier: TierOption = Tier.AUTO, json: Json = False) -> None:
    """Judges entities: exact spans with their labels."""
    from ..understanding.evaluation import entities as evaluation

    chosen = _chosen(tier, best=Tier.ACCURATE)
    _show(evaluation.run(train, test, tier=chosen, progress=_progress(json)), json)


@app.command("emotion")
def emotion(
    train: Train,
    test: Test,
    labels: Annotated[
        Grouping, typer.Option("--labels", help="How the 28 emotions of a set are grouped.")
    ] = Grouping.ALL,
    tier: TierOption = Tier.AUTO,
    json: Json = False,
) -> None:
    """Judges emotions, several or one per message."""
    from ..understanding.evaluation import emotion as evaluation

    chosen = _chosen(tier, best=Tier.ACCURATE)
    _show(
        evaluation.run(train, test, tier=chosen, labels=labels.value, progress=_progress(json)),
        json,
    )


@app.command("topics")
def topics(train: Train, test: Test, tier: TierOption = Tier.AUTO, json: Json = False) -> None:
    """Judges where dialogues change their topic: Pk, WindowDiff, F1."""
    from ..understanding.evaluation import topics as evaluation

    chosen = _chosen(tier, best=Tier.ACCURATE)
    _show(evaluation.run(train, test, tier=chosen, progress=_progress(json)), json)


@app.command("recall")
def recall(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="FOLDER",
            help="Has conversations.jsonl and qa.jsonl, in the form of LoCoMo.",
        ),
    ],
    k: Annotated[
        str | None,
        typer.Option("--k", metavar="N[,N]", help="Lines that are recalled; 10 by default."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="N[,N]", help="Tokens that they may take, instead."),
    ] = None,
    json: Json = False,
) -> None:
    """Judges which lines of long conversations are found for questions about them."""
    from ..context import evaluation

    if k is not None and budget is not None:
        raise InvalidInput("give lines (--k) or tokens (--budget), not both", field="budget")
    report = evaluation.run(
        data,
        sizes=_sizes(budget, "budget") if budget is not None else _sizes(k or "10", "k"),
        unit="tokens" if budget is not None else "lines",
        progress=_progress(json),
    )
    _show(report, json)


def _sizes(written: str, field: str) -> list[int]:
    """Raises InvalidInput."""
    try:
        return [int(one) for one in written.split(",")]
    except ValueError:
        raise InvalidInput(f"{written!r} is no list of whole numbers", field=field) from None


def _chosen(tier: Tier, best: Tier) -> str:
    """`auto` is the best tier when the encoder is installed, else the fast one."""
    from ..understanding.encoder.base import missing

    if tier is not Tier.AUTO:
        return tier.value
    reason = missing()
    if reason is not None:
        note(f"the fast tier answers: {reason}")
        return Tier.FAST.value
    return best.value


def _progress(as_json: bool) -> Callable[[str], None]:
    """Lines on standard error for people who watch; a program gets the report alone."""
    if as_json or not sys.stderr.isatty():
        return lambda _: None
    return note


def _show(report: Any, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    found: dict[str, Any] = msgspec.to_builtins(report)
    labels = found.pop("labels", {})
    rows = [[name, _text(value)] for name, value in found.items()]
    print_table(["figure", "value"], rows, "nothing was judged")
    if labels:
        print()
        print_table(
            ["label", "score"],
            [[name, _text(value)] for name, value in labels.items()],
            "no label was judged",
        )


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items())
    return str(value)

"""`colloquy pack`: checks, trains, judges and explains an intent pack."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .options import Json
from .output import note, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Checks, trains, judges and explains intent packs.")

SUSPECTS = 20
"""Probable errors of a pack that are shown to people; a program gets them all."""

PackPath = Annotated[
    str,
    typer.Argument(metavar="PACK", help="A folder, a file, or the name of a shipped pack."),
]


@app.command("check")
def check(
    pack: PackPath,
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings fail the command too.")
    ] = False,
    json: Json = False,
) -> None:
    """Says what is wrong with a pack, and where; exit code 1 when something is."""
    from ..runtime.assistant import find_pack
    from ..understanding.packs.check import check as findings_of

    findings = findings_of(find_pack(pack))
    errors = sum(finding.level == "error" for finding in findings)
    if json:
        print_json({"findings": findings, "errors": errors, "warnings": len(findings) - errors})
    else:
        for finding in findings:
            print(finding)
        print(f"{errors} errors, {len(findings) - errors} warnings")
    if errors or (strict and findings):
        raise typer.Exit(1)


@app.command("train")
def train(
    pack: PackPath,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="Where the model files go; a server looks in `models` beside its database.",
        ),
    ],
    accurate: Annotated[
        bool,
        typer.Option(
            "--accurate", help="The tuned encoder too; takes minutes. See the page Understanding."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Trains the models of a pack: its intents, and a tagger if entities are marked in it."""
    from ..runtime.assistant import find_pack
    from ..understanding.packs.folder import load_pack
    from ..understanding.packs.training import train_pack

    files = train_pack(load_pack(find_pack(pack)), out, _progress(json), accurate=accurate)
    if json:
        print_json({"files": [str(file) for file in files]})
    else:
        for file in files:
            print(file)


@app.command("evaluate")
def evaluate(
    pack: PackPath,
    folds: Annotated[int, typer.Option("--folds", min=2, max=20, help="Parts of the data.")] = 5,
    rows: Annotated[
        Path | None,
        typer.Option(
            "--rows",
            metavar="FILE",
            help="Judge on these rows (JSON Lines with text and intent) instead.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Judges the intents of a pack: cross-validated on its own examples, or on rows of yours."""
    from ..runtime.assistant import find_pack
    from ..understanding.evaluation.rows import IntentRow, read_rows
    from ..understanding.packs.folder import load_pack, read_source
    from ..understanding.packs.judging import cross_validate, judge
    from ..understanding.train import train as train_intents

    path = find_pack(pack)
    found = load_pack(path)
    if rows is not None:
        report = judge(found, train_intents(found), read_rows(rows, IntentRow))
    else:
        report = cross_validate(found, folds, _progress(json), read_source(path))
    if json:
        print_json(report)
        return
    print_table(
        ["figure", "value"],
        [
            ["texts", report.texts],
            ["nearest intent is right", f"{report.accuracy:.1%}"],
            ["texts in scope with an intent claimed", f"{report.claimed:.1%}"],
            ["right among the claimed", f"{report.right:.1%}"],
            ["texts in scope with only a parent claimed", f"{report.parents:.1%}"],
            ["right among these", f"{report.parents_right:.1%}"],
            ["texts out of scope refused", f"{report.refused:.1%}"],
            ["expected calibration error", f"{report.calibration_error:.3f}"],
            ["method", report.method],
        ],
        "nothing was judged",
    )
    print()
    print_table(
        ["intent", "F1"],
        [[name, f"{score:.2f}"] for name, score in sorted(report.f1.items(), key=lambda x: x[1])],
        "no intent was judged",
    )
    if report.confused:
        print()
        print_table(
            ["meant", "taken for", "times", "such as"],
            [
                [one.meant, one.taken_for, one.times, "; ".join(one.texts)]
                for one in report.confused
            ],
            "",
        )
    if report.suspects:
        print()
        print_table(
            ["perhaps not", "but", "confidence", "example", "where"],
            [
                [
                    one.given,
                    one.suggested,
                    f"{one.confidence:.2f}",
                    one.text,
                    f"{one.file}:{one.line}" if one.file else "",
                ]
                for one in report.suspects[:SUSPECTS]
            ],
            "",
        )
        if len(report.suspects) > SUSPECTS:
            print(f"and {len(report.suspects) - SUSPECTS} less sure ones: see --json")


@app.command("explain")
def explain(
    pack: PackPath,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What somebody wrote.")],
    json: Json = False,
) -> None:
    """Says why the fast tier takes a text for an intent: examples like it, words that spoke."""
    from ..runtime.assistant import find_pack
    from ..understanding.intent import IntentModel
    from ..understanding.intents.explanation import explain as explain_text
    from ..understanding.packs.folder import load_pack
    from ..understanding.train import shipped_model
    from ..understanding.train import train as train_intents

    found = load_pack(find_pack(pack))
    shipped = shipped_model(found)
    model = IntentModel.load(shipped) if shipped is not None else train_intents(found)
    told = explain_text(found, model, text)
    if json:
        print_json(told)
        return
    print(told.reason)
    print()
    rows = [[told.claim.guess, f"{told.confidence:.2f}"]] if told.claim.guess else []
    rows += [[other.name, f"{other.confidence:.2f}"] for other in told.others]
    print_table(["intent", "confidence"], rows, "no intent is near")
    print()
    print_table(
        ["example like it", "intent", "similarity"],
        [[near.text, near.intent, f"{near.similarity:.2f}"] for near in told.nearest],
        "no example is like it",
    )
    print()
    print_table(
        ["word", f"speaks for {told.claim.guess}"],
        [
            [word.word, f"{word.contribution:+.3f}"]
            for word in sorted(told.words, key=lambda word: -word.contribution)
        ],
        "there is no word in it",
    )


def _progress(as_json: bool) -> Callable[[str], None]:
    """Lines on standard error for people who watch; a program gets the report alone."""
    if as_json or not sys.stderr.isatty():
        return lambda _: None
    return note

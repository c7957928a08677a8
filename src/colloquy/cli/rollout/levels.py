"""`colloquy rollout rollback|rollbacks`: taking back by level."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import msgspec
import typer

from ...model.errors import InvalidInput
from ...model.rollouts import Level, LevelChange, LevelPlan, LevelRequest, LevelView
from ..options import Cursor, Limit, Reach, command
from ..output import clock_time, note, print_json, print_table, shortened
from .target import asked


def register(app: typer.Typer) -> None:
    """Adds the commands to the group."""
    command(app, "rollback")(rollback)
    command(app, "rollbacks")(rollbacks)


def rollback(
    reach: Reach,
    level: Annotated[
        Level | None, typer.Option("--level", help="How much is taken back; see docs/rollouts.md.")
    ] = None,
    flag: Annotated[
        str | None,
        typer.Option("--flag", metavar="FLAG", help="Of which feature: for feature and partial."),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would change, and change nothing.")
    ] = False,
    undo: Annotated[
        str | None,
        typer.Option("--undo", metavar="ID", help="Undo that rollback instead."),
    ] = None,
    restore_data: Annotated[
        bool,
        typer.Option(
            "--restore-data",
            help="Restore the records, too, that changed since the roll-out began.",
        ),
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="For whoever asks later.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Takes back a feature, what belongs to it, every roll-out, or everything at once."""
    if undo is not None:
        if level is not None or preview:
            raise InvalidInput("--undo stands alone", field="undo")
        _print(reach, asked(reach, lambda target: target.undo_level_rollback(undo)))
        return
    if level is None:
        raise InvalidInput("say which --level, or which one to --undo", field="level")
    request = LevelRequest(level=level, flag=flag, keep_data=not restore_data, reason=reason)
    if preview:
        _print_plan(reach, asked(reach, lambda target: target.preview_taking_back(request)))
        return
    if not yes:
        if reach.json or not sys.stdin.isatty():
            raise InvalidInput(
                "nobody can be asked here: look at the --preview, then say --yes", field="yes"
            )
        _print_plan(reach, asked(reach, lambda target: target.preview_taking_back(request)))
        typer.confirm("Take it back?", abort=True)
    _print(reach, asked(reach, lambda target: target.take_back(request)))


def rollbacks(reach: Reach, limit: Limit = 50, cursor: Cursor = None) -> None:
    """Lists rollbacks by level, the guard's and those of operators."""
    page = asked(reach, lambda target: target.rollback_page(cursor, limit))
    if reach.json:
        print_json(page)
        return
    print_table(
        ["id", "level", "flag", "status", "at (UTC)", "by", "s", "reason"],
        [
            (
                one.id,
                one.level,
                one.flag or "",
                one.status,
                clock_time(one.at),
                one.actor,
                f"{one.seconds:.3f}",
                shortened(one.reason),
            )
            for one in page.rollbacks
        ],
        empty="No rollbacks.",
    )
    if page.next is not None:
        note(f"More: --cursor {page.next}")


def _print_plan(reach: Reach, plan: LevelPlan) -> None:
    if reach.json:
        print_json(plan)
        return
    _print_changes(plan.changes)
    for is_so, line in (
        (plan.rollouts, f"ends the roll-outs of {', '.join(plan.rollouts)}"),
        (plan.routes_to_v1, "V1 clients are answered"),
        (plan.clears_caches, "caches are cleared"),
        (not plan.keep_data, f"records go back to position {plan.data_since}"),
        (plan.steps, f"runs {', then '.join(plan.steps)}"),
    ):
        if is_so:
            print(line)


def _print(reach: Reach, view: LevelView) -> None:
    if reach.json:
        print_json(view)
        return
    of = f" of {view.flag}" if view.flag is not None else ""
    print(f"{view.id} {view.level}{of}: {view.status}, {view.seconds:.3f} s")
    _print_changes(view.changes)
    for step in view.steps:
        print(f"step {step.name}: {'done' if step.ok else step.error}")
    if view.operation is not None:
        print(f"records are restored by operation {view.operation}")
    if view.left:
        print(f"left alone, changed since: {', '.join(view.left)}")


def _print_changes(changes: list[LevelChange]) -> None:
    for one in changes:
        if one.kind == "switch":
            print(f"switch {one.name}: thrown")
        else:
            print(f"flag {one.name}: {_said(one.before)} → {_said(one.after)}")
    if not changes:
        print("no flag and no switch changes")


def _said(state: Any) -> str:
    return "nothing said" if state is None else msgspec.json.encode(state).decode()

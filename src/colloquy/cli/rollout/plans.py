"""`colloquy rollout plan|status|pause|resume|cancel`."""

from __future__ import annotations

from typing import Annotated

import typer

from ...model.errors import InvalidInput
from ...model.flags import Key, Value
from ...model.rollouts import (
    WEEK_S,
    Figures,
    Level,
    RolloutNote,
    RolloutRequest,
    RolloutStep,
    RolloutView,
)
from ..options import Cursor, Limit, Reach, command
from ..output import clock_time, note, print_json, print_table
from .target import asked

Flag = Annotated[str, typer.Argument(metavar="FLAG", help="The flag's name.")]
Reason = Annotated[str, typer.Option("--reason", help="For whoever asks later.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to the group."""
    command(app, "plan")(plan)
    command(app, "status")(status)
    command(app, "pause")(pause)
    command(app, "resume")(resume)
    command(app, "cancel")(cancel)


def plan(
    reach: Reach,
    flag: Flag,
    steps: Annotated[
        str, typer.Option("--steps", metavar="PERCENT,…", help="Percentages, growing.")
    ] = "5,25,75,100",
    hold: Annotated[
        float,
        typer.Option("--hold", metavar="SECONDS", min=0, help="How long each is held, at least."),
    ] = WEEK_S,
    minimum: Annotated[
        int,
        typer.Option("--minimum", min=0, help="Turns with the value that each step must see."),
    ] = 100,
    value: Annotated[str, typer.Option("--value", help="What they are served.")] = "true",
    by: Annotated[Key, typer.Option("--by", help="What counts as one.")] = "person",
    level: Annotated[
        Level, typer.Option("--level", help="Of the rollback, where the guard finds it broken.")
    ] = "feature",
    reason: Reason = "",
) -> None:
    """Begins a roll-out that goes on by itself and is taken back by itself."""
    request = RolloutRequest(
        flag=flag,
        value=_value(value),
        by=by,
        steps=tuple(
            RolloutStep(percentage=one, hold_s=hold, minimum=minimum) for one in _shares(steps)
        ),
        level=level,
        reason=reason,
    )
    _print(reach, asked(reach, lambda target: target.start_rollout(request)))


def status(
    reach: Reach,
    flag: Annotated[
        str | None, typer.Argument(metavar="FLAG", help="Its roll-out in full; else all of them.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """Shows where roll-outs stand and what the guard found."""
    if flag is not None:
        _print(reach, asked(reach, lambda target: target.rollout(flag)))
        return
    page = asked(reach, lambda target: target.rollout_page(cursor, limit))
    if reach.json:
        print_json(page)
        return
    print_table(
        ["flag", "state", "%", "step", "next (UTC)", "seen", "verdict"],
        [
            (
                one.flag,
                one.state,
                f"{one.percentage:g}",
                f"{one.step + 1} of {len(one.steps)}",
                "" if one.due_at is None else clock_time(one.due_at),
                one.seen,
                "" if one.verdict is None else one.verdict.judgement,
            )
            for one in page.rollouts
        ],
        empty="No roll-outs.",
    )
    if page.versions:
        print()
        print_table(
            ["version", "turns", "failed", "mean s", "p95 s"],
            [(name, *_figures(one)) for name, one in page.versions.items()],
            empty="",
        )
    if page.next is not None:
        note(f"More: --cursor {page.next}")


def pause(reach: Reach, flag: Flag, reason: Reason = "") -> None:
    """Keeps a roll-out at its percentage; the guard still looks."""
    told = RolloutNote(reason)
    _print(reach, asked(reach, lambda target: target.pause_rollout(flag, told)))


def resume(reach: Reach, flag: Flag, reason: Reason = "") -> None:
    """Goes on with a roll-out; its step is held anew."""
    told = RolloutNote(reason)
    _print(reach, asked(reach, lambda target: target.resume_rollout(flag, told)))


def cancel(reach: Reach, flag: Flag, reason: Reason = "") -> None:
    """Ends a roll-out; the flag is as it was before it."""
    told = RolloutNote(reason)
    _print(reach, asked(reach, lambda target: target.cancel_rollout(flag, told)))


def _print(reach: Reach, view: RolloutView) -> None:
    if reach.json:
        print_json(view)
        return
    for name, value in (
        ("flag", view.flag),
        ("value", f"{view.value} by {view.by}"),
        ("state", view.state.replace("_", " ")),
        ("serves", f"{view.percentage:g} %, step {view.step + 1} of {len(view.steps)}"),
        ("next", "" if view.due_at is None else f"{clock_time(view.due_at)} UTC at the earliest"),
        ("seen", f"{view.seen} turns in this step"),
        ("reason", view.reason),
        ("rollback", view.rollback or ""),
    ):
        if value:
            print(f"{name:<9} {value}")
    if view.verdict is not None:
        print(f"verdict   {view.verdict.judgement}: {view.verdict.says()}")
    for move in view.moves:
        why = f": {move.why}" if move.why else ""
        at = clock_time(move.at)
        print(f"  {at} {move.what.replace('_', ' ')} {move.percentage:g} % by {move.by}{why}")


def _figures(one: Figures) -> tuple[object, ...]:
    return (
        one.count,
        one.failed,
        "" if one.mean_s is None else f"{one.mean_s:.3f}",
        "" if one.p95_s is None else f"{one.p95_s:.3f}",
    )


def _shares(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidInput(f"{text!r} is no list of percentages", field="steps") from None
    for place, one in enumerate(found):
        if not 0 < one <= 100:
            raise InvalidInput(
                f"a percentage is above 0 and at most 100, not {one:g}",
                field=f"steps[{place}].percentage",
            )
    return found


def _value(text: str) -> Value:
    """A text in the type that it looks like; the server says whether it is the flag's."""
    words: dict[str, Value] = {"true": True, "on": True, "false": False, "off": False}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

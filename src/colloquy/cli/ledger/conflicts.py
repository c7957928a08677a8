"""`colloquy ledger conflicts`: what stands against restoring a record, shown and decided."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from msgspec import UNSET

from ...model.counting import counted
from ...model.errors import InvalidInput
from ...model.ledger import ConflictDetail, ConflictState, DecisionName, DecisionRequest
from ..options import Cursor, Limit, Reach, command
from ..output import note, print_json, print_table, shortened
from .target import asked

app = typer.Typer(
    no_args_is_help=True, help="Conflicts: records that others changed since, to be decided."
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The conflict's id as listed.")]


@command(app, "list")
def list_(
    reach: Reach,
    limit: Limit = 50,
    cursor: Cursor = None,
    operation: Annotated[
        str | None, typer.Option("--operation", metavar="ID", help="Only those of this operation.")
    ] = None,
    state: Annotated[
        ConflictState | None, typer.Option("--state", help="Only those in this state.")
    ] = None,
) -> None:
    """Lists conflicts, newest first."""
    page = asked(
        reach,
        lambda target: target.conflict_page(cursor, limit, operation_id=operation, state=state),
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["id", "record", "kind", "severity", "state", "choices"],
        [
            (
                one.id,
                shortened(f"{one.collection}/{one.key}"),
                one.kind,
                one.severity,
                one.decision or one.state,
                " ".join(one.choices),
            )
            for one in page.conflicts
        ],
        empty="No conflicts.",
    )
    if page.next is not None:
        note(f"More: --cursor {page.next}")


@command(app, "show")
def show(reach: Reach, conflict_id: Id) -> None:
    """Shows one conflict: both sides, what can be done, and what is recommended."""
    found = asked(reach, lambda target: target.conflict(conflict_id))
    if reach.json:
        print_json(found)
        return
    one = found.conflict
    print(f"{one.collection}/{one.key}: {one.kind}, {one.severity}, {one.state}")
    if one.paths:
        print(f"at {', '.join(one.paths)}")
    print(f"{found.reason}; recommended: {found.recommended or 'a person decides'}\n")
    _print_sides(found)
    print()
    for option in found.options:
        print(f"{option.decision:<6} {option.confidence:>3.0f} %  {option.name}: {option.preview}")


@command(app, "decide")
def decide(
    reach: Reach,
    conflict_id: Id,
    decision: Annotated[
        DecisionName, typer.Argument(help="Keep what is there, take the other, merge, or edit.")
    ],
    value: Annotated[
        str | None, typer.Option("--value", metavar="JSON", help="The value, for edit.")
    ] = None,
) -> None:
    """Decides a conflict; its operation goes on by itself."""
    request = DecisionRequest(
        decision=decision, value=UNSET if value is None else msgspec.Raw(_json(value))
    )
    decided = asked(reach, lambda target: target.decide_conflict(conflict_id, request))
    if reach.json:
        print_json(decided)
    else:
        print(f"{decided.collection}/{decided.key}: {decided.decision}")


def _json(text: str) -> bytes:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"this is no JSON: {error}", field="value") from None
    return text.encode()


def _print_sides(found: ConflictDetail) -> None:
    """As a difference: what is there (-), what would be restored (+)."""
    for row in found.rows:
        if row.kind == "equal" and row.left is not None:
            print(f"  {row.left.text}")
            continue
        if row.left is not None:
            print(f"- {row.left.text}")
        if row.right is not None:
            print(f"+ {row.right.text}")
    if found.hidden:
        note(f"{counted(found.hidden, 'character')} not shown")

"""Writing: learning from a file, taking back, merging and taking apart."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
import typer
from msgspec import Struct, structs

from ...model.errors import InvalidInput
from ...model.graph import (
    MAX_BATCH,
    LearnedView,
    LearnRequest,
    MergeRequest,
    NewEntity,
    NewFact,
    NewRelationship,
    RefusedView,
    RetractionRequest,
)
from ...model.message import input_error
from ..options import Reach, command
from ..output import print_json, progress
from .target import asked

if TYPE_CHECKING:
    from .target import Target

Reason = Annotated[str, typer.Option("--reason", help="Why; the ledger keeps it.")]
Kept = Annotated[str, typer.Argument(metavar="KEPT", help="The entity that stands for both.")]
Other = Annotated[str, typer.Argument(metavar="OTHER", help="The entity that is the same.")]

_PLACE = re.compile(r"^(\w+)\[(\d+)\]")


class Everything(Struct, forbid_unknown_fields=True):
    """A document to learn from, of any length."""

    entities: list[NewEntity] = []
    relationships: list[NewRelationship] = []
    facts: list[NewFact] = []


class Item(NamedTuple):
    """`place` says where in the file it is."""

    place: str
    content: NewEntity | NewRelationship | NewFact


def register(app: typer.Typer) -> None:
    command(app, "learn")(learn)
    command(app, "retract")(retract)
    command(app, "merge")(merge)
    command(app, "unmerge")(unmerge)


def learn(
    reach: Reach,
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="JSON with `entities`, `relationships` and `facts`; or JSON Lines (.jsonl) with "
            "one of them in each. `-` reads JSON from standard input.",
        ),
    ],
    older_ids: Annotated[
        bool,
        typer.Option(
            "--older-ids", help="Note for each relationship the id that the older format gave it."
        ),
    ] = False,
) -> None:
    """Learns what a file says, 500 items at a time; noise is passed over. A wrong item ends it:
    what came before its 500 is learned, and learning the file again learns nothing twice if its
    items say when (`said`)."""
    items = read(file)

    async def work(target: Target) -> LearnedView:
        total = LearnedView(0, 0, 0, 0, 0, 0)
        with progress("learning", len(items)) as advance:
            for start in range(0, len(items), MAX_BATCH):
                part = items[start : start + MAX_BATCH]
                total = _sum(total, await _learn(target, part, older_ids))
                advance(len(part))
        return total

    _report(reach, asked(reach, work, create=True))


def retract(
    reach: Reach,
    record: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="The key under which it is said.")
    ] = None,
    fact: Annotated[int | None, typer.Option("--fact", help="A fact's number as listed.")] = None,
    event: Annotated[
        int | None, typer.Option("--event", help="All that the message with this number said.")
    ] = None,
    reason: Reason = "",
) -> None:
    """Takes back what was said; the past keeps it."""
    request = RetractionRequest(key=record, fact=fact, event=event, reason=reason)
    _report(reach, asked(reach, lambda target: target.retract(request)))


def merge(
    reach: Reach,
    kept: Kept,
    other: Other,
    text: Annotated[str, typer.Option("--note", help="Why they are the same.")] = "",
) -> None:
    """Makes two entities one."""
    request = MergeRequest(kept=kept, other=other, note=text)
    _report(reach, asked(reach, lambda target: target.merge_entities(request)))


def unmerge(reach: Reach, kept: Kept, other: Other, reason: Reason = "") -> None:
    """Takes merged entities apart, as if they had never been merged."""
    _report(reach, asked(reach, lambda target: target.unmerge_entities(kept, other, reason)))


def read(file: str) -> list[Item]:
    """The items of a file, checked for their form. Raises InvalidInput with the place."""
    path = Path(file)
    try:
        content = sys.stdin.buffer.read() if file == "-" else path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file}: {error.strerror}", field="file") from None
    items = list(_lines(content) if path.suffix == ".jsonl" else _document(content))
    if not items:
        raise InvalidInput(f"{file} has nothing to learn", field="file")
    return items


def _document(content: bytes) -> Iterator[Item]:
    try:
        found = msgspec.json.decode(content, type=Everything)
    except msgspec.DecodeError as error:
        raise input_error(error, content) from None
    for name in ("entities", "relationships", "facts"):
        for index, one in enumerate(getattr(found, name)):
            yield Item(f"{name}[{index}]", one)


def _lines(content: bytes) -> Iterator[Item]:
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            kind: type[NewEntity | NewRelationship | NewFact] = NewEntity
            if "predicate" in fields:
                kind = NewFact
            elif "source" in fields:
                kind = NewRelationship
            yield Item(f"line {number}", msgspec.json.decode(line, type=kind))
        except msgspec.DecodeError as error:
            found = input_error(error, line)
            place = f"line {number}" + (f": {found.field}" if found.field else "")
            raise InvalidInput(found.detail, field=place) from None


async def _learn(target: Target, part: Sequence[Item], older_ids: bool) -> LearnedView:
    entities = [one for one in part if isinstance(one.content, NewEntity)]
    relationships = [one for one in part if isinstance(one.content, NewRelationship)]
    facts = [one for one in part if isinstance(one.content, NewFact)]
    places = {"entities": entities, "relationships": relationships, "facts": facts}
    request = LearnRequest(
        entities=tuple(one.content for one in entities if isinstance(one.content, NewEntity)),
        relationships=tuple(
            one.content for one in relationships if isinstance(one.content, NewRelationship)
        ),
        facts=tuple(one.content for one in facts if isinstance(one.content, NewFact)),
        older_ids=older_ids,
    )
    try:
        done = await target.learn(request)
    except InvalidInput as error:
        raise InvalidInput(error.detail, field=_in_file(error.field, places)) from None
    refused = [RefusedView(_in_file(one.field, places) or "", one.reason) for one in done.refused]
    return structs.replace(done, refused=refused)


def _in_file(field: str | None, places: Mapping[str, Sequence[Item]]) -> str | None:
    """A field of the request as the place in the file that it came from."""
    found = _PLACE.match(field or "")
    if field is None or found is None:
        return field
    return places[found[1]][int(found[2])].place + field[found.end() :]


def _sum(one: LearnedView, other: LearnedView) -> LearnedView:
    return LearnedView(
        one.new + other.new, one.repeated + other.repeated, one.opened + other.opened,
        one.closed + other.closed, one.contradictions + other.contradictions,
        max(one.position, other.position), one.refused + other.refused,
    )  # fmt: skip


def _report(reach: Reach, done: LearnedView | None) -> None:
    if reach.json:
        print_json(done)
    elif done is None:
        print("Done.")
    else:
        print(
            f"{done.new} new, {done.repeated} known before: {done.opened} facts opened, "
            f"{done.closed} closed, {done.contradictions} contradictions"
        )
        for reason, count in Counter(one.reason for one in done.refused).most_common():
            print(f"{count} passed over: {reason}")

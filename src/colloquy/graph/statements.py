"""Statements: what was learnt, and what was taken back. The only input of `facts`.

Nothing is overwritten: a statement stays as it was made, at the position of the ledger where it was
learnt. A retraction is a statement too, and can be retracted; so is the merge of two entities, and
retracting it takes them apart again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from ..model.errors import InvalidInput
from .evidence import Evidence
from .kinds import check_id
from .values import canonical, plain


class Assertion(Struct, frozen=True, kw_only=True, dict=True):
    """That `predicate` of `subject` is `value`, or, with `target`, that it joins that entity.

    Beside a target, `value` is an object: what tells the relationship apart from others of its
    type between the same ends (`ids.identity`).

    `learned` is a position of the ledger. Valid from `valid_from` up to, not including, `valid_to`,
    in microseconds since 1970; None is unknown: since ever, until further notice. `single`: there
    is one value at a time.
    """

    subject: str
    predicate: str
    learned: int
    value: Any = None
    target: str | None = None
    valid_from: int | None = None
    valid_to: int | None = None
    single: bool = True
    evidence: Evidence | None = None

    @cached_property
    def id(self) -> str:
        """The same for the same statement, so that a repeat is recognised."""
        return _id(self)


class Merge(Struct, frozen=True, kw_only=True, dict=True):
    """That `other` is the same as `kept`: what is known of both is known of `kept`."""

    kept: str
    other: str
    learned: int
    note: str = ""

    @cached_property
    def id(self) -> str:
        return _id(self)


class Retraction(Struct, frozen=True, kw_only=True, dict=True):
    """That the statement with this id does not hold, from position `learned` on."""

    statement: str
    learned: int
    note: str = ""

    @cached_property
    def id(self) -> str:
        return _id(self)


Statement = Assertion | Merge | Retraction


def check_statement(statement: Statement) -> Statement:
    """Raises InvalidInput with the field."""
    if isinstance(statement.learned, bool) or statement.learned < 0:
        raise InvalidInput("`learned` must be a position from 0", field="learned")
    if isinstance(statement, Merge):
        if check_id(statement.kept, "kept") == check_id(statement.other, "other"):
            raise InvalidInput("an entity cannot be merged with itself", field="other")
    elif isinstance(statement, Retraction):
        check_id(statement.statement, "statement")
    else:
        _check_assertion(statement)
    return statement


def _check_assertion(assertion: Assertion) -> None:
    check_id(assertion.subject, "subject")
    check_id(assertion.predicate, "predicate")
    if assertion.target is not None:
        check_id(assertion.target, "target")
        if assertion.value is not None and not (
            isinstance(assertion.value, dict) and assertion.value
        ):
            raise InvalidInput("what tells a relationship apart is an object", field="value")
    elif assertion.value is None:
        raise InvalidInput("an assertion has a `value` or a `target`", field="value")
    plain(assertion.value, "value")
    start, end = assertion.valid_from, assertion.valid_to
    if start is not None and end is not None and end <= start:
        raise InvalidInput("`valid_to` must be after `valid_from`", field="valid_to")


def live(statements: Iterable[Statement]) -> list[Statement]:
    """The statements that are not retracted, each once, in one order whatever the input's was.

    A retraction that is itself retracted takes nothing back. One that names an unknown statement
    waits for it: the order in which they arrive does not matter.
    """
    known = {statement.id: statement for statement in statements}
    against: dict[str, list[str]] = defaultdict(list)
    for id_, statement in known.items():
        if isinstance(statement, Retraction) and statement.statement in known:
            against[statement.statement].append(id_)
    # A statement's id is a hash of what it says, so retractions cannot go in a circle; a chain of
    # them can be long, so this does not recurse.
    holds: dict[str, bool] = {}
    for start in known:
        waiting = [start]
        while waiting:
            id_ = waiting[-1]
            open_ = [other for other in against.get(id_, ()) if other not in holds]
            if open_:
                waiting.extend(open_)
                continue
            holds[id_] = not any(holds[other] for other in against.get(id_, ()))
            waiting.pop()
    return sorted(
        (statement for id_, statement in known.items() if holds[id_]),
        key=lambda statement: (statement.learned, statement.id),
    )


def _id(statement: Statement) -> str:
    fields = [type(statement).__name__]
    fields += [plain(getattr(statement, name)) for name in statement.__struct_fields__
               if name != "evidence"]  # fmt: skip
    evidence = getattr(statement, "evidence", None)
    if evidence is not None:
        place = evidence.location
        fields += [evidence.source, evidence.confidence, evidence.event, evidence.note,
                   evidence.extractor_version]  # fmt: skip
        fields += [place.path, place.line, place.column] if place is not None else []
    return blake2b(canonical(fields), digest_size=16, person=b"graph.statement").hexdigest()

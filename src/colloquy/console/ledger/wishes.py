"""A rollback as a form says it: the fields, what they mean, and the same fields again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ...model.errors import InvalidInput
from ...model.ledger import LedgerScope, OperationView, RollbackRequest
from .fields import HOME, href, lines, moment, number, time_of
from .words import POLICIES, STRATEGIES

ROLLBACK = f"{HOME}/rollback"
PREVIEW = f"{ROLLBACK}/preview"
LISTS = {
    "collections": "Collections",
    "keys": "Records",
    "include": "Only records like",
    "exclude": "But not records like",
    "sessions": "Conversations",
    "actors": "Changed by",
    "entities": "About entities",
    "namespaces": "Keys that begin with",
    "components": "Keys with the part",
}
"""Fields of the scope with an entry a line."""
OF_CHANGES = frozenset({"sessions", "actors"})
"""Those of them that are about the single change; the others are about records."""
NUMBERS = ("batch_size", "pause_s", "max_duration_s")
MAX_FIELD = 20_000
MAX_DIGITS = 19
"""Of a position, and one more."""


class Wish(Struct, frozen=True):
    """The fields of the form as they were sent; "" for what is not filled in."""

    point: str = ""
    moment: str = ""
    undo: str = ""
    collections: str = ""
    keys: str = ""
    include: str = ""
    exclude: str = ""
    sessions: str = ""
    actors: str = ""
    entities: str = ""
    namespaces: str = ""
    components: str = ""
    since: str = ""
    until: str = ""
    strategy: str = "auto"
    on_conflict: str = ""
    batch_size: str = ""
    pause_s: str = ""
    max_duration_s: str = ""
    reason: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """Those that say something."""
        return {name: text for name, text in msgspec.structs.asdict(self).items() if text}

    @property
    def has_more(self) -> bool:
        """Whether a field is filled in that the form folds away."""
        shown = {"collections", "keys", "actors", "sessions"}
        folded = [name for name in LISTS if name not in shown]
        return any(getattr(self, name) for name in (*folded, "since", "until"))

    @property
    def has_pace(self) -> bool:
        return any(getattr(self, name) for name in NUMBERS)

    def preview_href(self, cursor: str | None = None) -> str:
        return href(PREVIEW, **self.fields, cursor=cursor)

    @property
    def form_href(self) -> str:
        return href(ROLLBACK, **self.fields)

    def request(self) -> RollbackRequest:
        """Raises InvalidInput with the field's name in the form."""
        if sum(map(bool, (self.point, self.moment, self.undo))) != 1:
            raise InvalidInput("choose a point, or write a position or a time", field="point")
        if self.strategy not in STRATEGIES:
            raise InvalidInput("choose a strategy", field="strategy")
        if self.on_conflict not in POLICIES:
            raise InvalidInput("choose what happens at a conflict", field="on_conflict")
        raw: dict[str, Any] = {
            **self._target(),
            "scope": {
                **{name: lines(getattr(self, name)) for name in LISTS},
                "since": time_of(self.since, "since"),
                "until": time_of(self.until, "until"),
            },
            "strategy": self.strategy,
            "on_conflict": self.on_conflict or None,
            "reason": self.reason,
            **{name: number(getattr(self, name), name) for name in NUMBERS},
        }
        size = raw["batch_size"]
        if size is not None:
            if not size.is_integer():
                raise InvalidInput("a batch has a whole number of records", field="batch_size")
            raw["batch_size"] = int(size)
        try:
            return msgspec.convert(raw, RollbackRequest)
        except msgspec.ValidationError as error:
            raise _told(error) from None

    def _target(self) -> dict[str, Any]:
        if self.undo:
            return {"undo": self.undo}
        if self.point:
            return {"point": self.point}
        text = moment(self.moment)
        if len(text) == 32 and "-" not in text:
            return {"point": text}
        if text.isascii() and text.isdecimal() and len(text) < MAX_DIGITS:
            return {"position": int(text)}
        return {"time": time_of(text, "moment")}


def undoing(operation: OperationView) -> Wish:
    """To take back what it wrote, of the records that it named: so it is in nobody's way who works
    on others, and what was only restored because it was named is given back too."""
    names = {name: "\n".join(texts) for name, texts in _records(operation).items()}
    return Wish(undo=operation.id, **names)


def undo_scope(operation: OperationView) -> LedgerScope:
    """The scope of `undoing`."""
    return msgspec.convert(_records(operation), LedgerScope)


def _records(operation: OperationView) -> dict[str, tuple[str, ...]]:
    """What its scope says of records. Whose changes they were, in which conversations and when,
    does not hold for its own."""
    scope = operation.request.scope
    return {name: getattr(scope, name) for name in LISTS if name not in OF_CHANGES}


def wish_of(fields: Mapping[str, str]) -> Wish:
    """Out of an address or a form; what it does not know is passed over."""
    known = {
        name: fields[name].replace("\r\n", "\n").strip()[:MAX_FIELD]
        for name in Wish.__struct_fields__
        if fields.get(name)
    }
    return Wish(**known)


def _told(error: msgspec.ValidationError) -> InvalidInput:
    """`… - at `$.scope.keys[0]`` names a field of the form."""
    text, _, place = str(error).rpartition(" - at `$.")
    name = place.rstrip("`").removeprefix("scope.").partition("[")[0]
    if name in ("position", "time"):
        return InvalidInput(text, field="moment")
    if name in Wish.__struct_fields__:
        return InvalidInput(f"{LISTS.get(name, name.replace('_', ' '))}: {text}", field=name)
    return InvalidInput(str(error))

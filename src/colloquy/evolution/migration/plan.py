"""What is moved, and how sure one has to be: the plan of a migration, in TOML.

    url = "postgresql://shop@db/shop"     # SQLAlchemy's; a password comes from PGPASSWORD
    table = "messages"
    [columns]
    conversation = "chat_id"

Everything has a default but `url`. `v2_url` names another database for the V2 table; without it the
table lies beside the old one, and one transaction writes both.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from sqlalchemy.engine import make_url

from ...model.errors import InvalidInput
from ...model.message import Name, input_error
from .database import database_of, is_same_database

Positive = Annotated[int, Meta(ge=1)]
Column = Annotated[str, Meta(min_length=1, max_length=63)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which column of the old table has what. `metadata` holds a JSON object, and also all that has
    no column of its own. `created_at` may hold text, seconds, milliseconds or a timestamp."""

    id: Column = "id"
    conversation: Column = "conversation_id"
    role: Column = "role"
    content: Column = "content"
    metadata: Column = "metadata"
    created_at: Column = "created_at"


class Gates(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold for a step forward. `compared`: messages compared since the last step, or all
    where there are fewer. `parity`: share of them that is the same on both sides."""

    compared: Positive = 1000
    parity: Share = 1.0
    open_mismatches: Annotated[int, Meta(ge=0)] = 0


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    table: Column = "messages"
    columns: Columns = Columns()
    name: Name = "messages"
    """Of the migration: the key of its record in the ledger."""
    v2_url: str | None = None
    prefix: Annotated[
        str, Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9_]*$(?!\n)")
    ] = "colloquy_"
    """Of the tables that the migration makes."""
    created_at_unit: Literal["seconds", "milliseconds"] = "seconds"
    """What a column of numbers holds."""
    channel: Name = "api"
    account: Name = "default"
    batch: Annotated[int, Meta(ge=1, le=5000)] = 500
    rate: Annotated[float, Meta(gt=0)] | None = None
    """Messages per second that a backfill moves at most; None is as fast as it goes."""
    stall_after_s: Annotated[float, Meta(gt=0)] = 86_400.0
    gates: Gates = Gates()

    @property
    def is_shared(self) -> bool:
        """Both tables lie in one database."""
        return self.v2_url is None or is_same_database(make_url(self.url), make_url(self.v2_url))


def check_plan(plan: Plan) -> Plan:
    """Raises InvalidInput, ExtraMissing."""
    database_of(plan.url, "url")
    if plan.v2_url is not None:
        database_of(plan.v2_url, "v2_url")
    named = msgspec.structs.astuple(plan.columns)
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise InvalidInput(f"{', '.join(twice)} is named for two fields", field="columns")
    return plan


def read_plan(path: Path | str) -> Plan:
    """Raises InvalidInput with the field, ExtraMissing."""
    try:
        tree = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", field="plan") from None
    try:
        return check_plan(msgspec.convert(tree, Plan))
    except msgspec.ValidationError as error:
        found = input_error(error)
        raise InvalidInput(f"{path}: {found.detail}", field=found.field or "plan") from None

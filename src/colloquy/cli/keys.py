"""`colloquy keys`: API keys. A key's secret is shown once, when it is made."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from ..model.errors import InvalidInput
from .options import Reach, command
from .output import clock_time, note, print_json, print_table
from .target import Local, parse_moment, reached

app = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke.")

SCOPES = ("send", "read", "tools", "operate", "admin")


@command(app, "create")
def create(
    reach: Reach,
    name: Annotated[str, typer.Argument(help="What it is for: shown in lists and logs.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="send, read, tools, operate or admin; repeatable. Default: send."
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="RFC 3339, with a zone.")
    ] = None,
) -> None:
    """Makes a key and prints its secret, which is not stored and cannot be shown again."""
    scopes = list(dict.fromkeys(scope or ["send"]))
    unknown = [one for one in scopes if one not in SCOPES]
    if unknown:
        raise InvalidInput(f"{unknown[0]!r} is none of {', '.join(SCOPES)}", field="scope")
    expires_at = parse_moment(expires, "expires") if expires else None

    async def work() -> None:
        async with reached(reach, create=True) as target:
            if isinstance(target, Local):
                made = await target.create_key(name, scopes, expires_at)
            else:
                moment = expires_at.isoformat() if expires_at else None
                made = await target.create_key(name, scopes, moment)
        if reach.json:
            print_json(made)
            return
        note(f"Key {made.key.id} ({made.key.name}: {', '.join(made.key.scopes)}). Keep it safe:")
        print(made.secret)

    asyncio.run(work())


@command(app, "list")
def list_(reach: Reach) -> None:
    """Lists all keys, revoked ones too, without their secrets."""

    async def work() -> None:
        async with reached(reach) as target:
            keys = await target.keys()
        if reach.json:
            print_json({"keys": keys})
            return
        print_table(
            ["id", "name", "scopes", "made (UTC)", "expires", "revoked"],
            [
                (
                    key.id,
                    key.name,
                    " ".join(key.scopes),
                    clock_time(key.created_at),
                    clock_time(key.expires_at) if key.expires_at else "never",
                    clock_time(key.revoked_at) if key.revoked_at else "",
                )
                for key in keys
            ],
            empty="No keys. Make one: colloquy keys create NAME",
        )

    asyncio.run(work())


@command(app, "revoke")
def revoke(reach: Reach, key_id: Annotated[str, typer.Argument(help="The id as listed.")]) -> None:
    """Revokes a key at once and for good."""

    async def work() -> None:
        async with reached(reach) as target:
            await target.revoke_key(key_id)

    asyncio.run(work())
    if reach.json:
        print_json({"revoked": key_id})
    else:
        print(f"Key {key_id} is revoked.")

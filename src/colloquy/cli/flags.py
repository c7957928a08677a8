"""`colloquy flags`: what is switched on for whom, roll-outs, kill switches, and why."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
import typer

from ..model.errors import InvalidInput
from ..model.flags import (
    ExplainRequest,
    Explanation,
    FlagChange,
    FlagList,
    FlagState,
    FlagView,
    KillRequest,
    Rollout,
    SwitchView,
    Value,
)
from .options import Cursor, Limit, Reach, command
from .output import clock_time, note, print_json, print_table
from .target import ACTOR, Local, reached

if TYPE_CHECKING:
    from ..client import AsyncClient
    from ..model.ledger import ChangePage
    from ..runtime import Runtime

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Flags, roll-outs and kill switches.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The flag's name.")]
SwitchName = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of a kill switch, or of a flag.")
]


class LocalFlags:
    """Of a database opened in this process; the methods of `AsyncClient` that commands use."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._desk = runtime.flag_desk

    async def flags(self) -> FlagList:
        return self._desk.list()

    async def flag(self, name: str) -> FlagView:
        return self._desk.show(name)

    async def change_flag(self, name: str, change: FlagChange) -> FlagView:
        return await self._desk.change(name, change.state, ACTOR, revision=change.revision)

    async def explain_flag(self, name: str, asked: ExplainRequest) -> Explanation:
        return self._desk.explain(name, asked)

    async def kill_flag(self, name: str, request: KillRequest) -> SwitchView:
        return await self._desk.throw(name, request.reason, ACTOR)

    async def revive_flag(self, name: str) -> SwitchView:
        return await self._desk.revive(name, ACTOR)

    async def change_page(
        self, cursor: str | None, limit: int, *, collection: str, key: str
    ) -> ChangePage:
        return await self._runtime.ledger.changes(cursor, limit, collection=collection, key=key)


@command(app, "list")
def list_(reach: Reach) -> None:
    """Lists flags as somebody unknown is served, and the kill switches that hold several."""
    found = _asked(reach, lambda target: target.flags())
    if reach.json:
        print_json(found)
        return
    print_table(
        ["flag", "value", "because", "meaning"],
        [(flag.name, _value(flag), _because(flag), flag.meaning) for flag in found.flags],
        empty="No flags.",
    )
    print()
    print_table(
        ["kill switch", "thrown", "by", "holds"],
        [
            (switch.name, switch.thrown or "", switch.by, " ".join(switch.flags))
            for switch in found.switches
        ],
        empty="No kill switches.",
    )
    if found.is_stale:
        note("The database could not be asked: this is what was last known.")


@command(app, "show")
def show(reach: Reach, name: Name) -> None:
    """Shows one flag, with all that was said of it."""
    _print_flag(reach, _asked(reach, lambda target: target.flag(name)))


@command(app, "set")
def set_(
    reach: Reach,
    name: Name,
    value: Annotated[
        str | None, typer.Argument(metavar="VALUE", help="For everybody: true, false, 5, a text.")
    ] = None,
    person: Annotated[
        list[str] | None, typer.Option("--person", help="Served `true` whatever else; may repeat.")
    ] = None,
    agent: Annotated[list[str] | None, typer.Option("--agent", help="The same.")] = None,
    tenant: Annotated[list[str] | None, typer.Option("--tenant", help="The same.")] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="PATH", help="All of it, as JSON: rules too."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Forget all that was said.")] = False,
) -> None:
    """Says something of a flag. What is not named stays as it is; lists are replaced."""
    given = [value, person, agent, tenant]
    if (file is not None or clear) and any(one is not None for one in given):
        raise InvalidInput("--file and --clear stand alone", field="flag")
    if not clear and file is None and all(one is None for one in given):
        raise InvalidInput("say what it shall be", field="value")

    async def work(target: Target) -> FlagView:
        now = await target.flag(name)
        state = msgspec.convert(now.state, FlagState)
        if clear:
            state = FlagState()
        elif file is not None:
            state = _read(file)
        if value is not None:
            state = msgspec.structs.replace(state, value=_typed(now, value))
        for field, listed in (("people", person), ("agents", agent), ("tenants", tenant)):
            if listed is not None:
                state = msgspec.structs.replace(state, **{field: tuple(filter(None, listed))})
        return await target.change_flag(name, FlagChange(state, now.revision))

    _print_flag(reach, _asked(reach, work))


@command(app, "rollout")
def rollout(
    reach: Reach,
    name: Name,
    percentage: Annotated[
        float | None, typer.Argument(metavar="PERCENT", help="0 to 100; without it: no roll-out.")
    ] = None,
    value: Annotated[str, typer.Option("--value", help="What they are served.")] = "true",
) -> None:
    """Serves a value to this percentage of people, the same ones and more as it grows."""

    async def work(target: Target) -> FlagView:
        now = await target.flag(name)
        state = msgspec.convert(now.state, FlagState)
        by = state.rollout.by if state.rollout is not None else "person"
        chosen = None if percentage is None else Rollout(percentage, _typed(now, value), by)
        changed = msgspec.structs.replace(state, rollout=chosen)
        return await target.change_flag(name, FlagChange(changed, now.revision))

    _print_flag(reach, _asked(reach, work))


@command(app, "explain")
def explain(
    reach: Reach,
    name: Name,
    person: Annotated[str, typer.Option("--person", help="The person's id.")] = "",
    conversation: Annotated[str, typer.Option("--conversation", metavar="ID", help="Its id.")] = "",
    channel: Annotated[str, typer.Option("--channel", help="Where they write.")] = "",
    tenant: Annotated[str, typer.Option("--tenant", help="The account.")] = "",
    agent: Annotated[str, typer.Option("--agent", help="The program's id.")] = "",
    attribute: Annotated[
        list[str] | None,
        typer.Option("--attribute", metavar="NAME=VALUE", help="Another one; may repeat."),
    ] = None,
) -> None:
    """Says why somebody is served what they are: everything considered, the strongest first."""
    attributes: dict[str, Any] = {}
    for one in attribute or ():
        key, sign, text = one.partition("=")
        if not key or not sign:
            raise InvalidInput(f"{one!r} is no NAME=VALUE", field="attribute")
        attributes[key] = _scalar(text)
    asked = ExplainRequest(person, conversation, channel, tenant, agent, attributes)
    found = _asked(reach, lambda target: target.explain_flag(name, asked))
    if reach.json:
        print_json(found)
        return
    print(f"{found.flag} is {_text(found.value)}")
    for each in found.considered:
        print(f"{'→' if each.decides else ' '} {each.what}: {each.says}")


@command(app, "kill")
def kill(
    reach: Reach,
    name: SwitchName,
    reason: Annotated[str, typer.Option("--reason", help="For whoever asks later.")] = "",
) -> None:
    """Throws a kill switch: its flags are at their safe values everywhere within a second."""
    _print_switch(reach, _asked(reach, lambda target: target.kill_flag(name, KillRequest(reason))))


@command(app, "revive")
def revive(reach: Reach, name: SwitchName) -> None:
    """Puts a kill switch back."""
    _print_switch(reach, _asked(reach, lambda target: target.revive_flag(name)))


@command(app, "history")
def history(
    reach: Reach,
    name: SwitchName,
    limit: Limit = 50,
    cursor: Cursor = None,
    switch: Annotated[
        bool, typer.Option("--switch", help="When it was killed and revived, not what was said.")
    ] = False,
) -> None:
    """Lists what was said of a flag, newest first; `colloquy ledger show` has each in full."""
    collection = "kill_switches" if switch else "flags"
    page = _asked(
        reach,
        lambda target: target.change_page(cursor, limit, collection=collection, key=name),
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["position", "at (UTC)", "actor", "what", "bytes"],
        [
            (
                change.position,
                clock_time(change.at),
                change.actor,
                change.operation,
                "" if change.size is None else change.size,
            )
            for change in page.changes
        ],
        empty="Nothing was said.",
    )
    if page.next is not None:
        note(f"More: --cursor {page.next}")


if TYPE_CHECKING:
    Target = LocalFlags | AsyncClient


@contextlib.asynccontextmanager
async def _target(reach: Reach) -> AsyncIterator[Target]:
    async with reached(reach) as target:
        yield LocalFlags(target.runtime) if isinstance(target, Local) else target


def _asked(reach: Reach, ask: Callable[[Target], Awaitable[T]]) -> T:
    async def work() -> T:
        async with _target(reach) as target:
            return await ask(target)

    return asyncio.run(work())


def _read(file: Path) -> FlagState:
    try:
        return msgspec.json.decode(file.read_bytes(), type=FlagState)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", field="file") from None
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"{file}: {error}", field="file") from None


def _typed(flag: FlagView, text: str) -> Value:
    """A text in the flag's type, as far as it is one: the server says what else is wrong."""
    return text if flag.type == "str" else _scalar(text)


def _scalar(text: str) -> Value:
    words = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _text(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _value(flag: FlagView) -> str:
    return "it depends" if flag.varies else _text(flag.value)


def _because(flag: FlagView) -> str:
    return f"{flag.reason} {flag.detail}".strip()


def _print_flag(reach: Reach, flag: FlagView) -> None:
    if reach.json:
        print_json(flag)
        return
    for name, value in (
        ("flag", flag.name),
        ("value", _value(flag)),
        ("because", _because(flag)),
        ("default", _text(flag.default)),
        ("safe", _text(flag.fail_safe)),
        ("type", " or ".join(flag.choices) or flag.type),
        ("owner", flag.owner),
        ("meaning", flag.meaning),
        ("revision", flag.revision or ""),
        ("said", msgspec.json.encode(flag.state).decode() if flag.state else "nothing"),
    ):
        print(f"{name:<9} {value}".rstrip())


def _print_switch(reach: Reach, switch: SwitchView) -> None:
    if reach.json:
        print_json(switch)
        return
    state = f"thrown in the {switch.thrown}" if switch.thrown else "not thrown"
    by = f" by {switch.by}" if switch.by else ""
    at = f" at {clock_time(switch.at)} UTC" if switch.at else ""
    why = f": {switch.reason}" if switch.reason else ""
    print(f"{switch.name} is {state}{by}{at}{why}")
    print(f"holds {' '.join(switch.flags)}")

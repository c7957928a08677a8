"""What the server answers V1 clients: recorded before the migration begins, and compared later.

The conversations that are asked for are finished. Compared are status, body and the headers that
are V1's; `Date` and `X-Request-Id` tell of the request, and nothing else differs.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, NamedTuple

import msgspec

from ..wire import Answer
from .child import PATIENCE_S
from .engine import Engine
from .truth import Truth

CONVERSATIONS = 6
HEADERS = (b"content-type", b"x-api-version", b"vary")
COMPATIBILITY = "enable_compatibility_mode"
FLAGS = ("maintain_dual_write", "auto_migrate_messages")
STATES = tuple({FLAGS[0]: one, FLAGS[1]: other} for one in (True, False) for other in (True, False))
OFF = 410
POLL_S = 0.1


class Request(NamedTuple):
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] | None = None


class Answers:
    def __init__(self, engine: Engine, truth: Truth) -> None:
        self._engine = engine
        self._truth = truth
        self._requests: list[Request] = []
        self._recorded: list[tuple[Any, ...]] = []
        self.compared = 0

    async def record(self) -> None:
        """Makes the conversations, waits until they are answered, and records."""
        for number in range(CONVERSATIONS):
            await self._make(f"told-{number}")
        await self._rest()
        self._requests += [
            Request("GET", "/v1/conversations/nobody/messages"),
            Request("GET", "/v1/openapi.json"),
            Request("POST", "/v1/messages", {"conversation_id": "told-0", "role": "user"}),
            Request("POST", "/v1/messages", {"conversation_id": "told-0", "role": "cat"}),
            Request("POST", "/v1/chat", {"message": "where?"}),
        ]
        for number in range(CONVERSATIONS):
            path = f"/conversations/told-{number}/messages"
            self._requests += [
                Request("GET", f"/v1{path}"),
                Request("GET", f"/v1{path}?limit=2"),
                Request("GET", f"/v1{path}?limit=2&cursor=2"),
                Request("GET", f"/v1{path}?order=desc"),
                Request("GET", f"/v1{path}?limit=0"),
                Request("GET", path, headers={"X-API-Version": "1"}),
                Request("GET", path, headers={"Accept": "application/json"}),
            ]
        self._recorded = [_seen(await self._ask(one)) for one in self._requests]

    async def compare(self, where: str) -> None:
        """In every state of the flags in which V1 is answered, and refused in the one in which it
        is not. The flags are as they were afterwards."""
        for state in STATES:
            for flag, value in state.items():
                await self._set(flag, {"value": value})
            await self._compare(f"{where} {state}")
        for flag in FLAGS:
            await self._set(flag, {})
        await self._set(COMPATIBILITY, {"value": False})
        await self._refused(where)
        await self._set(COMPATIBILITY, {})
        await self._compare(f"{where}, on again")

    async def _compare(self, where: str) -> None:
        for request, recorded in zip(self._requests, self._recorded, strict=True):
            seen = _seen(await self._ask(request))
            self.compared += 1
            if seen != recorded:
                what = f"{where}: {request.method} {request.path} {request.body}"
                self._truth.complain("changed_answers", f"{what}: {recorded} is now {seen}")

    async def _refused(self, where: str) -> None:
        for request in self._requests:
            if request.path.endswith("openapi.json") or "limit=0" in request.path:
                continue
            answer = await self._ask(request)
            self.compared += 1
            if answer.status != OFF:
                self._truth.complain("changed_answers", f"{where}, off: {request}: {answer.status}")
        # In a conversation that is compared: stored, it would show.
        new = {"conversation_id": "told-0", "role": "user", "content": "off", "id": f"off {where}"}
        if (await self._ask(Request("POST", "/v1/messages", new))).status != OFF:
            self._truth.complain("changed_answers", f"{where}: V1 is off, and took a message")

    async def _set(self, flag: str, state: dict[str, Any]) -> None:
        await self._engine.tree("PUT", f"/v2/flags/{flag}", {"state": state})

    async def _ask(self, request: Request) -> Answer:
        return await self._engine.ask(*request)

    async def _make(self, name: str) -> None:
        """Everything that is said here is said again with each comparison."""
        one = {"conversation_id": name, "role": "human", "content": "Hello", "id": f"{name}/1"}
        pieces = [{"text": "Two pieces,", "type": "text"}, {"type": "text", "text": "one message"}]
        batch = [
            {"role": "user", "content": pieces, "id": 2, "metadata": {"z": 1, "a": {"y": 1.0}}},
            {"role": "wizard", "content": "refused, and each time so"},
            {"role": "system", "content": "recorded", "id": f"{name}/3", "likes": 7},
        ]
        chat = {
            "conversation_id": name,
            "messages": [
                {"role": "user", "content": "From an older time"},
                {"role": "assistant", "content": "So it is."},
                {"role": "user", "content": "And now?", "id": f"{name}/4"},
            ],
        }
        self._requests += [
            Request("POST", "/v1/messages", one),
            Request("POST", "/v1/messages", {"conversation_id": name, "messages": batch}),
            Request("POST", "/v1/chat", chat),
        ]
        for request in self._requests[-3:]:
            await self._ask(request)
        self._requests.append(Request("POST", "/v1/messages", {**one, "content": "Goodbye"}))

    async def _rest(self) -> None:
        """Three questions in each conversation, and an answer to each."""
        deadline = time.monotonic() + PATIENCE_S
        for number in range(CONVERSATIONS):
            while True:
                path = f"/v1/conversations/told-{number}/messages"
                found = await self._engine.ask("GET", path)
                data = msgspec.json.decode(found.body).get("data", ())
                if sum("metadata" in one and "about" in one["metadata"] for one in data) == 3:
                    break
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{path} is not answered: {found.body!r}")
                await asyncio.sleep(POLL_S)


def _seen(answer: Answer) -> tuple[Any, ...]:
    return (answer.status, *(answer.headers.get(name) for name in HEADERS), answer.body)

"""The `curl` commands of a page of ours: what each sends, and what the comment below it expects."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from string import Template
from typing import Any, NamedTuple

import httpx

from support.markdown import blocks


class Curl(NamedTuple):
    command: str
    expected: list[str]
    """The status, and a code or `stream`."""


def curls(page: str) -> list[Curl]:
    """The commands of a page's `sh` blocks that begin with curl, each with the comment below it."""
    found: list[Curl] = []
    command: list[str] = []
    for block in blocks(page, "sh"):
        for line in block.text.splitlines():
            if line.startswith("# "):
                found.append(Curl("\n".join(command), line[2:].split()))
                command = []
            elif command or line.startswith("curl "):
                command.append(line)
    assert not command, "a curl without an expectation"
    return found


def request_of(command: str, values: dict[str, str]) -> dict[str, Any]:
    """What this curl sends, as arguments of httpx. Knows the options that our pages use."""
    # As a shell does it: what a variable holds is not taken apart again.
    words = iter(Template(word).substitute(values) for word in shlex.split(command))
    assert next(words) == "curl"
    request: dict[str, Any] = {"method": "GET", "headers": {}}
    for word in words:
        if word in ("-s", "-sN"):
            continue
        if word == "-sI":
            request["method"] = "HEAD"
        elif word == "-X":
            request["method"] = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            request["headers"][name] = value
        elif word == "--json":
            if request["method"] == "GET":
                request["method"] = "POST"
            request["content"] = next(words)
            request["headers"]["Content-Type"] = "application/json"
        else:
            assert not word.startswith("-"), f"{word} is not known here"
            request["url"] = word
    return request


async def play(page: Iterable[Curl], values: dict[str, str]) -> None:
    """Sends every command and holds its answer against the page. `values` are its variables; ids
    that come back are added to them, the first of each kind, and as TAG the newest entity tag."""
    # Longer than any `?wait=` of a page.
    async with httpx.AsyncClient(timeout=60.0, trust_env=False) as client:
        for command, expected in page:
            request = request_of(command, values)
            if "stream" in expected:
                async with client.stream(**request) as response:
                    assert response.headers["content-type"].startswith("text/event-stream")
                    await anext(response.aiter_bytes())
                answer: Any = {}
            else:
                response = await client.request(**request)
                is_json = "json" in response.headers.get("content-type", "")
                answer = response.json() if is_json and response.content else {}
                if "etag" in response.headers:
                    values["TAG"] = response.headers["etag"]
            assert response.status_code == int(expected[0]), f"{command}\n{answer}"
            if len(expected) > 1 and "stream" not in expected:
                assert answer["code"] == expected[1], command
            _remember(answer, values)


def _remember(answer: dict[str, Any], values: dict[str, str]) -> None:
    receipt = answer.get("receipt", answer)
    found = {
        "MESSAGE": receipt.get("message_id"),
        "CONVERSATION": receipt.get("conversation_id"),
        "KEY_ID": answer.get("key", {}).get("id"),
        "VISITOR": answer.get("token"),
        "WEBHOOK": answer.get("webhook", {}).get("id"),
        "DELIVERY": answer.get("number") if "event_id" in answer else None,
        "POINT": answer.get("id") if "automatic" in answer else None,
        "ROLLBACK": answer.get("id") if "level" in answer else None,
        "OPERATION": answer.get("id") if "phase" in answer else None,
    }
    for name, value in found.items():
        if value is not None:
            values.setdefault(name, value)

"""Changes on the condition that a thing is still as the client knows it (`If-Match`).

curl -i …/v2/conversations/ID            # ETag: "9c1f…"
curl …/v2/conversations/ID/owner -H 'If-Match: "9c1f…"' --json '{"owner": "human"}'
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from ..model.errors import PreconditionFailed
from ..model.message import encode
from .access import header
from .tags import matches, tag_of


class Versioned(Protocol):
    """A thing as clients see it. Its `version` grows with every change."""

    @property
    def version(self) -> int: ...


class Precondition:
    """The `If-Match` of a request, for a handler that changes something."""

    def __init__(self, condition: bytes | None) -> None:
        self._condition = condition

    async def version(self, read: Callable[[], Awaitable[Versioned]]) -> int | None:
        """The version that the thing must still have when the change is committed; None if any will
        do. `read` brings the thing as GET shows it.

        Raises PreconditionFailed when it is not the one that the client knows.
        """
        if self._condition is None:
            return None
        view = await read()
        if not matches(self._condition, tag_of(encode(view))):
            raise PreconditionFailed(
                "it changed since you read it: read it again", field="If-Match"
            )
        return view.version


def provide_precondition(request: Request[Any, Any, Any]) -> Precondition:
    """Litestar's dependency `precondition`."""
    return Precondition(header(request.scope, b"if-match"))


IfMatch = NamedDependency[SkipValidation[Precondition]]

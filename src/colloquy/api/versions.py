"""Which version of the API a request is for, and where it goes.

`X-API-Version` says it, else `Accept` with a version, else the path (`/v1/`, `/v2/`). Chat paths
without a version, as clients of older systems call them, are V1's unless a header says otherwise;
no other path without a version has anything to do with versions. Headers that contradict each
other or the path, or that name a version there is not, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..model.errors import UnknownVersion

NAMES = {"1": 1, "2": 2, "v1": 1, "v2": 2, "1.0": 1, "2.0": 2}
"""What a header may say."""
HEADER = "X-API-Version"

_VERSIONED = re.compile(r"^application/vnd\.colloquy\.v?(?P<version>[^+;\s]+)\+json$")
_ANY = ("*/*", "application/*", "application/json")
_UNVERSIONED = re.compile(r"^/(?:messages|conversations/[^/]+/messages)$")


def routed(scope: Any) -> Any:
    """The scope of a request with the path that it means. Raises UnknownVersion."""
    path: str = scope["path"]
    in_path = {"/v1/": 1, "/v2/": 2}.get(path[:4])
    is_chat = in_path is None and is_unversioned_chat(scope["method"], path)
    if in_path is None and not is_chat:
        return scope
    wanted = wanted_version(scope["headers"], in_path)
    if is_chat:
        return {**scope, "path": f"/v{wanted or 1}{path}"}
    return scope


def is_unversioned_chat(method: str, path: str) -> bool:
    """Whether a path without a version is one of V1's chat. `GET /chat` is the chat page."""
    return (path == "/chat" and method == "POST") or _UNVERSIONED.match(path) is not None


def wanted_version(headers: Iterable[tuple[bytes, bytes]], in_path: int | None) -> int | None:
    """The version that the headers ask for, else that of the path. Raises UnknownVersion."""
    wanted: int | None = None
    accepted: list[str] = []
    for name, value in headers:
        if name == b"x-api-version":
            found = _named(value.decode("latin-1"))
            if wanted not in (None, found):
                raise UnknownVersion("the header names two versions", field=HEADER)
            wanted = found
        elif name == b"accept" and b"vnd.colloquy." in value:
            accepted.append(value.decode("latin-1").lower())
    if wanted is not None and in_path not in (None, wanted):
        raise UnknownVersion(f"the path is of version {in_path}, not {wanted}", field=HEADER)
    if not accepted:
        return wanted or in_path
    return _negotiated(",".join(accepted), wanted or in_path)


def _negotiated(accept: str, known: int | None) -> int | None:
    """The version by an `Accept` that names some, where `known` is what was said besides."""
    kinds: list[tuple[float, str]] = []
    for kind in accept.split(","):
        name, *parameters = (part.strip() for part in kind.split(";"))
        weight = _weight(parameters)
        if weight > 0:
            kinds.append((weight, name))
    versions = [
        (weight, match["version"]) for weight, name in kinds if (match := _VERSIONED.match(name))
    ]
    takes_any = any(name in _ANY for _, name in kinds)
    spoken = [(weight, NAMES[version]) for weight, version in versions if version in NAMES]
    if known is not None:
        if takes_any or not versions or known in [version for _, version in spoken]:
            return known
        raise UnknownVersion(
            f"the request is of version {known}, and only {versions[0][1][:20]!r} is accepted",
            field="Accept",
        )
    if spoken:
        return max(spoken, key=lambda one: one[0])[1]
    if versions and not takes_any:
        raise UnknownVersion(
            f"there is no version {versions[0][1][:20]!r}; there are 1 and 2", field="Accept"
        )
    return None


def _named(text: str) -> int:
    found = NAMES.get(text.strip().lower())
    if found is None:
        raise UnknownVersion(
            f"there is no version {text.strip()[:20]!r}; there are 1 and 2", field=HEADER
        )
    return found


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0

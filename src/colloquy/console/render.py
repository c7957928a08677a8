"""Pages out of templates: Jinja2 with everything escaped, and the headers that keep a page safe."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from litestar.response.redirect import Redirect
from msgspec import Struct

from .. import __version__
from ..model.times import now_us, rfc3339
from .access import is_https, operator_of

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: with it browsers send `Origin: null` with every form.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}

DONE = {
    "letters-discarded": "Discarded. They are kept under “Discarded”.",
    "letters-retried": "Put back: each is handled again as a new turn of its conversation.",
    "key-revoked": "Key revoked. Whoever used it is logged out.",
    "logged-out": "You are logged out.",
    "webhook-enabled": "The webhook is enabled.",
    "webhook-disabled": "The webhook is disabled.",
    "webhook-deleted": "The webhook and its deliveries are deleted.",
    "redelivered": "It will be sent again.",
    "point-made": "The rollback point is made.",
    "point-kept": "The point is kept until somebody deletes it.",
    "point-expiry": "The point expires at another time now.",
    "point-deleted": "The point is deleted.",
    "operation-cancelled": "It stops at the next record and undoes what it did.",
    "owner-assistant": "Given back: the assistant answers from here on.",
    "owner-human": "You answer from here on.",
    "owner-team": "Passed on to the team.",
    "owner-agent": "Passed on to the agent.",
    "unread": "Marked as unread.",
    "undo-begun": "Undoing has begun.",
    "flag-changed": "Saved: in force here now, everywhere within a second.",
    "flag-cleared": "Cleared: the flag is as the profile or a file says again.",
    "flag-killed": "Killed: everybody is served its safe value, everywhere within a second.",
    "flag-revived": "Revived: what is said of the flag is in force again.",
    "switch-thrown": "Thrown: its flags are at their safe values, everywhere within a second.",
    "switch-revived": "Put back: what is said of its flags is in force again.",
    "migration-started": "Started: both tables are written, V1 is read.",
    "migration-advanced": "One step further, in force everywhere within a second.",
    "migration-back": "One step back, in force everywhere within a second.",
    "migration-job-begun": "Begun: the server does it, and takes it up again after an end.",
    "migration-job-stopped": "It stops within a second. What it has done stays.",
    "mismatch-ignored": "Ignored, for as long as both values are what they are.",
    "rollout-begun": "Begun: its first step is served, and it goes on by itself.",
    "rollout-paused": "Paused: it stays at its percentage. The guard still looks.",
    "rollout-resumed": "Resumed: its step is held anew.",
    "rollout-cancelled": "Cancelled: the flag is what it was before.",
    "taken-back": "Taken back, everywhere within a second.",
    "taken-back-undone": "Undone: flags and switches are what they were before.",
    "conflict-decided": "Decided. This is the next one.",
    "conflicts-decided": "Decided. Nothing else waits for you: the operation goes on.",
}
"""What a page says about the action that led to it: `?done=` names one of these."""


class NavItem(Struct, frozen=True):
    """A page in the navigation, for operators with `scope`. `shortcut`: after the key g."""

    path: str
    label: str
    icon: str
    scope: str
    shortcut: str
    is_current: bool = False


NAVIGATION = (
    NavItem("/console", "Overview", "overview", "operate", "o"),
    NavItem("/console/inbox", "Inbox", "inbox", "read", "i"),
    NavItem("/console/dead-letters", "Dead letters", "dead-letter", "operate", "d"),
    NavItem("/console/feedback", "Feedback", "thumb-up", "read", "f"),
    NavItem("/console/flags", "Flags", "flag", "operate", "a"),
    NavItem("/console/rollouts", "Roll-outs", "rollout", "operate", "r"),
    NavItem("/console/migration", "Migration", "migration", "operate", "m"),
    NavItem("/console/ledger", "Ledger", "ledger", "read", "l"),
    NavItem("/console/webhooks", "Webhooks", "webhook", "admin", "w"),
    NavItem("/console/keys", "Keys", "key", "admin", "k"),
    NavItem("/console/settings", "Settings", "settings", "admin", "s"),
    NavItem("/console/doctor", "Doctor", "doctor", "admin", "c"),
)


def page(
    request: Request[Any, Any, Any], template: str, status: int = 200, **context: Any
) -> Response[str]:
    """A whole page, or a part of one for htmx; they differ in their template only.

    Every template sees `operator` (None on the log-in page), `csrf`, `nav`, `now` (RFC 3339),
    `path`, `done`, the sentence that `?done=` stands for, and `fresh`, where a page that follows
    what happens loads itself again (nowhere after an action that was refused).
    """
    operator = operator_of(request)
    path = request.scope["path"]
    shared = {
        "operator": operator,
        "csrf": operator.csrf if operator is not None else "",
        "nav": navigation(operator.scopes, path) if operator is not None else [],
        "now": rfc3339(now_us()),
        "path": path,
        "done": DONE.get(request.query_params.get("done", "")),
        "fresh": _address(request) if request.method == "GET" else "",
    }
    body = _environment().get_template(template).render({**shared, **context})
    return Response(body, status_code=status, headers=HEADERS, media_type="text/html")


def _address(request: Request[Any, Any, Any]) -> str:
    """Of this page, without what it says once."""
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "done"]
    path: str = request.scope["path"]
    return f"{path}?{urlencode(query)}" if query else path


def fragment(template: str, **context: Any) -> bytes:
    """A part of a page that is the same for everybody who may see it: no operator, no token."""
    return _environment().get_template(template).render(context).encode()


def address_of(request: Request[Any, Any, Any]) -> str:
    """This server as the browser calls it, for commands that a reader may copy."""
    scheme = "https" if is_https(request) else "http"
    return f"{scheme}://{request.headers.get('host', 'localhost')}"


def see(path: str, **query: str) -> Redirect:
    """Where to look after an action: the browser asks for it with GET."""
    location = f"{path}?{urlencode(query)}" if query else path
    return Redirect(location, status_code=303, headers=HEADERS)


def navigation(scopes: frozenset[str], path: str) -> list[NavItem]:
    """The pages that these scopes open, with the one at `path` marked."""
    seen = [item for item in NAVIGATION if item.scope in scopes or "admin" in scopes]
    inside = [item for item in seen if path == item.path or path.startswith(item.path + "/")]
    current = max(inside, key=lambda item: len(item.path), default=None)
    return [
        NavItem(item.path, item.label, item.icon, item.scope, item.shortcut, item is current)
        for item in seen
    ]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("colloquy", "console/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["version"] = __version__
    environment.filters |= {
        "count": _count,
        "rate": _rate,
        "ms": _ms,
        "seconds": _seconds,
        "bytes": _bytes,
    }
    return environment


# As overview.js has them, so that nothing moves when the first live figures come.


def _count(number: float) -> str:
    """`1,234,567`."""
    return f"{number:,.0f}"


def _rate(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"


def _ms(number: float | None) -> str:
    if number is None:
        return "–"
    if number >= 1000:
        return f"{number / 1000:,.1f} s"
    return f"{number:.1f} ms" if number < 10 else f"{number:.0f} ms"


def _seconds(number: float) -> str:
    return f"{number:.1f} s" if number < 10 else f"{number:,.0f} s"


def _bytes(number: float) -> str:
    for unit in ("B", "KB", "MB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} GB"

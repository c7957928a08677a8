"""One hierarchy of errors. Each has a stable `code`; HTTP shows it as an RFC 9457 problem.

`code` is a contract: clients switch on it, so a code is never renamed. `status` is the HTTP status
the error has at the edge; `field` is the path of the value that is wrong, where there is one.
"""

from __future__ import annotations

from typing import Any, ClassVar


class ColloquyError(Exception):
    """Base of every error that Colloquy raises on purpose."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        retry_after_s: float | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.retry_after_s = retry_after_s
        self.extra = extra

    @property
    def request_id(self) -> str | None:
        """The request that met it, where the error came from a server: its log has the same id."""
        return self.extra.get("request_id")

    def problem(self) -> dict[str, Any]:
        """The error as an RFC 9457 problem document."""
        document: dict[str, Any] = {
            "type": f"urn:colloquy:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        if self.field is not None:
            document["field"] = self.field
        if self.retry_after_s is not None:
            document["retry_after_s"] = self.retry_after_s
        document.update(self.extra)
        return document


# -- bad input (4xx): nothing was changed -----------------------------------------------------


class InvalidInput(ColloquyError):
    """A value does not fit: `field` names it, `detail` says why."""

    code = "invalid_input"
    status = 422
    title = "Invalid input"


class MalformedJson(InvalidInput):
    """The body is not JSON."""

    code = "malformed_json"
    status = 400
    title = "Malformed JSON"


class InvalidUnicode(InvalidInput):
    """The body is not UTF-8, or has a lone surrogate."""

    code = "invalid_unicode"
    status = 400
    title = "Invalid Unicode"


class UnsupportedVersion(InvalidInput):
    """The client asks for a version of the format that this server does not speak."""

    code = "unsupported_version"
    status = 406
    title = "Unsupported version"


class UnsupportedMediaType(InvalidInput):
    code = "unsupported_media_type"
    status = 415
    title = "Unsupported media type"


class TooLarge(InvalidInput):
    """The body, the text or the batch is over its limit."""

    code = "too_large"
    status = 413
    title = "Too large"


class Unauthenticated(ColloquyError):
    code = "unauthenticated"
    status = 401
    title = "Authentication required"


class Forbidden(ColloquyError):
    """The key is known but lacks the scope."""

    code = "forbidden"
    status = 403
    title = "Forbidden"


class NotFound(ColloquyError):
    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(ColloquyError):
    """The state of the thing does not allow this."""

    code = "conflict"
    status = 409
    title = "Conflict"


class MessageIdReused(Conflict):
    """The same message id came before with another body."""

    code = "message_id_reused"
    title = "Message id reused"


class IdempotencyKeyReused(Conflict):
    """The same `Idempotency-Key` came before with another body."""

    code = "idempotency_key_reused"
    title = "Idempotency key reused"


class PreconditionFailed(ColloquyError):
    """The thing changed since the client read it: its entity tag is not the one in `If-Match`."""

    code = "precondition_failed"
    status = 412
    title = "Precondition failed"


# -- pressure and outages: try again later ----------------------------------------------------


class Overloaded(ColloquyError):
    """A bound is reached; `retry_after_s` says when to try again. Nothing was stored."""

    code = "overloaded"
    status = 429
    title = "Too many messages"


class ConversationOverloaded(Overloaded):
    """One conversation has too many unfinished messages."""

    code = "conversation_overloaded"


class RateLimited(ColloquyError):
    """More requests than the limit of this key, visitor or address allows."""

    code = "rate_limited"
    status = 429
    title = "Too many requests"


class Unavailable(ColloquyError):
    """Neither the store nor the spool can be written, or the server is stopping."""

    code = "unavailable"
    status = 503
    title = "Unavailable"


class StoreUnavailable(Unavailable):
    """The store cannot take a transaction now (locked, connection lost). Safe to try again."""

    code = "store_unavailable"


# -- the engine's own -------------------------------------------------------------------------


class SettingsError(ColloquyError):
    """A setting is unknown or has a wrong value; `extra['problems']` lists all of them."""

    code = "invalid_settings"
    title = "Invalid settings"


class SecretUnreadable(ColloquyError):
    """A secret stored in the database cannot be opened: its key is missing or another one."""

    code = "secret_unreadable"
    title = "Stored secret unreadable"


class StoreLocked(ColloquyError):
    """Another process owns this database file."""

    code = "store_locked"
    title = "Database owned by another process"


class UnsoundBackup(ColloquyError):
    """A backup is damaged or not what its manifest says; `extra['problems']` lists how."""

    code = "unsound_backup"
    title = "Unsound backup"


class StaleLease(ColloquyError):
    """This worker's lease epoch is over: what it wanted to commit was refused whole."""

    code = "stale_lease"
    title = "Stale lease"


class Transient(ColloquyError):
    """Raise it (or a subclass) in a handler to say: the same call may work a bit later.

    Only transient errors back off (0.2, 1, 5, 15 s); any other is tried once more at once.
    """

    code = "transient"
    status = 503
    title = "Transient failure"


class TurnTimeout(Transient):
    """A parked turn did not finish in time."""

    code = "turn_timeout"


class Crashed(ColloquyError):
    """The process died while this message was being worked on, more often than allowed."""

    code = "crashed"


class EffectUncertain(ColloquyError):
    """An outside effect was begun and its outcome is not known; see `Turn.once`."""

    code = "effect_uncertain"
    status = 409
    title = "Outcome of an effect is not known"

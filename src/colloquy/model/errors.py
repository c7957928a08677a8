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
    is_about_input: ClassVar[bool] = False
    """What was asked for is wrong, or not allowed: asked again it fails again. A handler that
    raises it gets no second attempt (engine decision 19)."""

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
    is_about_input = True


class BudgetTooSmall(InvalidInput):
    """What must not be left out of a context takes more tokens than it may have."""

    code = "context_budget"
    title = "Context budget too small"

    def __init__(self, budget: int, needed: int) -> None:
        super().__init__(
            f"{needed} tokens must be kept and the budget is {budget}: {needed - budget} too few",
            field="budget",
            budget=budget,
            needed=needed,
        )
        self.missing = needed - budget
        """Tokens by which the budget is too small."""


class ContextInvalid(InvalidInput):
    """A context is not fit to be answered from; `extra['problems']` lists why."""

    code = "context_invalid"
    title = "Context validation failed"


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


class UnknownVersion(UnsupportedVersion):
    """The headers ask for a version that does not exist, or for another one than the path."""

    code = "unknown_version"
    title = "Unknown version"


class MalformedV1(InvalidInput):
    """A message of format V1 does not fit: `field` is the path of the value."""

    code = "malformed_v1"
    title = "Malformed V1 message"


class UnknownFormat(InvalidInput):
    """A message is of neither format; `detail` says what keeps it from each."""

    code = "unknown_format"
    title = "Unknown format"


class VersionOff(ColloquyError):
    """This version of the API is switched off: `enable_compatibility_mode`."""

    code = "version_off"
    status = 410
    title = "Version switched off"
    is_about_input = True


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
    is_about_input = True


class Forbidden(ColloquyError):
    """The key is known but lacks the scope."""

    code = "forbidden"
    status = 403
    title = "Forbidden"
    is_about_input = True


class NotFound(ColloquyError):
    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(ColloquyError):
    """The state of the thing does not allow this."""

    code = "conflict"
    status = 409
    title = "Conflict"


class RowRefused(Conflict):
    """The database refuses a row as it is: a constraint, a type, a trigger."""

    code = "row_refused"
    title = "Row refused by the database"


class MigrationNotReady(Conflict):
    """The figures do not allow this step; `extra['missing']` lists all that is missing."""

    code = "migration_not_ready"
    title = "Migration not ready"


class MessageIdReused(Conflict):
    """The same message id came before with another body."""

    code = "message_id_reused"
    title = "Message id reused"


class IdempotencyKeyReused(Conflict):
    """The same `Idempotency-Key` came before with another body."""

    code = "idempotency_key_reused"
    title = "Idempotency key reused"


class PointExpired(Conflict):
    """The rollback point is past its expiry: what it kept may be gone."""

    code = "rollback_expired"
    status = 410
    title = "Rollback point expired"


class NotRestorable(Conflict):
    """The ledger was compacted past this position: what was so then is no longer known."""

    code = "not_restorable"
    status = 410
    title = "Not restorable"


class LedgerBusy(Conflict):
    """Another operation works on records that this one needs. `operation` names it."""

    code = "ledger_busy"
    title = "Ledger operation under way"


class RollbackStepFailed(Conflict):
    """A step of the user's own that runs with a rollback failed: the rollback was undone."""

    code = "rollback_step_failed"
    title = "Rollback step failed"


class ScopeEmpty(InvalidInput):
    """The scope names records that do not exist, or matches no change."""

    code = "scope_empty"
    title = "Nothing in scope"


class LedgerConflict(Conflict):
    """A rollback or merge was to stop at a conflict; `extra['conflicts']` lists all of them."""

    code = "rollback_conflict"
    title = "Rollback conflict"


class SnapshotCorrupted(InvalidInput):
    """The file is no snapshot, ends too early, or is not what its checksums say."""

    code = "snapshot_corrupted"
    title = "Snapshot damaged"


class SnapshotVersion(InvalidInput):
    """The snapshot has a format that this version does not read."""

    code = "snapshot_version"
    title = "Snapshot of another version"


class SnapshotTooLarge(InvalidInput):
    """The snapshot is, or would unpack to be, larger than the limit."""

    code = "snapshot_too_large"
    status = 413
    title = "Snapshot too large"


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


class SignalsUnavailable(Unavailable):
    """The server of signals (`signals.url`) cannot be reached, or does not pass on what is sent."""

    code = "signals_unavailable"


# -- the engine's own -------------------------------------------------------------------------


class SettingsError(ColloquyError):
    """A setting is unknown or has a wrong value; `extra['problems']` lists all of them."""

    code = "invalid_settings"
    title = "Invalid settings"


class ExtraMissing(SettingsError):
    """The settings ask for something whose package is not installed; `detail` names the extra."""

    code = "extra_missing"
    status = 501
    title = "Package not installed"


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

    Only transient errors back off (0.2, 1, 5, 15 s). Any other is tried once more at once, unless
    it `is_about_input`.
    """

    code = "transient"
    status = 503
    title = "Transient failure"


class TurnTimeout(Transient):
    """A parked turn did not finish in time."""

    code = "turn_timeout"


class ModelFailed(Transient):
    """A language model did not answer, or not with anything that can be used."""

    code = "model_failed"
    title = "Language model failed"

    def __init__(
        self,
        detail: str,
        *,
        reason: str,
        lasting: bool = False,
        retry_after_s: float | None = None,
        partial: str | None = None,
    ) -> None:
        """`reason`: see `ModelUse.failed`. `lasting`: the same request would fail again. `partial`:
        what came before it failed; None where nothing was begun."""
        super().__init__(detail, retry_after_s=retry_after_s, reason=reason)
        self.reason = reason
        self.lasting = lasting
        self.partial = partial


class Crashed(ColloquyError):
    """The process died while this message was being worked on, more often than allowed."""

    code = "crashed"


class FlagKilled(ColloquyError):
    """A kill switch was thrown on what a turn used: it is done again without."""

    code = "flag_killed"

    def __init__(self, flags: list[str]) -> None:
        super().__init__(f"done again without {', '.join(flags)}")


class EffectUncertain(ColloquyError):
    """An outside effect was begun and its outcome is not known; see `Turn.once`."""

    code = "effect_uncertain"
    status = 409
    title = "Outcome of an effect is not known"

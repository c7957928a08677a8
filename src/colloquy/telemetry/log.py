"""Structured logs on standard error: JSON lines, or readable text on a terminal.

One line per batch at INFO, none per message (engine 3). Values under keys that name a secret never
reach the output, nor do passwords inside URLs. A log call never raises.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, BinaryIO, Literal, cast

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from colloquy.model.times import Clock, now_us, rfc3339

Format = Literal["auto", "console", "json"]
Mask = Callable[[str], str]

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(
    r"secret|passw(or)?d|token|authori[sz]ation|api_?key|cookie|credential|private_?key", re.I
)
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]*@")
_DEPTH = 6
"""Nested values deeper than this are shown by their type only."""
_LONG_BYTES = 32
"""Ids are at most this long and shown as hex; longer bytes are bodies and shown by length."""


REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that the current task works for: its log lines carry the id."""


class LineWriter:
    """Writes whole lines to a binary stream from any thread.

    A stream that is gone (closed pipe, full disk) must not stop the engine: such lines are counted
    in `lost` instead.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.lost = 0
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, line: bytes | str) -> None:
        raw = line.encode("utf-8", "backslashreplace") if isinstance(line, str) else line
        with self._lock:
            try:
                self._stream.write(raw + b"\n")
                self._stream.flush()
            except (OSError, ValueError):
                self.lost += 1

    # structlog calls the method that is named like the level.
    debug = info = warning = error = critical = exception = msg = log = write


def configure(
    level: str = "info",
    format: Format = "auto",
    *,
    stream: BinaryIO | None = None,
    mask: Mask | None = None,
    clock: Clock = now_us,
) -> LineWriter:
    """Set up logging for this process, the standard library's `logging` included.

    `mask` is applied to every text value: `privacy.mask` hides what people wrote.
    `stream` defaults to standard error; `auto` is `console` when that is a terminal.
    """
    target = sys.stderr.buffer if stream is None else stream
    terminal = target.isatty()
    console = format == "console" or (format == "auto" and terminal)
    number = logging.getLevelNamesMapping()[level.upper()]
    writer = LineWriter(target)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _name_request,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _Clean(mask),
            _Stamp(clock),
            _console(terminal) if console else _json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: writer,
        # Loggers live in module variables; without the cache a later configure() reaches them.
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Bridge)]:
        root.removeHandler(handler)
    root.addHandler(_Bridge())
    root.setLevel(max(number, logging.INFO))
    logging.captureWarnings(True)
    return writer


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger whose lines carry `logger=name`."""
    return cast(FilteringBoundLogger, structlog.get_logger(logger_name=name))


def _name_request(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    request_id = REQUEST_ID.get()
    if request_id is not None:
        event.setdefault("request_id", request_id)
    return event


class _Bridge(logging.Handler):
    """Passes records of libraries that use the standard `logging` on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        get_logger(record.name).log(record.levelno, text, exc_info=record.exc_info)


class _Clean:
    """Redacts secrets, masks texts, and makes every value one that can be written."""

    def __init__(self, mask: Mask | None) -> None:
        self._mask = mask

    def __call__(
        self, logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        for key, value in event.items():
            event[key] = self._value(key, value, _DEPTH)
        return event

    def _value(self, key: str, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, bool | int | float):
            # A count of tokens is not a token.
            return value
        if _SECRET_KEY.search(key):
            return REDACTED
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes | bytearray | memoryview):
            raw = bytes(value)
            return raw.hex() if len(raw) <= _LONG_BYTES else f"<{len(raw)} bytes>"
        if depth == 0:
            return f"<{type(value).__name__}>"
        if isinstance(value, Mapping):
            return {
                str(inner): self._value(str(inner), item, depth - 1)
                for inner, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value("", item, depth - 1) for item in value]
        return self._text(_repr(value))

    def _text(self, text: str) -> str:
        if "://" in text:
            text = _URL_PASSWORD.sub(r"\1:***@", text)
        return text if self._mask is None else self._mask(text)


class _Stamp:
    """Puts time, level, logger and event first, so that lines can be read by eye as well."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(
        self, logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        line: dict[str, Any] = {
            "time": rfc3339(self._clock()),
            "level": event.pop("level", method),
            "logger": event.pop("logger_name", "colloquy"),
            "event": event.pop("event", ""),
        }
        line.update(event)
        return line


def _json(logger: Any, method: str, event: MutableMapping[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(event)
    except UnicodeEncodeError:
        # A lone surrogate: the standard encoder writes it as an escape.
        return json.dumps(event).encode("ascii")


def _console(terminal: bool) -> structlog.dev.ConsoleRenderer:
    return structlog.dev.ConsoleRenderer(
        colors=terminal,
        timestamp_key="time",
        exception_formatter=structlog.dev.plain_traceback,
    )


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"

"""What a log line looks like, what it never shows, and that logging never raises."""

import io
import json
import logging
import threading

import pytest
import structlog

from colloquy.telemetry import configure, get_logger
from colloquy.telemetry.log import REDACTED, _Bridge


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def restored():
    """Logging is global: leave it as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def lines():
    stream = io.BytesIO()
    configure("info", "auto", stream=stream, clock=lambda: 1_767_225_600_000_000)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_time_level_and_name_first(lines):
    get_logger("pipeline").info("batch", turns=128)
    (line,) = lines()
    assert list(line.items()) == [
        ("time", "2026-01-01T00:00:00.000000Z"),
        ("level", "info"),
        ("logger", "pipeline"),
        ("event", "batch"),
        ("turns", 128),
    ]


def test_lines_below_the_level_are_not_written(lines):
    get_logger("x").debug("fine")
    get_logger("x").warning("bad")
    assert [line["event"] for line in lines()] == ["bad"]


@pytest.mark.parametrize(
    "key",
    ["api_key", "apikey", "Authorization", "access_token", "PASSWORD", "client_secret", "Cookie"],
)
def test_secrets_are_redacted_at_any_depth(lines, key):
    get_logger("x").info("call", **{key: "hush"}, headers=[{key: ["hush"]}, {"other": "seen"}])
    (line,) = lines()
    assert line[key] == REDACTED
    assert line["headers"] == [{key: REDACTED}, {"other": "seen"}]


def test_a_count_of_tokens_is_not_a_secret(lines):
    get_logger("x").info("model", tokens=12, token=None)
    assert lines()[0]["tokens"] == 12


def test_passwords_in_urls_are_hidden_in_every_text(lines):
    get_logger("x").info("open postgresql://me:pw@h/d", url="redis://:pw@h", plain="http://h:80/@")
    (line,) = lines()
    assert line["event"] == "open postgresql://me:***@h/d"
    assert line["url"] == "redis://:***@h"
    assert line["plain"] == "http://h:80/@"


def test_a_mask_is_applied_to_texts():
    stream = io.BytesIO()
    configure("info", "json", stream=stream, mask=lambda text: text.replace("ann", "***"))
    get_logger("x").info("from ann", sender=["ann"])
    line = json.loads(stream.getvalue())
    assert (line["event"], line["sender"]) == ("from ***", ["***"])


def test_no_value_makes_a_log_call_raise(lines):
    class Odd:
        def __repr__(self):
            raise ValueError("no")

    loop: list = []
    loop.append(loop)
    get_logger("x").info(
        "odd", a=Odd(), b="\ud800", c=b"\x01\x02", d=bytes(1000), e={1: {2}}, f=loop, g=float("inf")
    )
    (line,) = lines()
    assert line["a"] == "<Odd whose repr raised ValueError>"
    assert line["c"] == "0102"
    assert line["d"] == "<1000 bytes>"
    assert line["e"] == {"1": [2]}


def test_an_exception_is_written_with_its_traceback(lines):
    try:
        raise KeyError("lost")
    except KeyError:
        get_logger("x").exception("failed")
    (line,) = lines()
    assert line["level"] == "error"
    assert "KeyError: 'lost'" in line["exception"]


def test_libraries_that_use_logging_end_up_in_the_same_place(lines):
    logging.getLogger("uvicorn.error").warning("port %d taken", 80)
    (line,) = lines()
    assert (line["logger"], line["event"]) == ("uvicorn.error", "port 80 taken")


def test_a_record_that_cannot_be_formatted_is_shown_unformatted(lines):
    record = logging.LogRecord("lib", logging.ERROR, "f", 1, "%d", ("not a number",), None)
    _Bridge().handle(record)
    assert lines()[0]["event"] == "%d"


def test_configuring_twice_writes_each_line_once_and_reaches_old_loggers():
    logger = get_logger("x")
    first, second = io.BytesIO(), io.BytesIO()
    configure("info", "json", stream=first)
    configure("debug", "json", stream=second)
    logger.debug("ours")
    logging.getLogger("library").error("theirs")
    assert first.getvalue() == b""
    assert second.getvalue().count(b"\n") == 2


def test_a_stream_that_is_gone_is_counted_and_nothing_else():
    stream = io.BytesIO()
    writer = configure("info", "json", stream=stream)
    stream.close()
    get_logger("x").info("lost")
    assert writer.lost == 1


def test_lines_of_many_threads_do_not_mix():
    stream = io.BytesIO()
    configure("info", "json", stream=stream)
    threads = [
        threading.Thread(target=lambda: [get_logger("x").info("y" * 500) for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["y" * 500] * 400


def test_a_terminal_gets_readable_text():
    stream = Terminal()
    configure("info", "auto", stream=stream)
    get_logger("room").info("hello", count=3)
    text = stream.getvalue().decode()
    assert "hello" in text
    assert "room" in text
    assert not text.startswith("{")

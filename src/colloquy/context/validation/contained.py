"""Runs a user's own rule so that nothing it does reaches the one who asked."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from itertools import islice

from ...model.errors import InvalidInput
from .rule import Check, Checked, Finding

MAX_FINDINGS = 100
"""Of one rule in one context; more are not asked for."""
MAX_MESSAGE = 500


class Hung(Exception):
    """The rule gave no answer in time, or has not come back from a former run."""


async def contained(
    check: Check, checked: Checked, timeout_s: float, hangs: Callable[[int], None]
) -> list[Finding]:
    """What the rule found, run in a thread that holds nothing up when the process ends.

    `hangs` is called with 1 when the rule is given up, and with -1 when it comes back after all.
    Raises Hung, InvalidInput for what are no findings, and what the rule raises.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[Finding] | Exception] = loop.create_future()
    is_back = is_given_up = False

    def come_back(outcome: list[Finding] | Exception) -> None:
        nonlocal is_back
        is_back = True
        if is_given_up:
            hangs(-1)
        elif not future.done():
            future.set_result(outcome)

    def work() -> None:
        outcome = _outcome(check, checked)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(come_back, outcome)

    threading.Thread(target=work, name="context-rule", daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            outcome = await future
    except (TimeoutError, asyncio.CancelledError) as error:
        if not is_back:
            is_given_up = True
            hangs(1)
        if isinstance(error, TimeoutError):
            raise Hung(f"no answer within {timeout_s:g} s") from None
        raise
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _outcome(check: Check, checked: Checked) -> list[Finding] | Exception:
    try:
        return [_finding(one) for one in islice(check(checked), MAX_FINDINGS)]
    except Exception as error:
        return error
    except BaseException as error:
        # sys.exit() in a rule is no reason to stop the process.
        return RuntimeError(repr(error))


def _finding(one: object) -> Finding:
    if (
        not isinstance(one, tuple)
        or len(one) != len(Finding._fields)
        or not all(isinstance(each, str) for each in one)
    ):
        raise InvalidInput("a rule yields findings: a message and the source of an item")
    return Finding(one[0][:MAX_MESSAGE], one[1][:MAX_MESSAGE])

"""Is everything as it should be? The checks of `runtime.checks`, and whether a server runs.

Nothing is changed. A check never raises: what it cannot find out is a finding of its own.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .client import AsyncClient, Retries, server_of
from .model.errors import SettingsError
from .runtime.checks import (
    NETWORK_S,
    Check,
    check_extras,
    check_installation,
    check_python,
    check_sqlite,
    safely,
    settings_problems,
)
from .settings import Settings, resolve


async def examine(
    file: Path | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> list[Check]:
    """Every check, in an order that puts causes before effects."""
    try:
        resolution = resolve(file, env if env is not None else os.environ, overrides)
    except SettingsError as error:
        return [check_python(), check_sqlite(), *settings_problems(error), *check_extras()]
    checks = await check_installation(resolution)
    checks.append(await safely("server", check_server(resolution.settings)))
    return checks


async def check_server(settings: Settings) -> Check:
    """The server on this database if one runs, else whether its port is free."""
    file = settings.sqlite_file
    address = await server_of(file) if file is not None else None
    if address is not None:
        retries = Retries(most=0)
        async with AsyncClient(*address, timeout_s=NETWORK_S, retries=retries) as client:
            report = await client.health_report()
        score, status = report.get("score"), str(report.get("status"))
        detail = f"running at {address.url}, {status}, score {score}{_services(report)}"
        if status == "healthy":
            return Check("server", "ok", detail)
        return Check("server", "warn", detail, "colloquy doctor --json shows its signals")
    if settings.port and not port_is_free(settings.host, settings.port):
        return Check(
            "server", "warn", f"port {settings.port} on {settings.host} is taken",
            "Serve on another one: --port, or 0 to let the system choose.",
        )  # fmt: skip
    return Check("server", "ok", f"not running; port {settings.port or '(any)'} is free")


def _services(report: dict[str, Any]) -> str:
    """The services that do not do well, with their last error, and those that are switched off."""
    told = []
    for name, one in report.get("services", {}).items():
        if one["status"] == "off":
            told.append(f"{name} is off")
        elif one["status"] != "healthy":
            told.append(f"{name} is {one['status']} ({one['last_error']})")
    return "".join(f"; {text}" for text in told)


def port_is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True

"""Servers that the tests bring themselves, and what is said where there is none."""

from __future__ import annotations

import pytest

from support import carriers
from support.carriers import PrivateServer, answers

both = pytest.mark.parametrize(
    "kind",
    [
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("nats", marks=pytest.mark.nats),
    ],
)


@both
def test_a_private_server_starts_and_goes_and_starts_again(kind: str) -> None:
    with PrivateServer(kind) as server:
        assert answers(server.url)
        server.kill()
        assert not answers(server.url)
        server.start()
        assert answers(server.url)
    assert not answers(server.url)
    assert not server._folder.exists()


@both
def test_one_that_cannot_start_says_why(kind: str) -> None:
    server = PrivateServer(kind, ["no such option"])
    with pytest.raises(RuntimeError, match="did not start"):
        server.start()
    server.__exit__()


@both
def test_a_told_server_that_does_not_answer_is_an_error(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"COLLOQUY_TEST_{kind.upper()}_URL", f"{kind}://127.0.0.1:1")
    with pytest.raises(RuntimeError, match="does not answer"), carriers.server(kind):
        pass


@both
def test_without_the_machines_own_a_private_one_is_started(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"COLLOQUY_TEST_{kind.upper()}_URL", raising=False)
    monkeypatch.setitem(carriers.PORTS, kind, 1)
    with carriers.server(kind) as url:
        assert answers(url)


@both
def test_no_server_and_no_program_is_an_error(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"COLLOQUY_TEST_{kind.upper()}_URL", raising=False)
    monkeypatch.setitem(carriers.PORTS, kind, 1)
    monkeypatch.setattr(carriers, "_program", lambda kind: None)
    with pytest.raises(RuntimeError, match=f"apt-get install {kind}-server"), carriers.server(kind):
        pass

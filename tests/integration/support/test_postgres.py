"""The server that the tests bring themselves works like one that was there before."""

import asyncpg
import pytest

from support import postgres


async def test_each_test_gets_a_fresh_database(postgres_url):
    connection = await asyncpg.connect(postgres_url)
    try:
        tables = await connection.fetchval(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        )
        assert tables == 0
        assert (await connection.fetchval("SHOW server_encoding")) == "UTF8"
    finally:
        await connection.close()


def test_a_private_server_starts_and_goes():
    with postgres.private_server() as url, postgres.database(url) as fresh:
        assert "colloquy_test_" in fresh
    with pytest.raises(OSError), postgres.database(url):
        pass


def test_a_told_server_that_does_not_answer_is_an_error(monkeypatch):
    monkeypatch.setenv("COLLOQUY_TEST_POSTGRES_URL", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(RuntimeError, match="does not answer"), postgres.server():
        pass


def test_no_server_and_no_programs_is_an_error(monkeypatch):
    monkeypatch.setattr(postgres, "_programs", lambda: None)
    with pytest.raises(RuntimeError, match="need PostgreSQL"), postgres.private_server():
        pass
